package main

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/google/go-containerregistry/pkg/registry"
)

// serveRegistry keeps blobs in a folder and manifests in memory: it lives as long as the node does. The pause image, in which
// every pod's namespaces are held, is in it from the start, so that the node pulls it as any other.
func serveRegistry(ctx context.Context, args []string) error {
	address, folder, pause := args[0], args[1], args[2]
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           registry.New(registry.WithBlobHandler(registry.NewDiskBlobHandler(folder)), registry.Logger(log.New(io.Discard, "", 0))),
		ReadHeaderTimeout: 10 * time.Second,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	image, err := oneProgram(pause)
	if err != nil {
		return err
	}
	if err := send(ctx, address+"/pause:1", image); err != nil {
		return err
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

// oneProgram is an image with nothing in it but a static program.
func oneProgram(file string) (v1.Image, error) {
	if err := static(file); err != nil {
		return nil, err
	}
	program, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err = errors.Join(
		w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: filepath.Base(file), Mode: 0o755, Size: int64(len(program))}),
		func() error { _, err := w.Write(program); return err }(),
		w.Close())
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	return mutate.Config(image, v1.Config{Entrypoint: []string{"/" + filepath.Base(file)}, User: "65532:65532"})
}

func static(file string) error {
	program, err := elf.Open(file)
	if err != nil {
		return err
	}
	defer program.Close()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("it is linked dynamically, and the image has no loader; build it with CGO_ENABLED=0")
		}
	}
	return nil
}

// push puts an image into a registry: an OCI layout, a docker archive, or a bare static program, of which it makes one. It
// says the digest that the reference has now, for charts that want one.
func push(ctx context.Context, args []string) error {
	source, reference := args[0], args[1]
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	var what remote.Taggable
	if info.IsDir() {
		what, err = onlyOne(source)
	} else if program, elfErr := elf.Open(source); elfErr == nil {
		program.Close()
		what, err = oneProgram(source)
	} else {
		what, err = tarball.ImageFromPath(source, nil)
	}
	if err != nil {
		return fmt.Errorf("%s is no OCI layout, docker archive or static program: %w", source, err)
	}
	if err := send(ctx, reference, what); err != nil {
		return err
	}
	manifest, err := what.RawManifest()
	if err != nil {
		return err
	}
	digest, _, err := v1.SHA256(bytes.NewReader(manifest))
	if err != nil {
		return err
	}
	fmt.Println(digest)
	return nil
}

// onlyOne is what a layout's index.json points at: an image, or an index of images for several platforms.
func onlyOne(folder string) (remote.Taggable, error) {
	root, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return nil, err
	}
	manifest, err := root.IndexManifest()
	if err != nil {
		return nil, err
	}
	if n := len(manifest.Manifests); n != 1 {
		return nil, fmt.Errorf("its index.json holds %d manifests, not one", n)
	}
	only := manifest.Manifests[0]
	if only.MediaType.IsIndex() {
		return root.ImageIndex(only.Digest)
	}
	return root.Image(only.Digest)
}

func send(ctx context.Context, reference string, what remote.Taggable) error {
	ref, err := name.ParseReference(reference, name.Insecure) // the registry speaks plain HTTP: it is never on a network
	if err != nil {
		return err
	}
	switch what := what.(type) {
	case v1.Image:
		return remote.Write(ref, what, remote.WithContext(ctx))
	case v1.ImageIndex:
		return remote.WriteIndex(ref, what, remote.WithContext(ctx))
	}
	return fmt.Errorf("cannot push a %T", what)
}
