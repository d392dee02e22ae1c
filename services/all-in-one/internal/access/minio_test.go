package access_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"
)

const minioUser, minioPassword = "root-of-the-test", "secret-of-the-test"

// minioServer is a real MinIO, empty.
type minioServer struct {
	endpoint string
	root     *minio.Core
}

// startMinIO starts what `make minio` builds; without it the test is skipped.
func startMinIO(t *testing.T, settings ...string) minioServer {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	built, _ := filepath.Glob(filepath.Join(cache, "filmgate", "minio-*", "minio"))
	if len(built) == 0 {
		t.Skip("MinIO is not built: `make minio` builds it")
	}
	m := minioServer{endpoint: free(t)}
	server := exec.Command(built[0], "server", "--address", m.endpoint, "--quiet", t.TempDir())
	server.Env = append(os.Environ(), "MINIO_ROOT_USER="+minioUser, "MINIO_ROOT_PASSWORD="+minioPassword, "MINIO_BROWSER=off")
	server.Env = append(server.Env, settings...)
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("MinIO:\n%s", &log)
		}
	})
	m.root, err = minio.NewCore(m.endpoint, &minio.Options{Creds: credentials.NewStaticV4(minioUser, minioPassword, "")})
	if err != nil {
		t.Fatal(err)
	}
	// It answers before it can make anything.
	for end := time.Now().Add(2 * time.Minute); m.root.MakeBucket(t.Context(), "first", minio.MakeBucketOptions{}) != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("MinIO does not start")
		}
	}
	return m
}

// allow gives MinIO a policy, by its administrators' interface.
func (m minioServer) allow(t *testing.T, name, policy string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+m.endpoint+"/minio/admin/v3/add-canned-policy?name="+name, strings.NewReader(policy))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	answer, err := http.DefaultClient.Do(signer.SignV4(*request, minioUser, minioPassword, "", "us-east-1"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("the policy of %s: %s %s %v", name, answer.Status, text, err)
	}
}

// objects counts what a bucket holds, by the first part of the keys.
func (m minioServer) objects(ctx context.Context, bucket string) (map[string]int, error) {
	kinds := map[string]int{}
	for object := range m.root.ListObjectsIter(ctx, bucket, minio.ListObjectsOptions{Recursive: true}) {
		if object.Err != nil {
			return nil, fmt.Errorf("listing %s: %w", bucket, object.Err)
		}
		kind, _, _ := strings.Cut(object.Key, "/")
		kinds[kind]++
	}
	return kinds, nil
}

// policy is a service's policy of deploy/s3, for a bucket.
func policy(t *testing.T, service, bucket string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(source, "..", "..", "..", "..", "deploy", "s3", service+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "BUCKET", bucket)
}
