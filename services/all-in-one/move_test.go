package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
	"filmgate.dev/pkg/testphotos"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	albummapper "filmgate.dev/services/album-mapper"
	jobstatus "filmgate.dev/services/job-status"
	"filmgate.dev/services/processing"
	sftpedge "filmgate.dev/services/sftp-edge"
)

// local is a `filmgate run`.
type local struct {
	t    *testing.T
	data string
	cmd  *exec.Cmd
	card map[string]map[string]string
}

func runLocal(t *testing.T) *local {
	t.Helper()
	l := &local{t: t, data: filepath.Join(t.TempDir(), "data")}
	l.cmd = exec.Command(binary, "run", "--data", l.data, "--sftp", "127.0.0.1:0", "--http", "127.0.0.1:0")
	l.cmd.Stderr = os.Stderr
	out, err := l.cmd.StdoutPipe()
	fatal(t, err)
	fatal(t, l.cmd.Start())
	t.Cleanup(func() { _ = l.cmd.Process.Kill() })
	stdout := readLines(out)
	if !stdout.wait("Stop with Ctrl-C", patience) {
		t.Fatalf("filmgate did not come up: %s", stdout.text())
	}
	b, err := os.ReadFile(filepath.Join(l.data, "card.json"))
	fatal(t, err)
	fatal(t, json.Unmarshal(b, &l.card))
	return l
}

func (l *local) stop() {
	l.t.Helper()
	fatal(l.t, l.cmd.Process.Signal(os.Interrupt))
	fatal(l.t, l.cmd.Wait())
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// filmgate runs a command of the tool.
func filmgate(t *testing.T, settings []string, args ...string) (string, error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(os.Environ(), settings...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	return stdout.String() + stderr.String(), err
}

// photos answers what the tool lists, once that many photos are ready.
func photos(t *testing.T, want int, args ...string) []map[string]any {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		out, err := filmgate(t, nil, append([]string{"photo", "list", "--job", "JOB00001", "--state", "ready", "--json"}, args...)...)
		var list []map[string]any
		for decoder := json.NewDecoder(strings.NewReader(out)); err == nil; {
			var one map[string]any
			if err = decoder.Decode(&one); err == nil {
				list = append(list, one)
			}
		}
		if errors.Is(err, io.EOF) && len(list) == want {
			return list
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d photos are never ready: %v\n%s", want, err, out)
		}
	}
}

func photographer(t *testing.T, address string, card map[string]map[string]string) *sftp.Client {
	t.Helper()
	conn, err := ssh.Dial("tcp", address, &ssh.ClientConfig{
		User: card["sftp"]["user"], Auth: []ssh.AuthMethod{ssh.Password(card["sftp"]["password"])},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if got := ssh.FingerprintSHA256(key); got != card["sftp"]["host_key_sha256"] {
				return fmt.Errorf("the host key has changed to %s", got)
			}
			return nil
		},
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
	})
	fatal(t, err)
	client, err := sftp.NewClient(conn)
	fatal(t, err)
	t.Cleanup(func() { _, _ = client.Close(), conn.Close() })
	return client
}

func upload(t *testing.T, client *sftp.Client, path string, content []byte) {
	t.Helper()
	f, err := client.Create(path)
	fatal(t, err)
	_, err = f.Write(content)
	fatal(t, err)
	fatal(t, f.Close())
}

