package main

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// checkout is the root of the tree that these tests stand in.
const checkout = "../.."

// studio stands for all services: it is the one that is built soonest.
var (
	studio = services[4]
	both   = []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}
	first  = release{
		version: "v1.2.3", revision: "0123456789abcdef0123456789abcdef01234567", source: "https://filmgate.dev",
		created: time.Unix(1_795_000_000, 0).UTC(),
	}
)

// made answers studio's image, built once for all tests.
func made(t *testing.T) *product {
	t.Helper()
	p, err := makeOnce()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var makeOnce = sync.OnceValues(func() (*product, error) {
	base, err := foundation()
	if err != nil {
		return nil, err
	}
	return studio.make(context.Background(), checkout, both, first, base)
})

// copyOf answers another checkout, in a folder of its own, of what studio is built from.
func copyOf(t *testing.T) string {
	t.Helper()
	list := exec.Command("git", "ls-files", "-co", "--exclude-standard", "-z", "--", "proto", "pkg", "services/studio")
	list.Dir = checkout
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "another checkout")
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(checkout, name))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(other, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return other
}

// held is a file of an image.
type held struct {
	tar.Header
	content []byte
}

// unpack answers every file of an image, the lowest layer's first.
func unpack(t *testing.T, image v1.Image) []held {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	var all []held
	for _, layer := range layers {
		packed, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		in := tar.NewReader(packed)
		for {
			header, err := in.Next()
			if err == io.EOF { //nolint:errorlint // documented to be this very value
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			var content bytes.Buffer
			if _, err := io.Copy(&content, in); err != nil {
				t.Fatal(err)
			}
			all = append(all, held{*header, content.Bytes()})
		}
		packed.Close()
	}
	return all
}

func digest(t *testing.T, of interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	d, err := of.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}
