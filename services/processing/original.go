package processing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/processing/internal/picture"
)

// errAltered says that the bucket answered other bytes than the edge received. The way here may be to blame, so it is
// worth a retry.
var errAltered = errors.New("the stored bytes are not those that were received")

// original is a photo's file on its way from the bucket: the header is here and understood, the rest waits for memory.
type original struct {
	photo  events.PhotoMapped
	info   picture.Info
	head   []byte
	body   io.ReadCloser
	sha256 hash.Hash
	crc32c hash.Hash32
	// warnings are those that do not depend on what is decoded.
	warnings []events.Warning
}

// open reads no more than the header of a photo. What the header rules out is still compared with its checksums, so that
// no file is blamed for what happened to it here.
func (s *Service) open(ctx context.Context, photo events.PhotoMapped) (*original, error) {
	info, err := s.engine.Probe(ctx, nil, photo.Bytes)
	if !errors.Is(err, picture.ErrShort) {
		return nil, err // empty, or larger than anything that is accepted
	}
	body, stored, err := s.Bucket.Get(ctx, photo.ObjectKey)
	if err != nil {
		return nil, err
	}
	o := &original{photo: photo, info: info, body: body, sha256: sha256.New(), crc32c: crc32.New(crc32.MakeTable(crc32.Castagnoli))}
	if stored.Size != photo.Bytes {
		o.close()
		return nil, fault.Wrap(errAltered, fault.Internal, "%d bytes are stored, %d were received", stored.Size, photo.Bytes)
	}
	for want := int64(256 << 10); ; want *= 4 {
		if err = o.more(min(want, photo.Bytes, picture.MostHeader)); err != nil {
			break
		}
		if o.info, err = s.engine.Probe(ctx, o.head, photo.Bytes); !errors.Is(err, picture.ErrShort) {
			break
		}
	}
	if err == nil {
		o.warnings, err = s.sale.judge(o.info)
	}
	if rejection := new(picture.Rejection); errors.As(err, &rejection) {
		if _, broken := io.Copy(io.MultiWriter(o.sha256, o.crc32c), o.body); broken != nil {
			err = broken
		} else if wrong := o.verify(); wrong != nil {
			err = wrong
		}
	}
	if err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

func (o *original) close() { _ = o.body.Close() }

// more reads on until size bytes are here.
func (o *original) more(size int64) error {
	have := len(o.head)
	grown := make([]byte, size)
	copy(grown, o.head)
	_, err := io.ReadFull(o.body, grown[have:])
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fault.Wrap(errAltered, fault.Unavailable, "the photo store broke off in the middle of a photo")
	}
	if err != nil {
		return err
	}
	o.sha256.Write(grown[have:])
	o.crc32c.Write(grown[have:])
	o.head = grown
	return nil
}

// read answers the whole file, verified.
func (o *original) read() ([]byte, error) {
	if err := o.more(o.photo.Bytes); err != nil {
		return nil, err
	}
	return o.head, o.verify()
}

// verify compares all bytes that went by with the checksums that were taken when they were received.
func (o *original) verify() error {
	if sum := hex.EncodeToString(o.sha256.Sum(nil)); o.photo.SHA256 != "" && sum != o.photo.SHA256 {
		return fault.Wrap(errAltered, fault.Internal, "SHA-256 is %s, was %s", sum, o.photo.SHA256)
	}
	if sum := fmt.Sprintf("%08x", o.crc32c.Sum32()); o.photo.CRC32C != "" && sum != o.photo.CRC32C {
		return fault.Wrap(errAltered, fault.Internal, "CRC32C is %s, was %s", sum, o.photo.CRC32C)
	}
	return nil
}