// An installation moves from one process into a cluster: nobody notices but by the address.
func TestMove(t *testing.T) {
	home := runLocal(t)
	client := photographer(t, home.card["sftp"]["address"], home.card)
	fatal(t, client.Mkdir("/JOB00001/Class 1"))
	contents := map[string][]byte{}
	for i := range 5 {
		name := fmt.Sprintf("/JOB00001/Class 1/%d.jpg", i)
		contents[name] = testphotos.JPEG(testphotos.Options{Width: 300 + i, Height: 200, Seed: uint64(i)})
		upload(t, client, name, contents[name])
	}
	photos(t, 5, "--data", home.data)
	fatal(t, client.Remove("/JOB00001/Class 1/4.jpg"))
	delete(contents, "/JOB00001/Class 1/4.jpg")
	contents["/JOB00001/Class 1/3.jpg"] = testphotos.JPEG(testphotos.Options{Width: 400, Height: 200})
	upload(t, client, "/JOB00001/Class 1/3.jpg", contents["/JOB00001/Class 1/3.jpg"])
	before := photos(t, 4, "--data", home.data)

	// The cluster; another instance lends its bucket server.
	lender := runLocal(t)
	bus := natstest.StartCluster(t)
	settings := []string{
		"FILMGATE_NATS_URL=" + bus.URL(0), "FILMGATE_NATS_REPLICAS=3",
		"FILMGATE_S3_ENDPOINT=" + lender.card["s3"]["endpoint"], "FILMGATE_S3_ACCESS_KEY=" + lender.card["s3"]["access_key"],
		"FILMGATE_S3_SECRET_KEY=" + lender.card["s3"]["secret_key"], "FILMGATE_S3_BUCKET=moved", "FILMGATE_S3_TLS=false",
		"FILMGATE_JOBS_DATABASE=" + sqltest.PostgresURL(t), "FILMGATE_MAPPER_DATABASE=" + sqltest.PostgresURL(t),
	}
	refused := func(why string) {
		t.Helper()
		if out, err := filmgate(t, settings, "move", "--data", home.data); err == nil || !strings.Contains(out, why) {
			t.Fatalf("it should say %q: %s, %v", why, out, err)
		}
	}
	refused("already running")
	home.stop()
	refused("filmgate provision")
	there := surroundings(t, bus.Connect(0), settings)
	out, err := filmgate(t, settings, "move", "--data", home.data)
	if err != nil {
		t.Fatal(out)
	}
	t.Log(out)
	for range 2 { // one that is started again finds everything there
		if out, err = filmgate(t, settings, "move", "--data", home.data); err != nil || !strings.Contains(out, " 0 copied") || !strings.Contains(out, "0 rows") {
			t.Fatal(out, err)
		}
	}

	server, edge := there.run(t, home)
	remote := []string{"--server", server, "--token", home.card["grpc"]["token"], "--account", "demo", "--plaintext"}
	after := photos(t, 4, remote...)
	for i := range before {
		if a, b := fmt.Sprint(withoutPlace(before[i])), fmt.Sprint(withoutPlace(after[i])); a != b {
			t.Errorf("%s became %s", a, b)
		}
	}
	client = photographer(t, edge, home.card)
	for name, content := range contents {
		f, err := client.Open(name)
		fatal(t, err)
		got, err := io.ReadAll(f)
		fatal(t, err)
		if !bytes.Equal(got, content) {
			t.Errorf("%s has other bytes", name)
		}
		fatal(t, f.Close())
	}
	if _, err := client.Stat("/JOB00001/Class 1/4.jpg"); !os.IsNotExist(err) {
		t.Errorf("what was removed is back: %v", err)
	}
	upload(t, client, "/JOB00001/Class 1/new.jpg", testphotos.JPEG(testphotos.Options{Width: 640, Height: 480}))
	photos(t, 5, remote...)
	refused("own")
}

// withoutPlace leaves out the bucket's name, which is another one.
func withoutPlace(photo map[string]any) map[string]any {
	delete(photo, "original")
	delete(photo, "derivatives")
	return photo
}

// cluster is what the services of a cluster work with.
type cluster struct {
	nc            *nats.Conn
	bucket        *objects.Bucket
	jobs, catalog *sqldb.DB
}

