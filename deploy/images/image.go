package main

import (
	"archive/tar"
	"bytes"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is nobody in particular. As a number, so that Kubernetes can see that it is not root.
const user = "65532:65532"

// entry is a file of a layer, or a folder when it has no content.
type entry struct {
	name    string
	mode    int64
	content []byte
}

// foundation answers what every image has below its program. It changes only with the certificate authorities, so all
// images and releases share one blob.
func foundation() (v1.Layer, error) {
	authorities, err := roots()
	if err != nil {
		return nil, err
	}
	return layer(
		entry{"etc/", 0o755, nil},
		entry{"etc/passwd", 0o644, []byte("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")},
		entry{"etc/group", 0o644, []byte("root:x:0:\nnonroot:x:65532:\n")},
		entry{"etc/ssl/", 0o755, nil},
		entry{"etc/ssl/certs/", 0o755, nil},
		entry{"etc/ssl/certs/ca-certificates.crt", 0o644, authorities},
		entry{"tmp/", 0o1777, nil},
	)
}

// layer packs entries in the order given. Files are of 1970: the same program is the same blob, whenever it was built.
func layer(entries ...entry) (v1.Layer, error) {
	var packed bytes.Buffer
	out := tar.NewWriter(&packed)
	for _, e := range entries {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Size: int64(len(e.content)), ModTime: time.Unix(0, 0)}
		if e.content == nil {
			header.Typeflag = tar.TypeDir
		}
		if err := out.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := out.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// assemble makes the image of a program for one platform.
func assemble(s service, program *binary, platform v1.Platform, r release, base v1.Layer) (v1.Image, error) {
	top, err := layer(entry{s.name, 0o755, program.bytes})
	if err != nil {
		return nil, err
	}
	when := v1.Time{Time: r.created}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image,
		mutate.Addendum{Layer: base, History: v1.History{Created: when, CreatedBy: "certificate authorities, users"}},
		mutate.Addendum{Layer: top, History: v1.History{Created: when, CreatedBy: s.name + " " + r.version}})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = platform.OS, platform.Architecture, when
	config.Config = v1.Config{
		User: user, WorkingDir: "/", Entrypoint: []string{"/" + s.name},
		Env:    []string{"PATH=/"},
		Labels: labels(s, r),
	}
	return mutate.ConfigFile(image, config)
}

func labels(s service, r release) map[string]string {
	all := map[string]string{
		"title": s.name, "description": s.says, "version": r.version, "revision": r.revision, "source": r.source,
		"licenses": "Apache-2.0", "vendor": "Filmgate", "created": r.created.Format(time.RFC3339),
	}
	labels := map[string]string{}
	for name, text := range all {
		if text != "" {
			labels["org.opencontainers.image."+name] = text
		}
	}
	return labels
}
