package studio_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/embeds3/s3test"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/serve"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio"

	"github.com/nats-io/nats.go"
	"github.com/oklog/ulid/v2"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// TestMain also fails when a goroutine is left over.
func TestMain(m *testing.M) { s3test.Main(m) }

// world is a studio with everything around it.
type world struct {
	t       testing.TB
	url     string
	jobs    *jobStatus
	catalog *albumMapper
	nats    *nats.Conn
	bucket  *objects.Bucket
	admin   *jobsv1.User
	job     *jobsv1.Job
	stop    context.CancelFunc
	deps    studio.Deps
}

func newWorld(t testing.TB, cfg studio.Config) *world {
	t.Helper()
	w := &world{t: t, jobs: &jobStatus{tokens: map[string]string{}}}
	w.catalog = &albumMapper{jobs: w.jobs}
	w.admin = w.addUser("demo", "ada@example.org", "Ada Lindqvist", jobsv1.Role_ROLE_ADMIN)
	w.job = w.addJob("demo", "JOB00001", "Greenfield School, autumn", jobsv1.JobStatus_JOB_STATUS_PLANNING)

	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	done := make(chan struct{}, 3)
	// Later clean-ups run first: what follows is closed before this waits.
	t.Cleanup(func() {
		cancel()
		for range 3 {
			<-done
		}
	})
	_, w.nats = natstest.Start(t)
	at := s3test.New(t)
	bucket, err := objects.Open(ctx, objects.Config{
		Endpoint: at.Endpoint, AccessKey: at.AccessKey, SecretKey: at.SecretKey, Bucket: at.Name, Region: at.Region,
	})
	must(t, err)
	w.bucket = bucket
	t.Cleanup(bucket.Close)

	log := slog.New(slog.DiscardHandler)
	server := serve.NewGRPC(serve.GRPCConfig{Log: log})
	jobsv1.RegisterIdentityServiceServer(server, w.jobs)
	jobsv1.RegisterJobServiceServer(server, w.jobs)
	jobsv1.RegisterUserServiceServer(server, w.jobs)
	jobsv1.RegisterAccountServiceServer(server, w.jobs)
	jobsv1.RegisterAuditServiceServer(server, w.jobs)
	jobsv1.RegisterBanServiceServer(server, w.jobs)
	catalogv1.RegisterCatalogServiceServer(server, w.catalog)
	grpcListener := listen(t)
	go func() { _ = serve.GRPC(ctx, grpcListener, server); done <- struct{}{} }()
	conn, err := serve.Dial(grpcListener.Addr().String(), serve.DialConfig{})
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })

	w.deps = studio.Deps{
		Identity: jobsv1.NewIdentityServiceClient(conn), Jobs: jobsv1.NewJobServiceClient(conn),
		Users: jobsv1.NewUserServiceClient(conn), Accounts: jobsv1.NewAccountServiceClient(conn),
		Audit: jobsv1.NewAuditServiceClient(conn), Bans: jobsv1.NewBanServiceClient(conn), Catalog: catalogv1.NewCatalogServiceClient(conn),
		EdgeCard: studio.EdgeCard{SFTPAddress: "0.0.0.0:2022", HostKeySHA256: "SHA256:Zk3vQ0m1uP7d9sXhT2bYw8rLqA5nJcE4oGfKiRzVxNM"},
		NATS:     w.nats, Bucket: bucket, Log: log,
	}
	service, err := studio.New(cfg, w.deps)
	must(t, err)
	webListener := listen(t)
	w.url = "http://" + webListener.Addr().String()
	go func() { _ = service.Run(ctx); done <- struct{}{} }()
	go func() { _ = serve.HTTP(ctx, webListener, service.Handler()); done <- struct{}{} }()
	t.Cleanup(cancel)
	return w
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	return listener
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) addUser(account, email, name string, role jobsv1.Role, rights ...string) *jobsv1.User {
	w.jobs.mu.Lock()
	defer w.jobs.mu.Unlock()
	user := &jobsv1.User{
		Id: ulid.Make().String(), Account: account, Email: email, DisplayName: name, Role: role, Rights: rights,
		AllJobs: true, Active: true, Revision: 1, CreatedAt: timestamppb.Now(),
	}
	w.jobs.users = append(w.jobs.users, user)
	return user
}

func (w *world) addJob(account, internalName, name string, status jobsv1.JobStatus) *jobsv1.Job {
	w.jobs.mu.Lock()
	defer w.jobs.mu.Unlock()
	job := &jobsv1.Job{
		Id: ulid.Make().String(), Account: account, InternalName: internalName, Name: name, Status: status, Revision: 1,
		CreatedAt: timestamppb.Now(),
	}
	w.jobs.jobs = append(w.jobs.jobs, job)
	return job
}

func (w *world) addAlbum(job *jobsv1.Job, name string) *catalogv1.Album {
	w.catalog.mu.Lock()
	defer w.catalog.mu.Unlock()
	album := &catalogv1.Album{Id: ulid.Make().String(), JobId: job.GetId(), Name: name, CreatedAt: timestamppb.Now()}
	w.catalog.albums = append(w.catalog.albums, album)
	return album
}

