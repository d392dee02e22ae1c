// Package s3test gives each test a bucket of its own on one embedded S3 server.
//
// A process can run only one such server, so the tests of a package share it. It changes the process's working folder: a
// test that reads testdata calls filepath.Abs before its first Bucket, or embeds its files.
package s3test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"go.uber.org/goleak"

	"filmgate.dev/pkg/embeds3"
)

// Bucket is where a test finds its bucket.
type Bucket struct {
	Endpoint  string
	AccessKey string
	SecretKey string
	Region    string
	Name      string
}

const (
	accessKey = "test"
	secretKey = "test-secret"
)

// shared is the process's only server. It has no owner among the tests: the first starts it, and Main stops it.
var shared struct {
	sync.Mutex
	server *embeds3.Server
	dir    string
}

// New makes an empty bucket, starting the server if this is the process's first. A package that uses it has
// func TestMain(m *testing.M) { s3test.Main(m) }, which stops the server.
func New(t testing.TB) Bucket {
	t.Helper()
	endpoint, err := start()
	if err != nil {
		t.Fatal(err)
	}
	b := Bucket{Endpoint: endpoint, AccessKey: accessKey, SecretKey: secretKey, Region: embeds3.Region, Name: "test-" + strings.ToLower(rand.Text())}
	if err := b.Core(t).MakeBucket(t.Context(), b.Name, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	return b
}

// Core answers a client of the bucket's server that is not ours, to see what is really there.
func (b Bucket) Core(t testing.TB) *minio.Core {
	t.Helper()
	core, err := minio.NewCore(b.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(b.AccessKey, b.SecretKey, ""), Region: b.Region})
	if err != nil {
		t.Fatal(err)
	}
	return core
}

func start() (endpoint string, err error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		return shared.server.Endpoint(), nil
	}
	if shared.dir, err = os.MkdirTemp("", "s3test-"); err != nil {
		return "", err
	}
	shared.server, err = embeds3.Start(context.Background(), embeds3.Config{
		Dir: shared.dir, Addr: "127.0.0.1:0", AccessKey: accessKey, SecretKey: secretKey, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return "", err
	}
	return shared.server.Endpoint(), nil
}

// Main runs a package's tests, stops the server, looks for goroutines that were left behind, and exits.
func Main(m *testing.M) {
	code := m.Run()
	stop()
	err := goleak.Find(
		// The HTTP server's pool notices its end after 10 s, its clock never.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	)
	if err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func stop() {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		return
	}
	shared.server.Stop()
	shared.server = nil
	if err := os.RemoveAll(shared.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
