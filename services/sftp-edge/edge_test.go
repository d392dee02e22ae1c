package sftpedge_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/embednats"
	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/embeds3/s3test"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/serve"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	sftpedge "filmgate.dev/services/sftp-edge"
)

func TestMain(m *testing.M) { s3test.Main(m) }

// edge is a running edge with everything around it.
type edge struct {
	t      testing.TB
	jobs   *fakeJobs
	nc     *nats.Conn
	files  *files.Log
	bucket *objects.Bucket
	store  s3test.Bucket
	core   *minio.Core // of the store, past the proxy
	keys   []ssh.Signer
	token  *grpcPeer
	bus    *embednats.Server
	proxy  *proxy // between the edge and the bucket
	addr   string
	http   string       // of a process
	stop   func() error // ends Run and answers what it answered
	log    *slog.Logger
}

// hostKeys are made once: an RSA key takes half a second.
var hostKeys = sync.OnceValues(func() ([]ssh.Signer, error) {
	dir, err := os.MkdirTemp("", "edge-keys-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	return sftpedge.LoadOrCreateHostKeys(filepath.Join(dir, "keys"))
})

type grpcPeer struct {
	addr  string
	edge  jobsv1.EdgeServiceClient
	audit jobsv1.AuditServiceClient
}

func start(t testing.TB, change ...func(*sftpedge.Config)) *edge {
	t.Helper()
	bus, nc := natstest.Start(t)
	js, err := jetstream.New(nc)
	must(t, err)
	must(t, files.Provision(t.Context(), js, 1))
	log, err := files.Open(nc, files.Config{})
	must(t, err)
	store := s3test.New(t)
	between := newProxy(t, store.Endpoint)
	bucket, err := objects.Open(t.Context(), objects.Config{
		Endpoint: between.addr, AccessKey: store.AccessKey, SecretKey: store.SecretKey, Bucket: store.Name, Region: store.Region,
	})
	must(t, err)
	t.Cleanup(bucket.Close)
	keys, err := hostKeys()
	must(t, err)
	e := &edge{t: t, jobs: newFakeJobs(), nc: nc, files: log, bucket: bucket, store: store, bus: bus, proxy: between, keys: keys, log: slog.New(slog.DiscardHandler)}
	if os.Getenv("EDGE_TEST_LOG") != "" {
		e.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	e.serveJobs()
	e.run(change...)
	return e
}

// serveJobs makes the fake job-status answer over gRPC.
func (e *edge) serveJobs() {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(e.t, err)
	server := serve.NewGRPC(serve.GRPCConfig{})
	jobsv1.RegisterEdgeServiceServer(server, e.jobs)
	jobsv1.RegisterAuditServiceServer(server, e.jobs)
	var work sync.WaitGroup
	work.Go(func() { server.Serve(lis) })
	conn, err := serve.Dial(lis.Addr().String(), serve.DialConfig{Token: "service"})
	must(e.t, err)
	e.token = &grpcPeer{lis.Addr().String(), jobsv1.NewEdgeServiceClient(conn), jobsv1.NewAuditServiceClient(conn)}
	e.t.Cleanup(func() { conn.Close(); server.Stop(); work.Wait() })
}

// run starts one more edge on the same bucket and log; e then means that one.
func (e *edge) run(change ...func(*sftpedge.Config)) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(e.t, err)
	var cfg sftpedge.Config
	for _, c := range change {
		c(&cfg)
	}
	service, err := sftpedge.New(cfg, sftpedge.Deps{
		Listener: lis, HostKeys: e.keys, Jobs: e.token.edge, Audit: e.token.audit, Files: e.files, Bucket: e.bucket, NATS: e.nc, Log: e.log,
	})
	must(e.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	var once sync.Once
	go func() { result <- service.Run(ctx) }()
	e.addr = lis.Addr().String()
	stop := func() (err error) {
		once.Do(func() { cancel(); err = <-result })
		return err
	}
	e.stop = stop
	e.t.Cleanup(func() {
		if err := stop(); err != nil {
			e.t.Error("Run:", err)
		}
	})
}

// dial logs in.
func (e *edge) dial(user string, auth ...ssh.AuthMethod) (*ssh.Client, error) {
	if len(auth) == 0 {
		auth = []ssh.AuthMethod{ssh.Password("secret")}
	}
	return ssh.Dial("tcp", e.addr, &ssh.ClientConfig{User: user, Auth: auth, HostKeyCallback: ssh.FixedHostKey(e.keys[0].PublicKey()), HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}, Timeout: 5 * time.Second})
}

// client is an SFTP client of a user.
func (e *edge) client(user string) *sftp.Client {
	e.t.Helper()
	conn, err := e.dial(user)
	must(e.t, err)
	client, err := sftp.NewClient(conn)
	must(e.t, err)
	e.t.Cleanup(func() { client.Close(); conn.Close() })
	return client
}

// put uploads content as a client does that writes in order.
func (e *edge) put(c *sftp.Client, path string, content []byte) {
	e.t.Helper()
	must(e.t, upload(c, path, content))
}

func upload(c *sftp.Client, path string, content []byte) error {
	f, err := c.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	if _, err := f.ReadFrom(bytes.NewReader(content)); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// job is the files log's name for a job.
func job(name string) files.Job { return files.Job{Account: "demo", ID: "J-" + name} }

// entry reads the entry at album[/section]/name of JOB00001, also a staged one.
func (e *edge) entry(path string) (files.Entry, error) {
	names := strings.Split(path, "/")
	folder, err := e.files.Folder(e.t.Context(), job("JOB00001"), files.Root, names[0])
	if err == nil && len(names) == 3 {
		folder, err = e.files.Folder(e.t.Context(), job("JOB00001"), folder.ID, names[1])
	}
	if err != nil {
		return files.Entry{}, err
	}
	return e.files.File(e.t.Context(), job("JOB00001"), folder.ID, names[len(names)-1])
}

// landed reads a file that everybody sees, and holds its object against content.
func (e *edge) landed(path string, content []byte) files.Entry {
	e.t.Helper()
	entry, err := e.entry(path)
	must(e.t, err)
	sum := sha256.Sum256(content)
	if entry.State != files.StateLanded || entry.Bytes != int64(len(content)) || entry.SHA256 != hex.EncodeToString(sum[:]) {
		e.t.Fatalf("%s: %+v", path, entry)
	}
	if stored := e.object(entry); !bytes.Equal(stored, content) {
		e.t.Fatalf("%s: %d other bytes are in the bucket", path, len(stored))
	}
	return entry
}

func (e *edge) object(entry files.Entry) []byte {
	e.t.Helper()
	key, err := objects.OriginalKey(entry.Job.Account, entry.Job.ID, entry.Upload)
	must(e.t, err)
	body, info, err := e.bucket.Get(e.t.Context(), key)
	must(e.t, err)
	defer body.Close()
	stored, err := io.ReadAll(body)
	must(e.t, err)
	if info.Metadata["upload"] != entry.Upload || info.Metadata["folder"] == "" || info.Metadata["name"] == "" {
		e.t.Errorf("the object's metadata is %v", info.Metadata)
	}
	return stored
}

// objects counts the originals in the bucket.
func (e *edge) objects() int {
	e.t.Helper()
	n := 0
	for _, err := range e.bucket.List(e.t.Context(), "o/") {
		must(e.t, err)
		n++
	}
	return n
}

// tails counts the pieces of broken-off and slow uploads in the bucket.
func (e *edge) tails() int {
	e.t.Helper()
	n := 0
	for _, err := range e.bucket.List(e.t.Context(), "t/") {
		must(e.t, err)
		n++
	}
	return n
}

// multiparts counts the multipart uploads that are under way, and the records of them.
func (e *edge) multiparts() (uploads, records int) {
	e.t.Helper()
	if e.core == nil {
		e.core = e.store.Core(e.t)
	}
	list, err := e.core.ListMultipartUploads(e.t.Context(), e.store.Name, "", "", "", "", 1000)
	must(e.t, err)
	all, err := e.files.Uploads().All(e.t.Context())
	must(e.t, err)
	return len(list.Uploads), len(all)
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatal("in vain: " + what)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks the code and the words of an answer.
func refused(t testing.TB, err error, words string) {
	t.Helper()
	var status *sftp.StatusError
	if !errors.As(err, &status) || status.FxCode() != sftp.ErrSSHFxFailure || !strings.Contains(strings.ReplaceAll(err.Error(), `\"`, `"`), words) {
		t.Errorf("%v (%T) instead of a failure with the words %q", err, err, words)
	}
}

// photo is bytes that look like a JPEG.
func photo(n int, seed byte) []byte {
	b := make([]byte, n)
	x := uint32(seed) + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	copy(b, []byte{0xff, 0xd8, 0xff, 0xe0})
	copy(b[n-2:], []byte{0xff, 0xd9})
	return b
}
