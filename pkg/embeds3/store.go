package embeds3

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3response"
)

// maxCopy is S3's own limit; without it the backend refuses every copy.
const maxCopy = 5 << 30

// store is versitygw's folder backend with one promise added: what it has answered survives a power cut.
//
// Bytes are synced before the file gets its name, so that a cut never leaves a name on holes; names and attributes are
// synced before the answer.
type store struct {
	*posix.Posix
	disk disk
	log  *slog.Logger
}

// openStore keeps buckets in dir/buckets and changes the working folder to that.
func openStore(dir string, log *slog.Logger) (*store, error) {
	buckets := filepath.Join(dir, "buckets")
	if err := os.MkdirAll(buckets, 0o700); err != nil {
		return nil, fmt.Errorf("create the object store: %w", err)
	}
	if err := (meta.XattrMeta{}).Test(buckets); err != nil {
		log.Info("the object store keeps attributes in files", "why", err)
		return openSidecar(dir, buckets, log)
	}
	return newStore(buckets, meta.XattrMeta{}, disk{buckets: buckets, sync: fsync}, log)
}

// openSidecar is for file systems without extended attributes: these are files in dir/attributes.
func openSidecar(dir, buckets string, log *slog.Logger) (*store, error) {
	attributes := filepath.Join(dir, "attributes")
	if err := os.MkdirAll(attributes, 0o700); err != nil {
		return nil, fmt.Errorf("create the object store: %w", err)
	}
	sidecar, err := meta.NewSideCar(attributes)
	if err != nil {
		return nil, fmt.Errorf("open the object store's attributes: %w", err)
	}
	return newStore(buckets, sidecar, disk{buckets: buckets, attributes: attributes, sync: fsync}, log)
}

func newStore(buckets string, attributes meta.MetadataStorer, d disk, log *slog.Logger) (*store, error) {
	dir := filepath.Dir(buckets)
	for _, folder := range []string{filepath.Dir(dir), dir} {
		if err := d.sync(folder); err != nil {
			return nil, err
		}
	}
	// The sidecar folder is not named in the options: it would only be announced on stdout.
	opts := posix.PosixOpts{
		CopyObjectThreshold: maxCopy,
		DataIntegrityEtag:   true, // the checksum as ETag; an MD5 would be half the cost of a PUT
	}
	opts.SetNewDirPerm(0o700)
	opts.SetNewFilePerm(0o600)
	p, err := posix.New(buckets, attributes, opts)
	if err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	return &store{Posix: p, disk: d, log: log}, nil
}

// commit waits until the disk holds what a write has changed. The client hears only of an internal error, the log the cause.
func (s *store) commit(bucket, key string) error {
	err := s.disk.commit(bucket, key)
	if err != nil {
		s.log.Error("make an object durable", "bucket", bucket, "key", key, "err", err)
	}
	return err
}

// CreateBucket makes a bucket durable with its access rules.
func (s *store) CreateBucket(ctx context.Context, in *s3.CreateBucketInput, acl []byte) error {
	if err := s.Posix.CreateBucket(ctx, in, acl); err != nil {
		return err
	}
	return s.commit(*in.Bucket, "")
}

// PutObject makes an object durable.
func (s *store) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	out, err := s.PutObjectWithPostFunc(ctx, in, (*os.File).Sync)
	if err != nil {
		return out, err
	}
	return out, s.commit(*in.Bucket, *in.Key)
}

// CopyObject makes a copy durable.
func (s *store) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	out, err := s.Posix.CopyObject(ctx, in)
	if err != nil {
		return out, err
	}
	return out, s.commit(*in.Bucket, *in.Key)
}

// UploadPart makes a part durable: a resumed upload counts on every part that is listed.
func (s *store) UploadPart(ctx context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	out, err := s.UploadPartWithPostFunc(ctx, in, (*os.File).Sync)
	if err != nil {
		return out, err
	}
	return out, s.commit(*in.Bucket, partKey(*in.Key, *in.UploadId, *in.PartNumber))
}

// CompleteMultipartUpload makes the assembled object durable.
func (s *store) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	out, version, err := s.CompleteMultipartUploadWithCopy(ctx, in, appendSynced)
	if err != nil {
		return out, version, err
	}
	return out, version, s.commit(*in.Bucket, *in.Key)
}

// appendSynced adds a part to the object that is being assembled. The parts stay, so a failed completion can be repeated.
func appendSynced(part, object *os.File) (repeatable bool, err error) {
	if _, err := io.Copy(object, part); err != nil {
		return true, err
	}
	return true, object.Sync()
}

// partKey answers where the backend keeps a part, as seen from its bucket.
func partKey(key, upload string, part int32) string {
	return fmt.Sprintf("%s/%x/%s/%d", posix.MetaTmpMultipartDir, sha256.Sum256([]byte(key)), upload, part)
}
