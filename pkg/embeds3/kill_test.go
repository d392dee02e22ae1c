package embeds3_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"filmgate.dev/pkg/embeds3"
	"filmgate.dev/pkg/embeds3/s3test"
)

const serveDir = "EMBEDS3_TEST_SERVE_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveDir); dir != "" {
		serve(dir)
		return
	}
	s3test.Main(m)
}

// serve is this test program as a process of its own: it says where it listens and serves until its input ends.
func serve(dir string) {
	server, err := embeds3.Start(context.Background(), embeds3.Config{
		Dir: dir, Addr: "127.0.0.1:0", AccessKey: "test", SecretKey: "test-secret", Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(server.Endpoint())
	_, _ = io.Copy(io.Discard, os.Stdin) // its end is all that matters
	server.Stop()
}

// process is a server in another process.
type process struct {
	*exec.Cmd
	bucket s3test.Bucket
	stdin  io.Closer
	stdout *bufio.Reader
}

func spawn(t *testing.T, dir string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self)}
	p.Env = append(os.Environ(), serveDir+"="+dir)
	p.Stderr = t.Output()
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.stdout = bufio.NewReader(stdout)
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	p.bucket = s3test.Bucket{Endpoint: strings.TrimSpace(line), AccessKey: "test", SecretKey: "test-secret", Region: embeds3.Region, Name: "bucket"}
	return p
}

func TestAKilledServerHasWhatItAnswered(t *testing.T) {
	dir, body := t.TempDir(), noise(part)
	first := spawn(t, dir)
	core := first.bucket.Core(t)
	if err := core.MakeBucket(t.Context(), "bucket", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		put(t, core, first.bucket, fmt.Sprintf("o/a/j/%d", i), fmt.Appendf(nil, "object %d", i), minio.PutObjectOptions{})
	}
	id := newMultipart(t, core, first.bucket, "o/a/j/big")
	if _, err := putPart(t.Context(), core, first.bucket, "o/a/j/big", id, 1, body, crc(body)); err != nil {
		t.Fatal(err)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // it was killed

	second := spawn(t, dir)
	core = second.bucket.Core(t)
	for i := range 20 {
		if got := get(t, core, second.bucket, fmt.Sprintf("o/a/j/%d", i), minio.GetObjectOptions{}); string(got) != fmt.Sprintf("object %d", i) {
			t.Errorf("object %d is %q", i, got)
		}
	}
	listed, err := core.ListObjectParts(t.Context(), "bucket", "o/a/j/big", id, 0, 1000)
	if err != nil || len(listed.ObjectParts) != 1 {
		t.Fatalf("listed %v, %v", listed.ObjectParts, err)
	}
	done := []minio.CompletePart{{PartNumber: 1, ETag: listed.ObjectParts[0].ETag, ChecksumCRC32C: crc(body)}}
	if _, err := core.CompleteMultipartUpload(t.Context(), "bucket", "o/a/j/big", id, done, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := get(t, core, second.bucket, "o/a/j/big", minio.GetObjectOptions{}); !bytes.Equal(got, body) {
		t.Error("the object differs from its part")
	}

	// A card that is made for people stands on stdout: nothing else may.
	if err := second.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(second.stdout); err != nil || len(rest) != 0 {
		t.Errorf("the server printed %q, %v", rest, err)
	}
	if err := second.Wait(); err != nil {
		t.Errorf("it did not end well: %v", err)
	}
}

func TestBadSettingsAreRefusedInWords(t *testing.T) {
	// They are refused before the working folder changes, so beside the tests' own server.
	good := embeds3.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0", AccessKey: "a", SecretKey: "b", Log: slog.New(slog.DiscardHandler)}
	for want, change := range map[string]func(*embeds3.Config){
		"is not an absolute path": func(c *embeds3.Config) { c.Dir = "data" },
		"needs an access key":     func(c *embeds3.Config) { c.SecretKey = "" },
		"needs a log":             func(c *embeds3.Config) { c.Log = nil },
	} {
		cfg := good
		change(&cfg)
		if _, err := embeds3.Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
