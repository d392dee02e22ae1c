package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// What lies on the disk is what was made, and whole; writing it again leaves nothing of before.
func TestLayoutAndArchivesAreWhole(t *testing.T) {
	out := t.TempDir()
	p := made(t)
	for range 2 {
		if err := p.write(out); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := layout.ImageIndexFromPath(filepath.Join(out, "studio"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := stored.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(manifest.Manifests); n != 3 { // the image, and a bill for each platform
		t.Fatalf("%d entries in the layout", n)
	}
	index, err := stored.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	if got := manifest.Manifests[0].Annotations["io.containerd.image.name"]; got != "docker.io/filmgate/studio:v1.2.3" {
		t.Errorf("containerd would call it %q", got)
	}
	for _, b := range p.builds {
		image, err := tarball.ImageFromPath(filepath.Join(out, "studio-linux-"+b.platform.Architecture+".tar"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(image); err != nil {
			t.Error(err)
		}
		config, err := b.image.ConfigName()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := image.ConfigName(); err != nil || got != config {
			t.Errorf("%s: the archive holds %v, %v; made was %v", b.platform, got, err, config)
		}
	}
}

func TestPushedIsWhatWasMade(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	out, prefix := t.TempDir(), strings.TrimPrefix(server.URL, "http://")+"/team/filmgate"
	p := made(t)
	if err := p.write(out); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if err := run(context.Background(), []string{"push", "-out", out, "-only", "studio", prefix}, &said); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.TrimSpace(said.String()), prefix+"/studio@"+digest(t, p.index); got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	tag, err := name.NewTag(prefix + "/studio:v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	for _, b := range p.builds {
		about, err := remote.Referrers(tag.Digest(digest(t, b.image)))
		if err != nil {
			t.Fatal(err)
		}
		if got := billOf(t, tag.Repository, about); !bytes.Equal(got, b.bill) {
			t.Errorf("%s: the registry answers another bill of materials: %d bytes, not %d", b.platform, len(got), len(b.bill))
		}
	}
}

// billOf answers the only bill of materials among what refers to an image.
func billOf(t *testing.T, in name.Repository, about v1.ImageIndex) []byte {
	t.Helper()
	manifest, err := about.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("what refers to it: %+v", manifest.Manifests)
	}
	attached, err := remote.Image(in.Digest(manifest.Manifests[0].Digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	content, err := attached.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if content.ArtifactType != spdxType || content.Layers[0].MediaType != spdxType {
		t.Errorf("what refers to it is %q, of %q", content.ArtifactType, content.Layers[0].MediaType)
	}
	blob, err := remote.Layer(in.Digest(content.Layers[0].Digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	body, err := blob.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	bill, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return bill
}
