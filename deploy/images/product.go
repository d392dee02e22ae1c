package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// product is a service's image for all platforms.
type product struct {
	service service
	release release
	index   v1.ImageIndex // what a runtime picks its platform's image from
	builds  []build
}

// build is a product for one platform.
type build struct {
	platform v1.Platform
	image    v1.Image
	bill     []byte // of materials
	attached v1.Image
}

// make compiles a service for each platform and packs it.
func (s service) make(ctx context.Context, checkout string, platforms []v1.Platform, r release, base v1.Layer) (*product, error) {
	p := &product{service: s, release: r}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range platforms {
		b, err := s.build(ctx, checkout, platform, r, base)
		if err != nil {
			return nil, err
		}
		p.builds = append(p.builds, b)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: b.image, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	p.index = mutate.Annotations(index, labels(s, r)).(v1.ImageIndex)
	return p, nil
}

func (s service) build(ctx context.Context, checkout string, platform v1.Platform, r release, base v1.Layer) (b build, err error) {
	dir, err := os.MkdirTemp("", "filmgate-image-")
	if err != nil {
		return b, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file, err := compile(ctx, checkout, s, platform, r.version, dir)
	if err != nil {
		return b, err
	}
	program, err := load(file, platform)
	if err != nil {
		return b, err
	}
	b.platform = platform
	if b.image, err = assemble(s, program, platform, r, base); err != nil {
		return b, err
	}
	if b.bill, err = bill(s, program, platform, r); err != nil {
		return b, err
	}
	b.attached, err = attach(b.image, spdxType, b.bill, r)
	return b, err
}

// write leaves, in out: an OCI layout NAME/, and for each platform a docker archive NAME-linux-ARCH.tar and a bill of
// materials NAME-linux-ARCH.spdx.json.
func (p *product) write(out string) error {
	folder := filepath.Join(out, p.service.name)
	if err := os.RemoveAll(folder); err != nil { // blobs of earlier builds
		return err
	}
	at, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	tag, err := name.NewTag("filmgate/" + p.service.name + ":" + p.release.version)
	if err != nil {
		return err
	}
	if err := at.AppendIndex(p.index, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": p.release.version,
		"io.containerd.image.name":          "docker.io/" + tag.RepositoryStr() + ":" + tag.TagStr(),
	})); err != nil {
		return err
	}
	for _, b := range p.builds {
		if err := at.AppendImage(b.attached); err != nil {
			return fmt.Errorf("attaching the bill of materials: %w", err)
		}
		file := filepath.Join(out, p.service.name+"-"+b.platform.OS+"-"+b.platform.Architecture)
		if err := os.WriteFile(file+".spdx.json", b.bill, 0o644); err != nil {
			return err
		}
		if err := tarball.WriteToFile(file+".tar", tag, b.image); err != nil {
			return err
		}
	}
	return nil
}
