package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	emptyType = "application/vnd.oci.empty.v1+json"
	emptyJSON = "{}"
)

// artifact is a document about an image, which registries answer when they are asked what refers to that image.
type artifact struct {
	manifest []byte
	content  []byte
}

// attach makes an artifact of one document about the image.
func attach(image v1.Image, kind string, content []byte, r release) (v1.Image, error) {
	subject, err := partial.Descriptor(image)
	if err != nil {
		return nil, err
	}
	subject.Platform = nil // of the entry in the index, not of the image
	subject.Annotations = nil
	config, err := describe(emptyType, []byte(emptyJSON))
	if err != nil {
		return nil, err
	}
	document, err := describe(types.MediaType(kind), content)
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: kind,
		Config: config, Layers: []v1.Descriptor{document}, Subject: subject,
		Annotations: map[string]string{"org.opencontainers.image.created": r.created.Format("2006-01-02T15:04:05Z07:00")},
	})
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(artifact{manifest, content})
}

func describe(kind types.MediaType, content []byte) (v1.Descriptor, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	return v1.Descriptor{MediaType: kind, Digest: digest, Size: size}, err
}

func (a artifact) RawManifest() ([]byte, error)        { return a.manifest, nil }
func (a artifact) RawConfigFile() ([]byte, error)      { return []byte(emptyJSON), nil }
func (a artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

func (a artifact) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	var manifest v1.Manifest
	if err := json.Unmarshal(a.manifest, &manifest); err != nil {
		return nil, err
	}
	if digest != manifest.Layers[0].Digest {
		return nil, fmt.Errorf("the artifact has no blob %s", digest)
	}
	return blob{manifest.Layers[0], a.content}, nil
}

// blob is the document as registries store it.
type blob struct {
	v1.Descriptor
	content []byte
}

func (b blob) Digest() (v1.Hash, error)            { return b.Descriptor.Digest, nil }
func (b blob) Size() (int64, error)                { return b.Descriptor.Size, nil }
func (b blob) MediaType() (types.MediaType, error) { return b.Descriptor.MediaType, nil }
func (b blob) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b.content)), nil
}
