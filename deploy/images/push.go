package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// push sends a service's image for all platforms, and what is attached to it, from its layout in out to a registry, as
// prefix/NAME:VERSION. It logs in as `docker login` left it; registries on loopback are spoken to without TLS. It answers
// where the image is now, by digest.
func push(ctx context.Context, out string, s service, prefix string) (string, error) {
	stored, err := layout.ImageIndexFromPath(filepath.Join(out, s.name))
	if err != nil {
		return "", fmt.Errorf("%s was not built: %w", s.name, err)
	}
	manifest, err := stored.IndexManifest()
	if err != nil {
		return "", err
	}
	repository, err := name.NewRepository(prefix + "/" + s.name)
	if err != nil {
		return "", err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	var pushed v1.Hash
	for _, descriptor := range manifest.Manifests {
		if !descriptor.MediaType.IsIndex() {
			attached, err := stored.Image(descriptor.Digest)
			if err != nil {
				return "", err
			}
			if err := remote.Write(repository.Digest(descriptor.Digest.String()), attached, options...); err != nil {
				return "", fmt.Errorf("pushing what is attached to %s: %w", s.name, err)
			}
			continue
		}
		index, err := stored.ImageIndex(descriptor.Digest)
		if err != nil {
			return "", err
		}
		tag := repository.Tag(descriptor.Annotations["org.opencontainers.image.ref.name"])
		if err := remote.WriteIndex(tag, index, options...); err != nil {
			return "", fmt.Errorf("pushing %s: %w", tag, err)
		}
		pushed = descriptor.Digest
	}
	return repository.Digest(pushed.String()).String(), nil
}
