package objects_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"filmgate.dev/pkg/embeds3/s3test"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/objects"
)

func TestMain(m *testing.M) {
	s3test.Main(m)
}

func open(t testing.TB) *objects.Bucket {
	t.Helper()
	return openAt(t, s3test.New(t))
}

func openAt(t testing.TB, at s3test.Bucket) *objects.Bucket {
	t.Helper()
	b, err := objects.Open(t.Context(), objects.Config{
		Endpoint: at.Endpoint, AccessKey: at.AccessKey, SecretKey: at.SecretKey, Bucket: at.Name, Region: at.Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func TestPutAndGet(t *testing.T) {
	b, body := open(t), noise(100_000)
	err := b.Put(t.Context(), "o/a/b/c", body, objects.PutOptions{
		ContentType: "image/jpeg", Metadata: map[string]string{"job": "J1", "Folder": "F1"}, CRC32C: objects.CRC32C(body),
	})
	if err != nil {
		t.Fatal(err)
	}
	r, info, err := b.Get(t.Context(), "o/a/b/c")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	for name, info := range map[string]objects.Info{"get": info, "stat": stat(t, b, "o/a/b/c")} {
		if info.Key != "o/a/b/c" || info.Size != int64(len(body)) || info.ContentType != "image/jpeg" || info.ModTime.IsZero() {
			t.Errorf("%s: got %+v", name, info)
		}
		if info.Metadata["job"] != "J1" || info.Metadata["folder"] != "F1" || len(info.Metadata) != 2 {
			t.Errorf("%s: got metadata %v", name, info.Metadata)
		}
		if !info.HasCRC32C || info.CRC32C != objects.CRC32C(body) {
			t.Errorf("%s: got checksum %08x (%v)", name, info.CRC32C, info.HasCRC32C)
		}
	}
}

func TestADamagedBodyIsRefused(t *testing.T) {
	b := open(t)
	err := b.Put(t.Context(), "k", []byte("damaged"), objects.PutOptions{CRC32C: objects.CRC32C([]byte("sent"))})
	wantFault(t, err, fault.Unavailable, "damaged on its way")
	_, err = b.Stat(t.Context(), "k")
	wantFault(t, err, fault.NotFound, "no such object")
}

func TestGetRange(t *testing.T) {
	b := open(t)
	if err := b.Put(t.Context(), "k", []byte("0123456789"), objects.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		off, n int64
		want   string
	}{{0, 3, "012"}, {4, 1, "4"}, {8, 100, "89"}} {
		r, _, err := b.GetRange(t.Context(), "k", tt.off, tt.n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || string(got) != tt.want {
			t.Errorf("%d+%d: got %q, %v", tt.off, tt.n, got, err)
		}
	}
	for _, tt := range [][2]int64{{-1, 1}, {0, 0}, {10, 1}} {
		_, _, err := b.GetRange(t.Context(), "k", tt[0], tt[1])
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: got %v", tt, err)
		}
	}
}

func TestListAndDelete(t *testing.T) {
	b := open(t)
	for _, key := range []string{"o/a/j/3", "o/a/j/1", "o/a/j/2", "o/a/k/1"} {
		if err := b.Put(t.Context(), key, []byte(key), objects.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := keys(t, b.List(t.Context(), "o/a/j/")), "o/a/j/1 o/a/j/2 o/a/j/3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := keys(t, b.ListAfter(t.Context(), "o/a/j/", "o/a/j/1x")), "o/a/j/2 o/a/j/3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for range 2 {
		if err := b.Delete(t.Context(), "o/a/j/2"); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := keys(t, b.List(t.Context(), "")), "o/a/j/1 o/a/j/3 o/a/k/1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAPresignedURLNeedsNoCredentials(t *testing.T) {
	b := open(t)
	if err := b.Put(t.Context(), "k", []byte("picture"), objects.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	u, err := b.Presign(t.Context(), "k", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if got, err := io.ReadAll(answer.Body); err != nil || string(got) != "picture" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestOpenCreatesTheBucketOnce(t *testing.T) {
	at := s3test.New(t)
	at.Name += "-new"
	for range 2 {
		b := openAt(t, at)
		if err := b.Put(t.Context(), "k", nil, objects.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenFailsInWords(t *testing.T) {
	at := s3test.New(t)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}
	good := objects.Config{Endpoint: at.Endpoint, AccessKey: at.AccessKey, SecretKey: at.SecretKey, Bucket: at.Name, Region: at.Region}
	for name, tt := range map[string]struct {
		change func(*objects.Config)
		kind   fault.Kind
		want   string
	}{
		"wrong key":    {func(c *objects.Config) { c.SecretKey = "wrong"; c.Bucket += "-new" }, fault.Unavailable, "refuses this server"},
		"bad address":  {func(c *objects.Config) { c.Endpoint = "http://x/y" }, fault.Invalid, "cannot be used"},
		"nobody there": {func(c *objects.Config) { c.Endpoint = nobody.Addr().String() }, fault.Unavailable, "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			tt.change(&cfg)
			_, err := objects.Open(t.Context(), cfg)
			wantFault(t, err, tt.kind, tt.want)
		})
	}
}

func TestACancelledCallIsUnavailable(t *testing.T) {
	b := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantFault(t, b.Put(ctx, "k", nil, objects.PutOptions{}), fault.Unavailable, "did not answer in time")
	for _, err := range b.List(ctx, "") {
		wantFault(t, err, fault.Unavailable, "did not answer in time")
	}
}

func TestNoWordOfAnotherLibraryReachesTheSender(t *testing.T) {
	_, err := open(t).Stat(t.Context(), "missing")
	if got := fault.Message(err); got != "there is no such object in the photo store" {
		t.Errorf("got %q", got)
	}
	var cause minio.ErrorResponse
	if !errors.As(err, &cause) {
		t.Error("the cause is lost for the log")
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(b) // never fails
	return b
}

func stat(t *testing.T, b *objects.Bucket, key string) objects.Info {
	t.Helper()
	info, err := b.Stat(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func keys(t *testing.T, list func(func(objects.Info, error) bool)) string {
	t.Helper()
	var found []string
	for info, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, info.Key)
	}
	return strings.Join(found, " ")
}

func wantFault(t *testing.T, err error, kind fault.Kind, words string) {
	t.Helper()
	if !fault.Is(err, kind) || !strings.Contains(fault.Message(err), words) {
		t.Errorf("got %v: %v (%q), want %v: %q", fault.KindOf(err), err, fault.Message(err), kind, words)
	}
}

func BenchmarkPut6MiB(b *testing.B) {
	bucket, body := open(b), noise(6<<20)
	crc := objects.CRC32C(body)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := bucket.Put(b.Context(), "o/a/j/u", body, objects.PutOptions{CRC32C: crc}); err != nil {
			b.Fatal(err)
		}
	}
}

// scattered is a body that writes itself, and remembers whether it did.
type scattered struct {
	*bytes.Reader
	wrote int64
}

func (s *scattered) WriteTo(w io.Writer) (int64, error) {
	n, err := s.Reader.WriteTo(w)
	s.wrote += n
	return n, err
}

func TestABodyInMemoryWritesItself(t *testing.T) {
	b, body := open(t), noise(6<<20)
	small := &scattered{Reader: bytes.NewReader(body)}
	put := objects.PutOptions{CRC32C: objects.CRC32C(body)}
	if err := b.PutFrom(t.Context(), "o/a/b/small", small, int64(len(body)), put); err != nil {
		t.Fatal(err)
	}
	large, err := b.NewMultipart(t.Context(), "o/a/b/large", objects.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	part := &scattered{Reader: bytes.NewReader(body)}
	if err := large.PutPartFrom(t.Context(), 1, part, int64(len(body)), put.CRC32C); err != nil {
		t.Fatal(err)
	}
	if err := large.Complete(t.Context(), put.CRC32C); err != nil {
		t.Fatal(err)
	}
	for key, sent := range map[string]*scattered{"o/a/b/small": small, "o/a/b/large": part} {
		// The first few KiB go out with the headers.
		if sent.wrote < int64(len(body))-64<<10 {
			t.Errorf("%s: only %d bytes were written by the body itself", key, sent.wrote)
		}
		r, _, err := b.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: got %d bytes, %v", key, len(got), err)
		}
		r.Close()
	}
}

// In a cluster S3 is often spoken to without TLS, over a network that others are on: bodies are signed then, piece by piece.
func TestABodyIsSignedOverANetwork(t *testing.T) {
	at, body := s3test.New(t), noise(6<<20)
	_, port, err := net.SplitHostPort(at.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	at.Endpoint = net.JoinHostPort("0.0.0.0", port) // this machine, by an address that is not known to be
	b, put := openAt(t, at), objects.PutOptions{CRC32C: objects.CRC32C(body)}
	if err := b.Put(t.Context(), "o/a/b/whole", body, put); err != nil {
		t.Fatal(err)
	}
	if err := b.PutFrom(t.Context(), "o/a/b/small", &scattered{Reader: bytes.NewReader(body)}, int64(len(body)), put); err != nil {
		t.Fatal(err)
	}
	large, err := b.NewMultipart(t.Context(), "o/a/b/large", objects.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := large.PutPartFrom(t.Context(), 1, &scattered{Reader: bytes.NewReader(body)}, int64(len(body)), put.CRC32C); err != nil {
		t.Fatal(err)
	}
	if err := large.Complete(t.Context(), put.CRC32C); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"o/a/b/whole", "o/a/b/small", "o/a/b/large"} {
		r, _, err := b.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: got %d bytes, %v", key, len(got), err)
		}
		r.Close()
	}
}
