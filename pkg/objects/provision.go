package objects

import (
	"context"

	"github.com/minio/minio-go/v7"

	"filmgate.dev/pkg/fault"
)

// Provision makes the bucket unless it is there, and reports whether it was missing. A dry run only looks.
func Provision(ctx context.Context, cfg Config, dryRun bool) (missing bool, err error) {
	b, err := dial(cfg)
	if err != nil {
		return false, err
	}
	defer b.Close()
	exists, err := b.core.BucketExists(ctx, b.name)
	switch {
	case code(err) == minio.AccessDenied:
		return false, fault.Wrap(err, fault.Denied, "these S3 keys are wrong, or may not look for the bucket %s", b.name)
	case err != nil:
		return false, wrap(err)
	case exists:
		return false, nil
	case dryRun:
		return true, nil
	}
	err = b.core.MakeBucket(ctx, b.name, minio.MakeBucketOptions{Region: cfg.Region})
	switch code(err) {
	case minio.BucketAlreadyOwnedByYou: // somebody else was faster
		return false, nil
	case minio.BucketAlreadyExists:
		return false, fault.Wrap(err, fault.Conflict, "the bucket %s exists and is somebody else's; choose another name with FILMGATE_S3_BUCKET", b.name)
	case minio.AccessDenied:
		return false, fault.Wrap(err, fault.Denied, "these S3 keys may not make the bucket %s", b.name)
	}
	return true, wrap(err)
}