func surroundings(t *testing.T, nc *nats.Conn, settings []string) *cluster {
	t.Helper()
	value := func(name string) string {
		for _, s := range settings {
			if v, ok := strings.CutPrefix(s, name+"="); ok {
				return v
			}
		}
		return ""
	}
	js, err := jetstream.New(nc)
	fatal(t, err)
	fatal(t, events.Provision(t.Context(), js, 3))
	c := &cluster{nc: nc}
	c.bucket, err = objects.Open(t.Context(), objects.Config{
		Endpoint: value("FILMGATE_S3_ENDPOINT"), AccessKey: value("FILMGATE_S3_ACCESS_KEY"), SecretKey: value("FILMGATE_S3_SECRET_KEY"), Bucket: "moved",
	})
	fatal(t, err)
	for db, name := range map[**sqldb.DB]string{&c.jobs: "FILMGATE_JOBS_DATABASE", &c.catalog: "FILMGATE_MAPPER_DATABASE"} {
		*db, err = sqldb.Open(t.Context(), value(name))
		fatal(t, err)
		t.Cleanup(func() { _ = (*db).Close() })
	}
	// The services bring their tables.
	_, err = jobstatus.New(t.Context(), jobstatus.Config{OperatorToken: "of the test"}, jobstatus.Deps{DB: c.jobs, NATS: nc, Log: quiet, Installation: "moved"})
	fatal(t, err)
	_, err = albummapper.New(t.Context(), albummapper.Config{}, albummapper.Deps{DB: c.catalog, NATS: nc, Bucket: c.bucket, Log: quiet, Installation: "moved"})
	fatal(t, err)
	return c
}

var quiet = slog.New(slog.DiscardHandler)

// run starts the services, with the secrets that the operator has taken along.
func (c *cluster) run(t *testing.T, home *local) (grpc, edge string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() { cancel(); running.Wait() })
	run := func(part func(context.Context) error) {
		running.Go(func() {
			if err := part(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	listen := func() net.Listener {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		fatal(t, err)
		return l
	}
	calls, door := listen(), listen()
	const service = "service-token-of-the-test"
	services, err := serve.Dial(calls.Addr().String(), serve.DialConfig{Token: service})
	fatal(t, err)
	people, err := serve.Dial(calls.Addr().String(), serve.DialConfig{})
	fatal(t, err)
	t.Cleanup(func() { _, _ = services.Close(), people.Close() })
	tree, err := files.Open(c.nc, files.Config{})
	fatal(t, err)
	jobs, err := jobstatus.New(t.Context(), jobstatus.Config{ServiceToken: service, OperatorToken: home.card["grpc"]["token"]}, jobstatus.Deps{DB: c.jobs, NATS: c.nc, Log: quiet, Installation: "moved"})
	fatal(t, err)
	catalog, err := albummapper.New(t.Context(), albummapper.Config{}, albummapper.Deps{
		DB: c.catalog, NATS: c.nc, Files: tree, Bucket: c.bucket, Identity: jobsv1.NewIdentityServiceClient(people), Log: quiet, Installation: "moved",
	})
	fatal(t, err)
	pictures, err := processing.New(processing.Config{}, processing.Deps{NATS: c.nc, Bucket: c.bucket, Log: quiet, Installation: "moved"})
	fatal(t, err)
	keys, err := sftpedge.LoadOrCreateHostKeys(filepath.Join(home.data, "hostkeys"))
	fatal(t, err)
	gate, err := sftpedge.New(sftpedge.Config{}, sftpedge.Deps{
		Listener: door, HostKeys: keys, Jobs: jobsv1.NewEdgeServiceClient(services), Audit: jobsv1.NewAuditServiceClient(services),
		Files: tree, Bucket: c.bucket, NATS: c.nc, Log: quiet,
	})
	fatal(t, err)
	server := serve.NewGRPC(serve.GRPCConfig{})
	jobs.Register(server)
	catalog.Register(server)
	run(func(ctx context.Context) error { return serve.GRPC(ctx, calls, server) })
	run(jobs.Run)
	run(catalog.Run)
	run(pictures.Run)
	run(gate.Run)
	return calls.Addr().String(), door.Addr().String()
}
