package embeds3

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/s3response"
)

// stores opens a store of each kind. The working folder is given back at the end of the test.
func stores(t *testing.T, test func(t *testing.T, s *store, dir string)) {
	for name, open := range map[string]func(dir string) (*store, error){
		"extended attributes": func(dir string) (*store, error) { return openStore(dir, slog.New(slog.DiscardHandler)) },
		"sidecar": func(dir string) (*store, error) {
			s, err := openStore(dir, slog.New(slog.DiscardHandler)) // creates the folder
			if err != nil {
				return nil, err
			}
			s.Shutdown()
			return openSidecar(dir, filepath.Join(dir, "buckets"), slog.New(slog.DiscardHandler))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			dir := filepath.Join(t.TempDir(), "data")
			s, err := open(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Shutdown)
			test(t, s, dir)
		})
	}
}

// writes are the ways to change something, in an order in which they can follow each other.
func writes(ctx context.Context, s *store) map[string]func() error {
	var upload, etag string
	return map[string]func() error{
		"1 bucket": func() error {
			return s.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: new("bucket"), ObjectLockEnabledForBucket: new(false), CreateBucketConfiguration: &types.CreateBucketConfiguration{}}, nil)
		},
		"2 object": func() error {
			_, err := s.PutObject(ctx, s3response.PutObjectInput{
				Bucket: new("bucket"), Key: new("o/a/j/1"), Body: strings.NewReader("bytes"), ContentLength: new(int64(5)),
				Metadata: map[string]string{"folder": "f"},
			})
			return err
		},
		"3 copy": func() error {
			_, err := s.CopyObject(ctx, s3response.CopyObjectInput{
				Bucket: new("bucket"), Key: new("o/a/j/2"), CopySource: new("bucket/o/a/j/1"), ExpectedBucketOwner: new(""),
				MetadataDirective: types.MetadataDirectiveCopy,
			})
			return err
		},
		"4 part": func() error {
			begun, err := s.CreateMultipartUpload(ctx, s3response.CreateMultipartUploadInput{Bucket: new("bucket"), Key: new("o/a/j/3")})
			if err != nil {
				return err
			}
			upload = begun.UploadId
			_, err = s.UploadPart(ctx, &s3.UploadPartInput{
				Bucket: new("bucket"), Key: new("o/a/j/3"), UploadId: &upload, PartNumber: new(int32(1)),
				Body: strings.NewReader("bytes"), ContentLength: new(int64(5)),
			})
			return err
		},
		"5 copied part": func() error {
			part, err := s.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
				Bucket: new("bucket"), Key: new("o/a/j/3"), UploadId: &upload, PartNumber: new(int32(1)), CopySource: new("bucket/o/a/j/1"),
			})
			if err == nil {
				etag = *part.ETag
			}
			return err
		},
		"6 completed": func() error {
			_, _, err := s.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
				Bucket: new("bucket"), Key: new("o/a/j/3"), UploadId: &upload,
				MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: &etag, PartNumber: new(int32(1))}}},
			})
			return err
		},
	}
}

func inOrder(m map[string]func() error) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestEveryWriteIsOnTheDiskBeforeItsAnswer(t *testing.T) {
	stores(t, func(t *testing.T, s *store, dir string) {
		var synced []string
		s.disk.sync = func(path string) error {
			path, err := filepath.Rel(dir, path)
			synced = append(synced, path)
			return err
		}
		want := map[string][]string{
			"1 bucket":      {"buckets/bucket", "buckets"},
			"2 object":      {"buckets/bucket/o/a/j/1", "buckets/bucket/o/a/j", "buckets/bucket/o/a", "buckets/bucket/o", "buckets/bucket", "buckets"},
			"3 copy":        {"buckets/bucket/o/a/j/2", "buckets/bucket/o/a/j"},
			"4 part":        {"buckets/bucket/.sgwtmp/multipart", "buckets/bucket/.sgwtmp", "buckets/bucket"},
			"5 copied part": {"buckets/bucket/.sgwtmp/multipart", "buckets/bucket/.sgwtmp", "buckets/bucket"},
			"6 completed":   {"buckets/bucket/o/a/j/3", "buckets/bucket/o/a/j"},
		}
		if s.disk.attributes != "" {
			want["2 object"] = append(want["2 object"], "attributes/bucket/o/a/j/1/meta/etag", "attributes/bucket/o/a/j/1/meta", "attributes/bucket/o/a/j/1", "attributes")
			want["6 completed"] = append(want["6 completed"], "attributes/bucket/o/a/j/3/meta/etag", "attributes")
		}
		do := writes(t.Context(), s)
		for _, name := range inOrder(do) {
			synced = nil
			if err := do[name](); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, path := range want[name] {
				if !slices.Contains(synced, path) {
					t.Errorf("%s: %s is not synced, only %v", name, path, synced)
				}
			}
		}
	})
}

func TestAWriteThatDoesNotReachTheDiskFails(t *testing.T) {
	stores(t, func(t *testing.T, s *store, _ string) {
		do, broken := writes(t.Context(), s), errors.New("no such disk")
		if err := do["1 bucket"](); err != nil {
			t.Fatal(err)
		}
		s.disk.sync = func(string) error { return broken }
		for _, name := range []string{"2 object", "3 copy", "4 part", "5 copied part"} {
			if err := do[name](); !errors.Is(err, broken) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}
