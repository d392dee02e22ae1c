package processes_test

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats"
	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/embeds3/s3test"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/sqldb/sqltest"
)

var services = []string{"sftp-edge", "album-mapper", "processing", "job-status", "studio"}

// needs is what each service waits for, and the beginning of what it says about it while nothing is there.
var needs = map[string]map[string]string{
	"sftp-edge": {
		"nats": "nats: the connection to NATS is reconnecting", "streams": "streams: they cannot be asked for: NATS is away",
		"bucket": "bucket: the photo store cannot be reached", "job-status": "job-status: a part of the server cannot be reached",
	},
	"album-mapper": {
		"nats": "nats: the connection to NATS is reconnecting", "streams": "streams: they cannot be asked for: NATS is away",
		"bucket": "bucket: the photo store cannot be reached", "job-status": "job-status: a part of the server cannot be reached",
		"database": "database: the database cannot be reached",
	},
	"processing": {
		"nats": "nats: the connection to NATS is reconnecting", "streams": "streams: they cannot be asked for: NATS is away",
		"bucket": "bucket: the photo store cannot be reached",
	},
	"job-status": {
		"nats": "nats: the connection to NATS is reconnecting", "streams": "streams: they cannot be asked for: NATS is away",
		"database": "database: the database cannot be reached",
	},
	"studio": {
		"nats": "nats: the connection to NATS is reconnecting", "bucket": "bucket: the photo store cannot be reached",
		"job-status": "job-status: a part of the server cannot be reached", "album-mapper": "album-mapper: a part of the server cannot be reached",
	},
}

// cluster is all services as processes, and peers that are away at first.
type cluster struct {
	*testing.T
	bin      string
	tls      []string
	bus      *embednats.Server
	conn     *nats.Conn
	bucket   s3test.Bucket
	gates    map[string]*gate
	database string // host:port
	running  map[string]*running
}

func startCluster(t *testing.T, bin string) *cluster {
	t.Helper()
	c := &cluster{T: t, bin: bin, tls: certify(t), bucket: s3test.New(t), gates: map[string]*gate{}, running: map[string]*running{}}
	c.bus, c.conn = natstest.Start(t)
	for _, name := range []string{"nats", "bucket", "database", "job-status", "album-mapper"} {
		c.gates[name] = newGate(t)
	}
	database := func(setting string) string {
		url := sqltest.PostgresURL(t)
		_, rest, _ := strings.Cut(url, "@")
		c.database, _, _ = strings.Cut(rest, "/")
		return setting + "=" + strings.Replace(url, c.database, c.gates["database"].address, 1)
	}
	env := append([]string{
		"FILMGATE_NATS_URL=" + strings.Replace(c.bus.URL(), c.bus.Addr(), c.gates["nats"].address, 1),
		"FILMGATE_S3_ENDPOINT=" + c.gates["bucket"].address, "FILMGATE_S3_TLS=false", "FILMGATE_S3_BUCKET=" + c.bucket.Name,
		"FILMGATE_S3_ACCESS_KEY=" + c.bucket.AccessKey, "FILMGATE_S3_SECRET_KEY=" + c.bucket.SecretKey, "FILMGATE_S3_REGION=" + c.bucket.Region,
		"FILMGATE_SERVICE_TOKEN=service", "FILMGATE_OPERATOR_TOKEN=operator",
		database("FILMGATE_JOBS_DATABASE"), database("FILMGATE_MAPPER_DATABASE"),
		"FILMGATE_JOB_STATUS=" + c.gates["job-status"].address, "FILMGATE_ALBUM_MAPPER=" + c.gates["album-mapper"].address,
		"FILMGATE_SFTP_HOST_KEYS=" + t.TempDir(),
	}, c.tls...)
	for _, setting := range []string{"SFTP_ADDRESS", "SFTP_HTTP", "JOBS_GRPC", "JOBS_HTTP", "MAPPER_GRPC", "MAPPER_HTTP", "PROCESSING_HTTP", "STUDIO_ADDR", "STUDIO_HTTP"} {
		env = append(env, "FILMGATE_"+setting+"=127.0.0.1:0")
	}
	for _, name := range services {
		c.running[name] = start(t, bin+"/"+name, name, env)
	}
	return c
}

// come brings one peer.
func (c *cluster) come(peer string) {
	c.Helper()
	switch peer {
	case "nats":
		c.gates[peer].open(c.bus.Addr())
	case "streams":
		js, err := jetstream.New(c.conn)
		must(c.T, err)
		must(c.T, events.Provision(c.Context(), js, 1))
		must(c.T, files.Provision(c.Context(), js, 1))
	case "bucket":
		c.gates[peer].open(c.bucket.Endpoint)
	case "database":
		c.gates[peer].open(c.database)
	default: // a service that has its own peers by now
		c.gates[peer].open(c.running[peer].line("gRPC is served").Address)
	}
}

