package processing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/embeds3/s3test"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/objects"
)

func TestMain(m *testing.M) { s3test.Main(m) }

const (
	account = "demo"
	job     = "01JOB0000000000000000000AA"
	photoID = "01PHOTO00000000000000000AA"
)

// harness is a running service with a real NATS and a real S3 server.
type harness struct {
	*testing.T
	service *Service
	bucket  *objects.Bucket
	line    *line
	js      jetstream.JetStream
	done    *nats.Subscription
	stop    func()
}

func start(t *testing.T, cfg Config, adjust ...func(*Service)) *harness {
	t.Helper()
	_, nc := natstest.Start(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := events.Provision(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	done, err := nc.SubscribeSync(events.AllDone)
	if err != nil {
		t.Fatal(err)
	}
	where := s3test.New(t)
	h := &harness{T: t, js: js, done: done, line: newLine(t, where.Endpoint)}
	open := func(endpoint string) *objects.Bucket {
		bucket, err := objects.Open(t.Context(), objects.Config{
			Endpoint: endpoint, AccessKey: where.AccessKey, SecretKey: where.SecretKey, Bucket: where.Name, Region: where.Region,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(bucket.Close)
		return bucket
	}
	h.bucket = open(where.Endpoint)
	h.service, err = New(cfg, Deps{NATS: nc, Bucket: open(h.line.address), Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Installation: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range adjust {
		a(h.service)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.service.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

// mapped is what album-mapper says of a file.
func mapped(src []byte, version string) events.PhotoMapped {
	sum := sha256.Sum256(src)
	return events.PhotoMapped{
		Account: account, JobID: job, PhotoID: photoID, Version: version, ObjectKey: "o/" + account + "/" + job + "/" + version,
		Bytes: int64(len(src)), SHA256: hex.EncodeToString(sum[:]), CRC32C: fmt.Sprintf("%08x", objects.CRC32C(src)),
		Name: "x.jpg", Section: events.SectionGroup, LandedAt: time.Now(),
	}
}

// store puts a file where the edge puts it.
func (h *harness) store(photo events.PhotoMapped, src []byte) {
	h.Helper()
	if err := h.bucket.Put(h.Context(), photo.ObjectKey, src, objects.PutOptions{}); err != nil {
		h.Fatal(err)
	}
}

// say says photo.mapped.
func (h *harness) say(photo events.PhotoMapped) {
	h.Helper()
	env, err := events.NewEnvelope("test", events.TypePhotoMapped, account, photo.PhotoID, fmt.Sprintf("%s:%d", photo.Version, photo.Attempt), time.Now(), photo)
	if err != nil {
		h.Fatal(err)
	}
	subject, err := events.WorkSubject(account, job, events.WorkPicture)
	if err != nil {
		h.Fatal(err)
	}
	if err := events.Publish(h.Context(), h.js, subject, env); err != nil {
		h.Fatal(err)
	}
}

// answer waits for the service's next answer.
func answer[T any](h *harness) (events.Envelope, T) {
	h.Helper()
	msg, err := h.done.NextMsg(3 * time.Minute)
	if err != nil {
		h.Fatal(err)
	}
	env, data, err := events.Open[T](msg.Data)
	if err != nil {
		h.Fatalf("%v: %s", err, msg.Data)
	}
	return env, data
}

func (h *harness) read(key string) []byte {
	h.Helper()
	body, _, err := h.bucket.Get(h.Context(), key)
	if err != nil {
		h.Fatal(err)
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		h.Fatal(err)
	}
	return b
}

// line is the network to the bucket, which can be cut.
type line struct {
	address string
	target  string
	mu      sync.Mutex
	cut     bool
	refused chan struct{} // one for each connection while the line is cut
	open    map[net.Conn]struct{}
}

func newLine(t *testing.T, target string) *line {
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{address: lis.Addr().String(), target: strings.TrimPrefix(target, "http://"), refused: make(chan struct{}, 1000), open: map[net.Conn]struct{}{}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			running.Go(func() { l.carry(conn) })
		}
	})
	t.Cleanup(func() {
		lis.Close()
		l.set(true)
		running.Wait()
	})
	return l
}

// set cuts the line, with all that is on it, or mends it.
func (l *line) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	for conn := range l.open {
		if cut {
			conn.Close()
		}
	}
}

func (l *line) carry(near net.Conn) {
	defer near.Close()
	far, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.target)
	if err != nil {
		return
	}
	defer far.Close()
	l.mu.Lock()
	if l.cut {
		l.mu.Unlock()
		select {
		case l.refused <- struct{}{}:
		default:
		}
		return
	}
	l.open[near], l.open[far] = struct{}{}, struct{}{}
	l.mu.Unlock()
	var both sync.WaitGroup
	pipe := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		to.Close()
		from.Close()
	}
	both.Go(func() { pipe(far, near) })
	both.Go(func() { pipe(near, far) })
	both.Wait()
	l.mu.Lock()
	delete(l.open, near)
	delete(l.open, far)
	l.mu.Unlock()
}
