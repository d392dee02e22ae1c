package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/grpc"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

const (
	account  = "fault"
	sftpUser = "photographer"
	// within bounds every wait for what the cluster does by itself.
	within = 15 * time.Minute
)

// cluster is what cluster.sh runs in a folder of the test's own, and an account in it.
type cluster struct {
	t       *testing.T
	data    string
	env     map[string]string
	key     string // the photographer's, for SSH
	jobs    *grpc.ClientConn
	catalog catalogv1.CatalogServiceClient
	js      jetstream.JetStream

	listener jetstream.Consumer
	news     []news // it has heard
}

// startCluster starts everything for the length of the test. With FILMGATE_CLUSTER_TEST unset it skips: see doc.go.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	if os.Getenv("FILMGATE_CLUSTER_TEST") == "" {
		t.Skip("it takes minutes: `make cluster-test` runs it")
	}
	dir := t.TempDir()
	// PostgreSQL runs as another user when we are root, and must come to its folder.
	for _, d := range []string{dir, filepath.Dir(dir)} {
		must(t, os.Chmod(d, 0o711)) //nolint:gosec // its folders are closed again below
	}
	c := &cluster{t: t, data: filepath.Join(dir, "cluster"), key: filepath.Join(dir, "key")}
	t.Cleanup(func() {
		c.script("stop")
		if t.Failed() {
			c.keepLogs()
		}
	})
	begun := time.Now()
	c.script("start")
	t.Logf("everything was up after %.1f s", time.Since(begun).Seconds())
	c.readEnv()
	c.dial()
	c.makeAccount()
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// script runs a command of cluster.sh and answers what it printed.
func (c *cluster) script(args ...string) string {
	c.t.Helper()
	out, err := c.tryScript(args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *cluster) tryScript(args ...string) (string, error) {
	cmd := exec.Command("./cluster.sh", args...)
	cmd.Env = append(os.Environ(), "FILMGATE_CLUSTER_DATA="+c.data)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("cluster.sh %s: %w\n%s%s", strings.Join(args, " "), err, &out, &errOut)
	}
	return out.String(), nil
}

// keepLogs copies the logs of a test that failed to where they outlive it.
func (c *cluster) keepLogs() {
	to, err := os.MkdirTemp("", "filmgate-cluster-logs-")
	if err == nil {
		err = os.CopyFS(to, os.DirFS(filepath.Join(c.data, "logs")))
	}
	c.t.Logf("the logs are in %s (%v)", to, err)
}

// pid answers the process of a part.
func (c *cluster) pid(part string) int {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join(c.data, "run", part+".pid"))
	must(c.t, err)
	pid, err := strconv.Atoi(strings.Fields(string(b))[0])
	must(c.t, err)
	return pid
}

// readEnv takes what `cluster.sh env` exports.
func (c *cluster) readEnv() {
	c.t.Helper()
	c.env = map[string]string{}
	for line := range strings.Lines(c.script("env")) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		c.env[name] = strings.Trim(value, `'"`)
	}
}

func (c *cluster) dial() {
	c.t.Helper()
	certificates, err := serve.TLSFiles{
		Cert: c.env["FILMGATE_TLS_CERT_PATH"], Key: c.env["FILMGATE_TLS_KEY_PATH"], CA: c.env["FILMGATE_TLS_CA_PATH"],
	}.Load(slog.New(slog.DiscardHandler))
	must(c.t, err)
	dial := func(target string) *grpc.ClientConn {
		conn, err := serve.Dial(target, serve.DialConfig{Token: c.env["FILMGATE_TOKEN"], TLS: certificates})
		must(c.t, err)
		c.t.Cleanup(func() { conn.Close() })
		return conn
	}
	c.jobs = dial(c.env["FILMGATE_SERVER"])
	c.catalog = catalogv1.NewCatalogServiceClient(dial(c.env["FILMGATE_CATALOG"]))
	// As those may who provision, and as another team's program.
	c.js = c.connect("provision", "FILMGATE_NATS_URL")
	c.listener, err = c.connect("listener", "FILMGATE_LISTENER_NATS_URL").Consumer(c.t.Context(), events.StreamPhotos, "listener")
	must(c.t, err)
}

func (c *cluster) connect(user, setting string) jetstream.JetStream {
	c.t.Helper()
	nc, err := events.Server{URL: c.env[setting]}.Connect(user, slog.New(slog.DiscardHandler))
	must(c.t, err)
	c.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	must(c.t, err)
	return js
}

func (c *cluster) context() context.Context { return serve.WithAccount(c.t.Context(), account) }

