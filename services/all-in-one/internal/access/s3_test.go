package access_test

import (
	"io"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// TestS3Policies lets each service do its work on a real MinIO under its policy of deploy/s3, and tries everything else.
func TestS3Policies(t *testing.T) {
	m := startMinIO(t)
	endpoint, root := m.endpoint, m.root
	const bucket = "photos"
	as := func(t *testing.T, service string) *minio.Core {
		t.Helper()
		creds, err := credentials.NewSTSAssumeRole("http://"+endpoint, credentials.STSAssumeRoleOptions{
			AccessKey: minioUser, SecretKey: minioPassword, DurationSeconds: 3600, Policy: policy(t, service, bucket),
		})
		if err != nil {
			t.Fatal(err)
		}
		core, err := minio.NewCore(endpoint, &minio.Options{Creds: creds})
		if err != nil {
			t.Fatal(err)
		}
		return core
	}
	if err := as(t, "provision").MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatalf("provision does not make the bucket: %v", err)
	}
	put := func(c *minio.Core, name string) error {
		_, err := c.PutObject(t.Context(), bucket, name, strings.NewReader("x"), 1, "", "", minio.PutObjectOptions{})
		return err
	}
	get := func(c *minio.Core, name string) error {
		body, _, _, err := c.GetObject(t.Context(), bucket, name, minio.GetObjectOptions{})
		if err == nil {
			_, err = io.Copy(io.Discard, body)
			body.Close()
		}
		return err
	}
	remove := func(c *minio.Core, name string) error {
		return c.RemoveObject(t.Context(), bucket, name, minio.RemoveObjectOptions{})
	}
	multipart := func(c *minio.Core, name string) error {
		id, err := c.NewMultipartUpload(t.Context(), bucket, name, minio.PutObjectOptions{})
		if err != nil {
			return err
		}
		if _, err := c.PutObjectPart(t.Context(), bucket, name, id, 1, strings.NewReader("x"), 1, minio.PutObjectPartOptions{}); err != nil {
			return err
		}
		if _, err := c.ListObjectParts(t.Context(), bucket, name, id, 0, 10); err != nil {
			return err
		}
		return c.AbortMultipartUpload(t.Context(), bucket, name, id)
	}
	list := func(c *minio.Core, _ string) error {
		_, err := c.ListObjectsV2(bucket, "o/", "", "", "", 1)
		return err
	}
	drop := func(c *minio.Core, _ string) error { return c.RemoveBucket(t.Context(), bucket) }
	verbs := map[string]func(*minio.Core, string) error{"put": put, "get": get, "remove": remove, "multipart": multipart, "list": list, "drop": drop}
	allowed := map[string]string{
		"sftp-edge":    "list put:o put:t put:l get:o get:t get:l remove:o remove:t remove:l multipart:o multipart:t multipart:l",
		"processing":   "list get:o put:d",
		"studio":       "list get:o get:d",
		"album-mapper": "list",
		"provision":    "list",
		"restore":      "list put:o put:t put:l put:d put:other get:o get:t get:l get:d get:other multipart:o multipart:t multipart:l multipart:d multipart:other",
	}
	for service, may := range allowed {
		t.Run(service, func(t *testing.T) {
			c := as(t, service)
			try := func(what string, do func() error) {
				err := do()
				denied := minio.ToErrorResponse(err).Code == minio.AccessDenied
				if want := strings.Contains(" "+may+" ", " "+what+" "); want && err != nil || !want && !denied {
					t.Errorf("%s: %v", what, err)
				}
			}
			for _, kind := range []string{"o", "d", "t", "l", "other"} {
				name := kind + "/demo/J/" + service
				for _, verb := range []string{"put", "get", "remove", "multipart"} {
					if err := put(root, name); err != nil {
						t.Fatal(err)
					}
					try(verb+":"+kind, func() error { return verbs[verb](c, name) })
				}
			}
			try("list", func() error { return list(c, "") })
			try("drop", func() error { return drop(c, "") })
			if err := get(c, "o/demo/J/none"); strings.Contains(may, "get:o") && minio.ToErrorResponse(err).Code != minio.NoSuchKey {
				t.Errorf("what is not there must be told from what is forbidden: %v", err)
			}
		})
	}
}