// addPhoto puts a photo that is still processing into the catalog.
func (w *world) addPhoto(job *jobsv1.Job, album *catalogv1.Album, section catalogv1.Section, name string) *catalogv1.Photo {
	w.catalog.mu.Lock()
	defer w.catalog.mu.Unlock()
	folder := "individuals"
	if section == catalogv1.Section_SECTION_GROUP {
		folder = "group"
	}
	id := ulid.Make().String()
	original, err := objects.OriginalKey(job.GetAccount(), job.GetId(), id)
	must(w.t, err)
	photo := &catalogv1.Photo{
		Id: id, JobId: job.GetId(), AlbumId: album.GetId(), AlbumName: album.GetName(), Section: section, Name: name, Version: id,
		Path:  job.GetInternalName() + "/" + album.GetName() + "/" + folder + "/" + name,
		State: catalogv1.PhotoState_PHOTO_STATE_PROCESSING, Bytes: 5_812_334, UploadedBy: "mia.berg",
		LandedAt: timestamppb.Now(), ModifiedAt: timestamppb.New(time.Now().Add(-26 * time.Hour)), ObjectKey: original,
	}
	w.catalog.photos = append(w.catalog.photos, photo)
	return photo
}

// ready gives a photo its derivatives.
func (w *world) ready(job *jobsv1.Job, photo *catalogv1.Photo, jpegs map[string][]byte) {
	w.t.Helper()
	var derivatives []*catalogv1.Derivative
	for name, body := range jpegs {
		key, err := objects.DerivativeKey(job.GetAccount(), job.GetId(), photo.GetId(), photo.GetVersion(), name)
		must(w.t, err)
		must(w.t, w.bucket.Put(w.t.Context(), key, body, objects.PutOptions{ContentType: "image/jpeg"}))
		derivatives = append(derivatives, &catalogv1.Derivative{Name: name, Width: 320, Height: 213, MediaType: "image/jpeg", Bytes: int64(len(body)), ObjectKey: key})
	}
	w.catalog.mu.Lock()
	defer w.catalog.mu.Unlock()
	photo.State, photo.Derivatives = catalogv1.PhotoState_PHOTO_STATE_READY, derivatives
	photo.Width, photo.Height, photo.ReadyAt = 6000, 4000, timestamppb.Now()
	photo.CameraMake, photo.CameraModel, photo.TakenAt = "Canon", "EOS R6", timestamppb.New(time.Date(2026, 9, 14, 9, 41, 7, 0, time.UTC))
	photo.Placeholder = "1QcSHQRnh493V4dIh4eXh1h4kJUI"
}

func (w *world) hint(job *jobsv1.Job, photos ...string) {
	w.t.Helper()
	must(w.t, events.PublishHint(w.nats, job.GetAccount(), events.Hint{JobID: job.GetId(), PhotoIDs: photos}))
	must(w.t, w.nats.Flush())
}

// browser is somebody with cookies, and no script.
type browser struct {
	w      *world
	client *http.Client
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	transport := &http.Transport{}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &browser{w, &http.Client{Jar: jar, Transport: transport}}
}

func (w *world) signedIn(email string) *browser {
	w.t.Helper()
	b := w.browser()
	if page := b.post("/signin", "email", email, "password", password); page.status != http.StatusOK || page.path != "/jobs" {
		w.t.Fatalf("sign in ended at %s with %d: %s", page.path, page.status, page.body)
	}
	return b
}

type seen struct {
	status int
	path   string // after redirects
	header http.Header
	body   string
}

func (b *browser) get(path string, headers ...string) seen {
	b.w.t.Helper()
	request := httptest.NewRequest(http.MethodGet, b.w.url+path, nil)
	return b.do(request, headers)
}

func (b *browser) post(path string, fields ...string) seen {
	b.w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	request := httptest.NewRequest(http.MethodPost, b.w.url+path, strings.NewReader(form.Encode()))
	return b.do(request, []string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"})
}

func (b *browser) do(request *http.Request, headers []string) seen {
	b.w.t.Helper()
	request.RequestURI = ""
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := b.client.Do(request)
	must(b.w.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(b.w.t, err)
	return seen{answer.StatusCode, answer.Request.URL.Path, answer.Header, string(body)}
}

// wants checks status and words of a page.
func (s seen) wants(t testing.TB, status int, words ...string) {
	t.Helper()
	if s.status != status {
		t.Errorf("%s answered %d, want %d: %s", s.path, s.status, status, s.body)
	}
	for _, word := range words {
		if !strings.Contains(s.body, word) {
			t.Errorf("%s does not say %q:\n%s", s.path, word, s.body)
		}
	}
}

func (s seen) lacks(t testing.TB, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(s.body, word) {
			t.Errorf("%s says %q", s.path, word)
		}
	}
}
