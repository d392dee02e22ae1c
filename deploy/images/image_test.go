package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"reflect"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestImageSaysWhatItIs(t *testing.T) {
	for _, b := range made(t).builds {
		config, err := b.image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.OS != "linux" || config.Architecture != b.platform.Architecture || !config.Created.Equal(first.created) {
			t.Errorf("%s: it says %s/%s of %v", b.platform, config.OS, config.Architecture, config.Created)
		}
		want := v1.Config{
			User: "65532:65532", WorkingDir: "/", Entrypoint: []string{"/studio"}, Env: []string{"PATH=/"},
			Labels: map[string]string{
				"org.opencontainers.image.title":       "studio",
				"org.opencontainers.image.description": "Filmgate: the pages that a studio works on",
				"org.opencontainers.image.version":     "v1.2.3",
				"org.opencontainers.image.revision":    "0123456789abcdef0123456789abcdef01234567",
				"org.opencontainers.image.source":      "https://filmgate.dev",
				"org.opencontainers.image.licenses":    "Apache-2.0",
				"org.opencontainers.image.vendor":      "Filmgate",
				"org.opencontainers.image.created":     first.created.Format(time.RFC3339),
			},
		}
		if !reflect.DeepEqual(config.Config, want) {
			t.Errorf("%s: got %+v\nwant %+v", b.platform, config.Config, want)
		}
	}
}

// What is in the image is known to the last file: nothing to run but the program, nothing that it could write but /tmp.
func TestImageHoldsNothingElse(t *testing.T) {
	want := map[string]int64{
		"etc/": 0o755, "etc/passwd": 0o644, "etc/group": 0o644, "etc/ssl/": 0o755, "etc/ssl/certs/": 0o755,
		"etc/ssl/certs/ca-certificates.crt": 0o644, "tmp/": 0o1777, "studio": 0o755,
	}
	for _, b := range made(t).builds {
		got := map[string]int64{}
		for _, file := range unpack(t, b.image) {
			got[file.Name] = file.Mode
			if file.Uid != 0 || file.Gid != 0 || file.ModTime.Unix() != 0 {
				t.Errorf("%s: %s is of %d:%d and %v", b.platform, file.Name, file.Uid, file.Gid, file.ModTime)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v\nwant %v", b.platform, got, want)
		}
	}
}

func TestAuthoritiesAreMozillas(t *testing.T) {
	files := unpack(t, made(t).builds[0].image)
	at := slices.IndexFunc(files, func(f held) bool { return f.Name == "etc/ssl/certs/ca-certificates.crt" })
	var names []string
	for rest := files[at].content; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		authority, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, authority.Subject.CommonName)
	}
	if len(names) < 100 || !slices.Contains(names, "ISRG Root X1") { // Let's Encrypt's
		t.Errorf("%d authorities: %v", len(names), names)
	}
}

// Another folder, another time: the same bits.
func TestSameDigestsFromAnotherCheckout(t *testing.T) {
	base, err := foundation()
	if err != nil {
		t.Fatal(err)
	}
	again, err := studio.make(context.Background(), copyOf(t), both, first, base)
	if err != nil {
		t.Fatal(err)
	}
	if one, two := digest(t, made(t).index), digest(t, again.index); one != two {
		t.Errorf("first %s, then %s", one, two)
	}
	for i, b := range again.builds {
		if one, two := digest(t, made(t).builds[i].attached), digest(t, b.attached); one != two {
			t.Errorf("%s: the bill of materials was %s, then %s", b.platform, one, two)
		}
	}
}

// What all have in common is one blob, in every release.
func TestReleasesShareTheirFoundation(t *testing.T) {
	base, err := foundation()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range made(t).builds {
		layers, err := b.image.Layers()
		if err != nil {
			t.Fatal(err)
		}
		if one, two := digest(t, layers[0]), digest(t, base); one != two {
			t.Errorf("%s stands on %s, not on %s", b.platform, one, two)
		}
	}
}