func TestProcesses(t *testing.T) {
	bin := build(t)
	t.Run("version", func(t *testing.T) {
		for _, name := range append([]string{"filmgate"}, services...) {
			if out, err := exec.Command(bin+"/"+name, "--version").Output(); err != nil || strings.TrimSpace(string(out)) != name+" "+stamp {
				t.Errorf("%s --version: %q, %v", name, out, err)
			}
		}
	})
	for name, order := range map[string][]string{
		"bus first":      {"nats", "streams", "bucket", "database", "job-status", "album-mapper"},
		"bus last":       {"bucket", "database", "album-mapper", "job-status", "streams", "nats"},
		"database first": {"database", "job-status", "nats", "bucket", "album-mapper", "streams"},
	} {
		t.Run("in any order, "+name, func(t *testing.T) { startInOrder(t, bin, order) })
	}
	t.Run("stopped while they wait", func(t *testing.T) {
		c := startCluster(t, bin)
		for _, name := range services {
			c.running[name].waitsFor("running: not yet: it is starting")
			c.running[name].terminate()
		}
	})
	t.Run("half of the TLS settings", func(t *testing.T) {
		for _, name := range []string{"sftp-edge", "album-mapper", "job-status", "studio"} {
			command := exec.Command(bin + "/" + name)
			command.Env = []string{
				"FILMGATE_TLS_CERT_PATH=/nowhere", "FILMGATE_S3_ENDPOINT=127.0.0.1:1", "FILMGATE_S3_ACCESS_KEY=x", "FILMGATE_S3_SECRET_KEY=x",
				"FILMGATE_SERVICE_TOKEN=x", "FILMGATE_SFTP_HOST_KEYS=" + t.TempDir(), "FILMGATE_JOBS_DATABASE=postgres://127.0.0.1:1/x",
				"FILMGATE_MAPPER_DATABASE=postgres://127.0.0.1:1/x", "FILMGATE_SFTP_HTTP=127.0.0.1:0", "FILMGATE_JOBS_HTTP=127.0.0.1:0",
				"FILMGATE_MAPPER_HTTP=127.0.0.1:0", "FILMGATE_STUDIO_HTTP=127.0.0.1:0",
			}
			if out, err := command.CombinedOutput(); err == nil || !strings.Contains(string(out), "belong together: give all three or none") {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
		}
	})
}

// startInOrder starts everybody while nothing is there, and has one peer after the other come.
func startInOrder(t *testing.T, bin string, order []string) {
	c := startCluster(t, bin)
	for _, name := range services {
		c.running[name].waitsFor(slices.Collect(maps.Values(needs[name]))...)
		c.running[name].waitsFor("running: not yet: it is starting")
	}
	missing := map[string]bool{}
	for _, peer := range order {
		missing[peer] = true
	}
	for _, peer := range order {
		c.come(peer)
		delete(missing, peer)
		for _, name := range services {
			still := []string{}
			for need := range needs[name] {
				if missing[need] {
					still = append(still, need+": ")
				}
			}
			if len(still) == 0 {
				c.running[name].ready()
				continue
			}
			c.running[name].waitsFor(still...)
		}
		if missing["streams"] && !missing["nats"] {
			c.running["sftp-edge"].waitsFor("streams: FILES, KV_UPLOADS are not there yet; filmgate provision makes them")
			c.running["processing"].waitsFor("streams: WORK is not there yet; filmgate provision makes it")
		}
	}
	for _, name := range services {
		if _, text := c.running[name].get("/metrics"); !strings.Contains(text, `version="`+stamp+`"} 1`) {
			t.Errorf("%s does not count its build", name)
		}
	}
	pages := "http://" + c.running["studio"].line("pages are served").Address
	if _, text := get(t, pages+"/metrics"); strings.Contains(text, "filmgate_build_info") {
		t.Error("the pages tell everybody the metrics") // instead of asking who it is
	}
	c.operate()
	for _, name := range services {
		c.running[name].terminate()
	}
}

// operate is an operator's command from outside: it needs a certificate like everybody.
func (c *cluster) operate() {
	c.Helper()
	filmgate := func(env ...string) (string, error) {
		command := exec.Command(c.bin+"/filmgate", "account", "create", "demo")
		command.Env = append([]string{"FILMGATE_SERVER=" + c.gates["job-status"].address, "FILMGATE_TOKEN=operator"}, env...)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	if out, err := filmgate(); err == nil {
		c.Errorf("plaintext was taken: %s", out)
	}
	if out, err := filmgate(c.tls[2]); err == nil || !strings.Contains(out, "certificate") {
		c.Errorf("without a certificate: %v %s", err, out)
	}
	if out, err := filmgate(c.tls...); err != nil || !strings.Contains(out, "demo") {
		c.Errorf("with a certificate: %v %s", err, out)
	}
}