// makeAccount makes the account and the photographer, who comes with a key.
func (c *cluster) makeAccount() {
	c.t.Helper()
	out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "photographer", "-f", c.key).CombinedOutput()
	if err != nil {
		c.t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	public, err := os.ReadFile(c.key + ".pub")
	must(c.t, err)
	_, err = jobsv1.NewAccountServiceClient(c.jobs).CreateAccount(c.t.Context(), &jobsv1.CreateAccountRequest{Slug: account, Name: account})
	must(c.t, err)
	users := jobsv1.NewUserServiceClient(c.jobs)
	made, err := users.CreateUser(c.context(), &jobsv1.CreateUserRequest{
		DisplayName: "Photographer", Role: jobsv1.Role_ROLE_INDIVIDUAL, Rights: []string{"upload", "download"}, AllJobs: true, SftpUserName: sftpUser,
	})
	must(c.t, err)
	_, err = users.AddSSHKey(c.context(), &jobsv1.AddSSHKeyRequest{Id: made.GetUser().GetId(), AuthorizedKey: string(public)})
	must(c.t, err)
}

func (c *cluster) makeJob(name string) *jobsv1.Job {
	c.t.Helper()
	job, err := jobsv1.NewJobServiceClient(c.jobs).CreateJob(c.context(), &jobsv1.CreateJobRequest{InternalName: name, Name: name})
	must(c.t, err)
	return job
}

// photos lists a job. A replica that died or a database that starts again is asked again.
func (c *cluster) photos(job *jobsv1.Job) []*catalogv1.Photo {
	c.t.Helper()
	var all []*catalogv1.Photo
	c.until("the catalog answers", func() bool {
		all = nil
		for token := ""; ; {
			page, err := c.catalog.ListPhotos(c.context(), &catalogv1.ListPhotosRequest{JobId: job.GetId(), PageSize: 1000, PageToken: token})
			if fault.Is(err, fault.Unavailable) || fault.Is(err, fault.NotFound) { // not heard of yet
				return false
			}
			must(c.t, err)
			all = append(all, page.GetPhotos()...)
			if token = page.GetNextPageToken(); token == "" {
				return true
			}
		}
	})
	return all
}

// listed answers what the operator's command lists of a job: the SHA-256 of each file, by album and name.
func (c *cluster) listed(job *jobsv1.Job) map[string]string {
	c.t.Helper()
	cmd := exec.Command(filepath.Join(strings.Split(c.env["PATH"], ":")[0], "filmgate"), "--account", account, "photo", "list", "--job", job.GetInternalName(), "--json")
	cmd.Env = os.Environ()
	for name, value := range c.env {
		cmd.Env = append(cmd.Env, name+"="+strings.ReplaceAll(value, "$PATH", os.Getenv("PATH")))
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("%v\n%s", err, &said)
	}
	all := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var one struct {
			Album struct{ Name string }
			File  struct{ Name, SHA256 string }
		}
		must(c.t, dec.Decode(&one))
		all[one.Album.Name+"/"+one.File.Name] = one.File.SHA256
	}
	return all
}

// settled waits until so many photos of a job are ready and none is being processed, and answers them.
func (c *cluster) settled(job *jobsv1.Job, want int) []*catalogv1.Photo {
	c.t.Helper()
	var all []*catalogv1.Photo
	c.until(fmt.Sprintf("%d photos are ready", want), func() bool {
		all = c.photos(job)
		for _, p := range all {
			if p.GetState() == catalogv1.PhotoState_PHOTO_STATE_PROCESSING {
				return false
			}
		}
		return len(all) >= want
	})
	return all
}

// heard answers what the listener has been told of a job, in the order of its first telling.
func (c *cluster) heard(job *jobsv1.Job) (all []events.Envelope) {
	c.t.Helper()
	for {
		batch, err := c.listener.FetchNoWait(500)
		must(c.t, err)
		none := true
		for msg := range batch.Messages() {
			none = false
			env, err := events.Decode(msg.Data())
			must(c.t, err)
			meta, err := msg.Metadata()
			must(c.t, err)
			if meta.NumDelivered == 1 { // a server that dies may have it told twice
				c.news = append(c.news, news{msg.Subject(), env})
			}
			must(c.t, msg.Ack())
		}
		must(c.t, batch.Error())
		if none {
			break
		}
	}
	for _, t := range c.news {
		if strings.HasPrefix(t.subject, "filmgate.photos.v1."+account+"."+job.GetId()+".") {
			all = append(all, t.envelope)
		}
	}
	return all
}

// news is an event that the listener has heard.
type news struct {
	subject  string
	envelope events.Envelope
}

// leader answers the server that leads a stream.
func (c *cluster) leader(stream string) string {
	c.t.Helper()
	info, err := c.js.Stream(c.t.Context(), stream)
	must(c.t, err)
	return info.CachedInfo().Cluster.Leader
}

// until waits for a condition, with a generous end.
func (c *cluster) until(what string, condition func() bool) {
	c.t.Helper()
	for end := time.Now().Add(within); !condition(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal("in vain: " + what)
		}
	}
}

func decode[T any](t *testing.T, env events.Envelope) T {
	t.Helper()
	var data T
	must(t, json.Unmarshal(env.Data, &data))
	return data
}
