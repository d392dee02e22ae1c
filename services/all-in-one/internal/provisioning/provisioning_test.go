package provisioning_test

import (
	"errors"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/embeds3/s3test"
	"filmgate.dev/pkg/sqldb/sqltest"
	"filmgate.dev/services/all-in-one/internal/provisioning"
)

func TestMain(m *testing.M) { s3test.Main(m) }

// settings are what a run is told.
type settings map[string]string

// run provisions and answers what was said.
func (s settings) run(t *testing.T, dryRun bool) (string, error) {
	t.Helper()
	var out strings.Builder
	p, err := provisioning.New(func(name string) (string, bool) { value, ok := s[name]; return value, ok }, &out, dryRun)
	if err != nil {
		return "", err
	}
	err = p.Run(t.Context())
	return out.String(), err
}

// everything are the settings of an installation on an empty bucket server and empty databases.
func everything(t *testing.T, natsURL, jobs, catalog string) settings {
	t.Helper()
	bucket := s3test.New(t)
	return settings{
		"FILMGATE_NATS_URL": natsURL, "FILMGATE_LISTENERS": "gallery",
		"FILMGATE_S3_ENDPOINT": bucket.Endpoint, "FILMGATE_S3_ACCESS_KEY": bucket.AccessKey, "FILMGATE_S3_SECRET_KEY": bucket.SecretKey,
		"FILMGATE_S3_BUCKET": bucket.Name + "-2", "FILMGATE_S3_TLS": "false",
		"FILMGATE_JOBS_DATABASE": jobs, "FILMGATE_MAPPER_DATABASE": catalog,
	}
}

func sqlite(t *testing.T, name string) string { return "sqlite:" + filepath.Join(t.TempDir(), name) }

// fresh answers the same PostgreSQL with a schema that is not there yet.
func fresh(t *testing.T, schema string) string {
	t.Helper()
	u, err := url.Parse(sqltest.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("search_path", query.Get("search_path")+schema)
	u.RawQuery = query.Encode()
	return u.String()
}

func count(said string, did string) int { return strings.Count(said, "\n  "+did) }

// smallDisk is what is said beside a stream where the machine has little room; a dry run makes nothing, and cannot know.
var smallDisk = regexp.MustCompile(`: with room for \d+ MiB, because the server's disk has no more`)

func TestItIsMadeOnce(t *testing.T) {
	for name, databases := range map[string]func() (string, string){
		"sqlite":   func() (string, string) { return sqlite(t, "jobs.db"), sqlite(t, "catalog.db") },
		"postgres": func() (string, string) { return fresh(t, "_jobs"), fresh(t, "_catalog") },
	} {
		t.Run(name, func(t *testing.T) {
			server, nc := natstest.Start(t)
			jobs, catalog := databases()
			s := everything(t, server.URL(), jobs, catalog)

			said, err := s.run(t, true)
			if err != nil || count("\n"+said, "made") != 11 || count("\n"+said, "changed") != 2 {
				t.Fatalf("a dry run: %v\n%s", err, said)
			}
			js, err := jetstream.New(nc)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := js.Stream(t.Context(), "FILES"); !errors.Is(err, jetstream.ErrStreamNotFound) {
				t.Fatalf("the dry run made a stream: %v", err)
			}

			again, err := s.run(t, false)
			again = smallDisk.ReplaceAllString(again, "")
			if err != nil || strings.Replace(again, "Everything is there: 11 made, 2 changed, 0 left as they were.", "", 1) !=
				strings.NewReplacer("This is what would be done; nothing is changed.\n", "", "To do: 11 to be made, 2 to be changed, 0 are as they should be.", "").Replace(said) {
				t.Fatalf("not what the dry run said: %v\n%s\n%s", err, again, said)
			}
			for _, word := range []string{"stream FILES", "stream WORK", "stream PHOTOS", "stream DLQ", "key-value bucket UPLOADS", "consumer mapper of FILES", "consumer pictures of WORK", "consumer gallery of PHOTOS", "bucket " + s["FILMGATE_S3_BUCKET"], "database jobs: 00001_jobs.sql, 00002", "database catalog: 00001_catalog.sql", "00001_outbox.sql"} {
				if !strings.Contains(again, word) {
					t.Errorf("it does not say %q:\n%s", word, again)
				}
			}
			said, err = s.run(t, false)
			if err != nil || !strings.Contains(said, "0 made, 0 changed, 13 left") {
				t.Fatalf("the second run: %v\n%s", err, said)
			}
		})
	}
}

func TestOneRefusalDoesNotStopTheRest(t *testing.T) {
	server, nc := natstest.Start(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "DLQ", Subjects: []string{"orders.dead"}}); err != nil {
		t.Fatal(err)
	}
	s := everything(t, server.URL(), sqlite(t, "jobs.db"), sqlite(t, "catalog.db"))
	said, err := s.run(t, false)
	if err == nil || !strings.Contains(err.Error(), "1 of the objects") || !strings.Contains(said, "FAILED   stream DLQ: stream DLQ exists and holds orders.dead: it is somebody else's") || count("\n"+said, "made") != 10 {
		t.Errorf("%v\n%s", err, said)
	}
}

func TestWhatIsAwayIsWaitedFor(t *testing.T) {
	server, _ := natstest.Start(t)
	s := everything(t, "nats://127.0.0.1:1", sqlite(t, "jobs.db"), sqlite(t, "catalog.db"))
	s["FILMGATE_PROVISION_WITHIN"] = "1500ms"
	said, err := s.run(t, false)
	if err == nil || !strings.Contains(said, "waiting  NATS: ") || !strings.Contains(said, "FAILED   NATS: ") {
		t.Errorf("NATS is away: %v\n%s", err, said)
	}
	s["FILMGATE_PROVISION_WITHIN"] = "1m"
	u, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("filmgate", "wrong")
	s["FILMGATE_NATS_URL"] = u.String()
	said, err = s.run(t, false)
	if err == nil || !strings.Contains(said, "NATS refuses this user") || strings.Contains(said, "wrong") {
		t.Errorf("a wrong password: %v\n%s", err, said)
	}
}

func TestBadSettings(t *testing.T) {
	for name, s := range map[string]settings{
		"FILMGATE_NATS_REPLICAS=2": {"FILMGATE_NATS_REPLICAS": "2"},
		"FILMGATE_LISTENERS":       {"FILMGATE_LISTENERS": "a,b.c"},
		"FILMGATE_S3_ACCESS_KEY and FILMGATE_S3_SECRET_KEY belong together": {"FILMGATE_S3_ENDPOINT": "127.0.0.1:9000", "FILMGATE_S3_ACCESS_KEY": "x"},
	} {
		if _, err := s.run(t, true); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
