package access_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filmgate.dev/pkg/embeds3/s3test"
	"filmgate.dev/pkg/serve"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

func TestMain(m *testing.M) { s3test.Main(m) }

// services are the binaries of a cluster, by their commands' packages.
var services = []string{"job-status", "album-mapper", "processing", "sftp-edge", "studio"}

// cluster is every service as a process of its own, each with its own NATS user, and its own access to S3 if there is one.
type cluster struct {
	t       *testing.T
	bins    string
	store   s3
	common  []string
	secrets []string
	addr    map[string]string
	mu      sync.Mutex
	logs    map[string]*bytes.Buffer
}

func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"build", "-o", dir + "/"}
	for _, name := range services {
		args = append(args, "filmgate.dev/services/"+name+"/cmd/"+name)
	}
	for _, args := range [][]string{args, {"build", "-o", dir + "/filmgate", "filmgate.dev/services/all-in-one"}} {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = source, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return dir
}

func free(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	return lis.Addr().String()
}

// command prepares a binary with its NATS user.
func (c *cluster) command(binary, user string, b *bus, settings ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bins, binary))
	cmd.Dir = c.t.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "FILMGATE_NATS_URL=" + b.url, "FILMGATE_NATS_NKEY_PATH=" + b.seeds[user]}, c.common...)
	cmd.Env = append(append(cmd.Env, c.store.own[user]...), settings...)
	log := &locked{mu: &c.mu, b: &bytes.Buffer{}}
	c.mu.Lock()
	c.logs[user] = log.b
	c.mu.Unlock()
	cmd.Stdout, cmd.Stderr = log, log
	return cmd
}

type locked struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (c *cluster) log(user string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.logs[user].String()
}

func (c *cluster) start(name string, b *bus, settings ...string) {
	c.t.Helper()
	cmd := c.command(name, name, b, settings...)
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		_ = cmd.Wait()
		if c.t.Failed() {
			c.t.Logf("%s:\n%s", name, c.log(name))
		}
	})
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid))
	if err != nil {
		c.t.Fatal(err)
	}
	c.silent(name+"'s arguments", string(line))
}

// silent fails if a secret is in the text.
func (c *cluster) silent(where, text string) {
	c.t.Helper()
	for _, secret := range c.secrets {
		if strings.Contains(text, secret) {
			c.t.Errorf("%s hold a secret", where)
		}
	}
}

// ready waits until /readyz answers with the status, and the words.
func (c *cluster) ready(name string, status int, words string) {
	c.t.Helper()
	seen := ""
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		response, err := http.Get("http://" + c.addr[name] + "/readyz")
		if err == nil {
			body, _ := io.ReadAll(response.Body)
			response.Body.Close()
			seen = fmt.Sprint(response.StatusCode, " ", string(body))
			if response.StatusCode == status && strings.Contains(string(body), words) {
				return
			}
		}
		if time.Now().After(end) {
			c.t.Fatalf("%s: %s, %v", name, seen, err)
		}
	}
}

