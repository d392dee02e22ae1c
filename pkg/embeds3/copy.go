package embeds3

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3response"
)

// UploadPartCopy makes a part of a range of another object.
//
// It is an UploadPart of what GetObject reads. The backend's own copy gives a part the checksum of the whole source when the
// source has one of the upload's kind, and then every completion ends with a wrong checksum.
func (s *store) UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput) (s3response.CopyPartResult, error) {
	bucket, key, version, err := backend.ParseCopySource(*in.CopySource)
	if err != nil {
		return s3response.CopyPartResult{}, err
	}
	get := &s3.GetObjectInput{
		Bucket: &bucket, Key: &key,
		IfMatch: in.CopySourceIfMatch, IfNoneMatch: in.CopySourceIfNoneMatch,
		IfModifiedSince: in.CopySourceIfModifiedSince, IfUnmodifiedSince: in.CopySourceIfUnmodifiedSince,
	}
	if version != "" {
		get.VersionId = &version
	}
	source, err := s.GetObject(ctx, get)
	if err != nil {
		return s3response.CopyPartResult{}, err
	}
	_ = source.Body.Close() // opened only for its size, which a range is checked against
	if in.CopySourceRange != nil && *in.CopySourceRange != "" {
		if _, _, err := backend.ParseCopySourceRange(*source.ContentLength, *in.CopySourceRange); err != nil {
			return s3response.CopyPartResult{}, err
		}
		get.Range = in.CopySourceRange
	}
	if source, err = s.GetObject(ctx, get); err != nil {
		return s3response.CopyPartResult{}, err
	}
	defer source.Body.Close()
	part, err := s.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: in.Bucket, Key: in.Key, UploadId: in.UploadId, PartNumber: in.PartNumber,
		Body: source.Body, ContentLength: source.ContentLength,
	})
	if err != nil {
		return s3response.CopyPartResult{}, err // as it is: the server knows its own errors only unwrapped
	}
	return s3response.CopyPartResult{ETag: part.ETag, LastModified: time.Now(), CopySourceVersionId: version}, nil
}