// file holds a value that must never be seen.
func file(t *testing.T, name, value string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEachServiceDoesItsWork starts every service before anything is there, as a user that may only do its work, and sends
// photos through all of them: nobody is refused anything.
func TestEachServiceDoesItsWork(t *testing.T) {
	bins := build(t)
	t.Run("with the keys of one bucket", func(t *testing.T) {
		bucket := s3test.New(t)
		journey(t, bins, s3{secrets: []string{bucket.SecretKey}, common: []string{
			"FILMGATE_S3_ENDPOINT=" + bucket.Endpoint, "FILMGATE_S3_ACCESS_KEY=" + bucket.AccessKey,
			"FILMGATE_S3_SECRET_KEY_FILE=" + file(t, "s3", bucket.SecretKey), "FILMGATE_S3_BUCKET=" + bucket.Name,
		}})
	})
	// No service has a key: each says by a token who it is, and gets one for an hour, with which it may do what its policy of
	// deploy/s3 says.
	t.Run("with an identity and a policy for each", func(t *testing.T) {
		const bucket = "photos"
		is := startIssuer(t)
		store := s3{own: map[string][]string{}}
		var roles []string
		for _, service := range []string{"provision", "sftp-edge", "album-mapper", "processing", "studio"} {
			audience := "filmgate-" + service
			name := strings.ToUpper(strings.ReplaceAll(service, "-", ""))
			roles = append(roles, "MINIO_IDENTITY_OPENID_CONFIG_URL_"+name+"="+is.URL+"/.well-known/openid-configuration",
				"MINIO_IDENTITY_OPENID_CLIENT_ID_"+name+"="+audience, "MINIO_IDENTITY_OPENID_ROLE_POLICY_"+name+"="+service)
			token := is.token(t, "system:serviceaccount:photos:filmgate-"+service, audience)
			store.secrets = append(store.secrets, token)
			id := sha1.Sum([]byte(audience)) // so MinIO names a role
			store.own[service] = []string{"AWS_WEB_IDENTITY_TOKEN_FILE=" + file(t, service, token), "AWS_ROLE_ARN=arn:minio:iam:::role/" + base64.RawURLEncoding.EncodeToString(id[:])}
		}
		m := startMinIO(t, roles...)
		for service := range store.own {
			m.allow(t, service, policy(t, service, bucket))
		}
		store.common = []string{"FILMGATE_S3_ENDPOINT=" + m.endpoint, "FILMGATE_S3_STS_URL=http://" + m.endpoint, "FILMGATE_S3_BUCKET=" + bucket}
		journey(t, bins, store)
		kinds, err := m.objects(t.Context(), bucket)
		if err != nil || kinds["o"] == 0 || kinds["d"] == 0 {
			t.Errorf("the bucket holds %v, %v", kinds, err)
		}
	})
}

// s3 is how the services reach their bucket.
type s3 struct {
	common  []string
	own     map[string][]string // of a service
	secrets []string            // never to be seen
}

func journey(t *testing.T, bins string, store s3) {
	b := start(t)
	const service, operator = "service-token-3f9a1c", "operator-token-77be20"
	c := &cluster{t: t, bins: bins, store: store, addr: map[string]string{}, logs: map[string]*bytes.Buffer{}, secrets: append([]string{service, operator}, store.secrets...)}
	for _, path := range b.seeds {
		seed, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c.secrets = append(c.secrets, string(seed))
	}
	dir := t.TempDir()
	jobs, catalog, sftp := free(t), free(t), free(t)
	for _, name := range services {
		c.addr[name] = free(t)
	}
	c.common = append([]string{
		"FILMGATE_S3_TLS=false", "FILMGATE_JOB_STATUS=" + jobs, "FILMGATE_ALBUM_MAPPER=" + catalog,
		"FILMGATE_JOBS_DATABASE=sqlite:" + dir + "/jobs.db", "FILMGATE_MAPPER_DATABASE=sqlite:" + dir + "/catalog.db",
	}, store.common...)
	c.start("job-status", b, "FILMGATE_JOBS_GRPC="+jobs, "FILMGATE_JOBS_HTTP="+c.addr["job-status"], "FILMGATE_SERVICE_TOKEN="+service, "FILMGATE_OPERATOR_TOKEN_FILE="+file(t, "operator", operator))
	c.start("album-mapper", b, "FILMGATE_MAPPER_GRPC="+catalog, "FILMGATE_MAPPER_HTTP="+c.addr["album-mapper"])
	c.start("processing", b, "FILMGATE_PROCESSING_HTTP="+c.addr["processing"])
	c.start("sftp-edge", b, "FILMGATE_SFTP_ADDRESS="+sftp, "FILMGATE_SFTP_HTTP="+c.addr["sftp-edge"], "FILMGATE_SFTP_HOST_KEYS="+dir+"/keys", "FILMGATE_SERVICE_TOKEN_FILE="+file(t, "service", service))
	c.start("studio", b, "FILMGATE_STUDIO_ADDR="+free(t), "FILMGATE_STUDIO_HTTP="+c.addr["studio"])
	c.ready("album-mapper", http.StatusServiceUnavailable, "FILES")
	c.ready("processing", http.StatusServiceUnavailable, "WORK")
	c.ready("sftp-edge", http.StatusServiceUnavailable, "FILES")

	if out, err := c.filmgate("provision", b); err != nil {
		t.Fatalf("provision: %v\n%s", err, out)
	}
	for _, name := range services {
		c.ready(name, http.StatusOK, "")
	}
	smoke := []string{"FILMGATE_SERVER=" + jobs, "FILMGATE_TOKEN=" + operator, "FILMGATE_SMOKE_SFTP=" + sftp}
	for range 2 {
		if out, err := c.filmgate("smoke", b, smoke...); err != nil {
			t.Fatalf("smoke: %v\n%s", err, out)
		}
	}
	c.rename(jobs, catalog, operator)
	if out, err := c.filmgate("smoke", b, smoke...); err != nil {
		t.Fatalf("smoke after a rename: %v\n%s", err, out)
	}
	for user := range c.logs {
		log := c.log(user)
		c.silent("the log of "+user, log)
		for line := range strings.Lines(log) {
			// Between the stream and its consumer it tries, and is told that this is provision's.
			if strings.Contains(strings.ToLower(line), "violation") && !strings.Contains(line, "$JS.API.CONSUMER.CREATE.") {
				t.Errorf("%s was refused: %s", user, line)
			}
		}
	}
}

func (c *cluster) filmgate(command string, b *bus, settings ...string) (string, error) {
	cmd := c.command("filmgate", command, b, settings...)
	cmd.Args = append(cmd.Args, command)
	err := cmd.Run()
	return c.log(command), err
}

// rename has album-mapper write to the files log, as for a studio.
func (c *cluster) rename(jobs, catalog, token string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(serve.WithAccount(c.t.Context(), "smoke"), 2*time.Minute)
	defer cancel()
	toJobs, err := serve.Dial(jobs, serve.DialConfig{Token: token})
	if err != nil {
		c.t.Fatal(err)
	}
	defer toJobs.Close()
	toCatalog, err := serve.Dial(catalog, serve.DialConfig{Token: token})
	if err != nil {
		c.t.Fatal(err)
	}
	defer toCatalog.Close()
	job, err := jobsv1.NewJobServiceClient(toJobs).GetJob(ctx, &jobsv1.GetJobRequest{Key: &jobsv1.GetJobRequest_InternalName{InternalName: "SMOKE"}})
	if err != nil {
		c.t.Fatal(err)
	}
	albums := catalogv1.NewCatalogServiceClient(toCatalog)
	list, err := albums.ListAlbums(ctx, &catalogv1.ListAlbumsRequest{JobId: job.GetId()})
	if err != nil || len(list.GetAlbums()) != 1 {
		c.t.Fatalf("the albums are %v, %v", list, err)
	}
	if _, err := albums.RenameAlbum(ctx, &catalogv1.RenameAlbumRequest{Id: list.GetAlbums()[0].GetId(), Name: "Renamed"}); err != nil {
		c.t.Fatal(err)
	}
}
