package albummapper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"

	"filmgate.dev/services/album-mapper/internal/store"
)

// identity is a job-status that knows a few tokens.
type identity struct {
	jobsv1.IdentityServiceClient
	known map[string]*jobsv1.Principal
}

func (i identity) WhoAmI(ctx context.Context, _ *jobsv1.WhoAmIRequest, _ ...grpc.CallOption) (*jobsv1.Principal, error) {
	md, _ := metadata.FromOutgoingContext(ctx)
	p, ok := i.known[strings.TrimPrefix(strings.Join(md.Get("authorization"), ""), "Bearer ")]
	if !ok {
		return nil, fault.Unauthenticated("sign in again")
	}
	return p, nil
}

// studio is the whole service, running, with a client, a processing that answers, and ears on PHOTOS.
type studio struct {
	*photographer
	t       *testing.T
	service *Service
	client  catalogv1.CatalogServiceClient
	stop    func()

	mu   sync.Mutex
	said []events.Envelope
	// answer, if set, is asked before a photo is processed: false = it is left waiting.
	answer func(events.PhotoMapped) bool
}

func openStudio(t *testing.T, db *sqldb.DB) *studio {
	t.Helper()
	return openStudioOn(t, db, startBus(t))
}

func openStudioOn(t *testing.T, db *sqldb.DB, b bus) *studio {
	t.Helper()
	s := &studio{photographer: newPhotographer(t, b, "studio-a"), t: t}
	var err error
	s.service, err = New(t.Context(), Config{}, Deps{
		DB: db, NATS: b.nc, Files: b.log, Log: quiet, Installation: "test",
		Identity: identity{known: map[string]*jobsv1.Principal{
			"admin":   {Account: "studio-a", UserId: "u1", UserName: "anna@example.org", Role: jobsv1.Role_ROLE_ADMIN},
			"editor":  {Account: "studio-a", UserId: "u2", UserName: "ben@example.org", Role: jobsv1.Role_ROLE_INDIVIDUAL, Rights: []string{"photos"}},
			"viewer":  {Account: "studio-a", UserId: "u3", UserName: "cem@example.org", Role: jobsv1.Role_ROLE_INDIVIDUAL, Rights: []string{"jobs"}},
			"other":   {Account: "studio-b", UserId: "u4", UserName: "dora@example.org", Role: jobsv1.Role_ROLE_ADMIN},
			"service": {Service: true},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	run := func(do func() error) {
		running.Go(func() {
			if err := do(); err != nil {
				t.Error(err)
			}
		})
	}
	run(func() error { return s.service.Run(ctx) })
	consume := func(stream, name, filter string, hear events.Handler) {
		run(func() error {
			return events.Consume(ctx, b.js, events.ConsumerConfig{Stream: stream, Durable: name, FilterSubjects: []string{filter},
				AckWait: 30 * time.Second, MaxAckPending: 1, Concurrency: 1, Attempts: 3, MaxDeliver: 5, Log: quiet}, hear)
		})
	}
	consume(events.StreamPhotos, "ears", events.AllPhotos, s.hearPhotos)
	consume(events.StreamWork, "pictures", events.AllPictures, events.Handle(s.process))

	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := serve.NewGRPC(serve.GRPCConfig{Log: quiet})
	s.service.Register(server)
	run(func() error { return serve.GRPC(ctx, lis, server) })
	conn, err := serve.Dial(lis.Addr().String(), serve.DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	s.client = catalogv1.NewCatalogServiceClient(conn)
	s.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		conn.Close()
	})
	t.Cleanup(s.stop)
	return s
}

func (s *studio) hearPhotos(_ context.Context, msg events.Message) error {
	env, err := events.Decode(msg.Data)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, env)
	return nil
}

func (s *studio) process(ctx context.Context, _ events.Envelope, m events.PhotoMapped) error {
	s.mu.Lock()
	wanted := s.answer == nil || s.answer(m)
	s.mu.Unlock()
	if !wanted {
		return nil
	}
	return s.answerWork(ctx, m)
}

func (s *studio) answerWork(ctx context.Context, m events.PhotoMapped) error {
	kind, data := events.TypePhotoProcessed, any(processed(m))
	if broken(m) && m.Attempt == 1 {
		kind, data = events.TypePhotoRejected, any(rejected(m))
	}
	env, err := events.NewEnvelope("test", kind, m.Account, m.PhotoID, fmt.Sprintf("%s:%d", m.Version, m.Attempt), time.Now(), data)
	if err != nil {
		return err
	}
	subject, err := events.WorkSubject(m.Account, m.JobID, events.WorkDone)
	if err != nil {
		return err
	}
	return events.Publish(ctx, s.js, subject, env)
}

// ids answers how often each event of a type was said, in order of the first time.
func (s *studio) ids(kind events.Type) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, env := range s.said {
		if got, _ := env.Kind(); got == kind {
			ids = append(ids, env.ID)
		}
	}
	return ids
}

func (s *studio) event(kind events.Type) events.Envelope {
	s.t.Helper()
	var found events.Envelope
	s.until(string(kind), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, env := range s.said {
			if got, _ := env.Kind(); got == kind {
				found = env
			}
		}
		return found.ID != ""
	})
	return found
}

// until waits for a condition; a test that never meets it ends with its words.
func (s *studio) until(what string, done func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			s.mu.Lock()
			defer s.mu.Unlock()
			var ids []string
			for _, env := range s.said {
				ids = append(ids, env.ID)
			}
			s.t.Fatalf("never: %s; said were %q", what, ids)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *studio) as(token string) context.Context { return serve.WithBearer(s.t.Context(), token) }

func (s *studio) photos(states ...catalogv1.PhotoState) []*catalogv1.Photo {
	s.t.Helper()
	reply, err := s.client.ListPhotos(s.as("viewer"), &catalogv1.ListPhotosRequest{JobId: s.job.ID, States: states})
	if err != nil {
		s.t.Fatal(err)
	}
	return reply.GetPhotos()
}

func (s *studio) ready(n int) []*catalogv1.Photo {
	s.t.Helper()
	var all []*catalogv1.Photo
	s.until(fmt.Sprintf("%d photos ready", n), func() bool {
		all = s.photos()
		return len(all) == n && !slices.ContainsFunc(all, func(p *catalogv1.Photo) bool {
			return p.GetState() != catalogv1.PhotoState_PHOTO_STATE_READY
		})
	})
	return all
}

func (s *studio) mustMake(parent, name string) files.Entry {
	s.t.Helper()
	e, err := s.make(s.t, parent, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

func (s *studio) mustLand(folder, name, content string) files.Entry {
	s.t.Helper()
	e, err := s.land(s.t, folder, name, content)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

func TestPhotosAreIngestedOnce(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := openStudio(t, db)
		s.sayJob("JOB00001", "Summer Fair", "PLANNING", 1)
		album := s.mustMake(files.Root, "Class 1")
		group := s.mustMake(album.ID, "Gruppe")
		s.mustLand(album.ID, "x10.jpg", "a")
		s.mustLand(album.ID, "x9.jpg", "b")
		first := s.mustLand(group.ID, "all.jpg", "c")
		touched, err := s.log.Touch(t.Context(), first, time.Unix(1_700_000_000, 0))
		if err != nil {
			t.Fatal(err)
		}
		all := s.ready(3)
		if got, want := names(all), []string{"all.jpg", "x9.jpg", "x10.jpg"}; !slices.Equal(got, want) {
			t.Errorf("listed %q, want %q", got, want)
		}
		if p := all[0]; p.GetPath() != "JOB00001/Class 1/Gruppe/all.jpg" || p.GetSection() != catalogv1.Section_SECTION_GROUP ||
			p.GetModifiedAt().AsTime().Unix() != touched.ModifiedAt.Unix() || p.GetUploadedBy() != "anna" || len(p.GetDerivatives()) != 1 {
			t.Errorf("listed %v", p)
		}
		s.until("all said", func() bool { return len(s.ids(events.TypePhotoIngested)) >= 3 })

		// A later version, a rename, a removal and a return.
		s.mustLand(group.ID, "all.jpg", "d")
		s.until("the new version", func() bool { return len(s.ids(events.TypePhotoUpdated)) == 1 })
		updated := dataOf[events.PhotoIngested](t, s.event(events.TypePhotoUpdated))
		if updated.Photo.ID != first.ID || updated.Photo.PreviousVersion != first.Upload || updated.Job.Name != "Summer Fair" ||
			updated.File.Path != "JOB00001/Class 1/Gruppe/all.jpg" || updated.Original.Href != "/photos/"+first.ID+"/original" {
			t.Errorf("said %+v", updated)
		}
		renamed, err := s.client.RenameAlbum(s.as("editor"), &catalogv1.RenameAlbumRequest{Id: album.ID, Name: "Class 1b"})
		if err != nil || renamed.GetName() != "Class 1b" || renamed.GetGroup().GetReady() != 1 || renamed.GetIndividuals().GetReady() != 2 {
			t.Errorf("renamed to %v, %v", renamed, err)
		}
		removed, err := s.client.RemovePhoto(s.as("editor"), &catalogv1.RemovePhotoRequest{Id: first.ID})
		if err != nil || removed.GetState() != catalogv1.PhotoState_PHOTO_STATE_REMOVED || removed.GetUploadedBy() != "anna" {
			t.Errorf("removed %v, %v", removed, err)
		}
		if trash := s.photos(catalogv1.PhotoState_PHOTO_STATE_REMOVED); len(trash) != 1 || trash[0].GetId() != first.ID {
			t.Errorf("the trash holds %v", trash)
		}
		restored, err := s.client.RestorePhoto(s.as("editor"), &catalogv1.RestorePhotoRequest{Id: first.ID})
		if err != nil || restored.GetState() != catalogv1.PhotoState_PHOTO_STATE_READY {
			t.Errorf("restored %v, %v", restored, err)
		}
		moved, err := s.client.MovePhoto(s.as("editor"), &catalogv1.MovePhotoRequest{Id: first.ID, Section: catalogv1.Section_SECTION_INDIVIDUALS})
		if err != nil || moved.GetPath() != "JOB00001/Class 1b/all.jpg" {
			t.Errorf("moved %v, %v", moved, err)
		}
		said := dataOf[events.PhotoMoved](t, s.event(events.TypePhotoMoved))
		if said.From.Section != events.SectionGroup || said.Section != events.SectionIndividuals || said.Photo.ID != first.ID {
			t.Errorf("said %+v", said)
		}
		if by := dataOf[events.PhotoRemoved](t, s.event(events.TypePhotoRemoved)).By; by != "ben@example.org" {
			t.Errorf("removed by %q", by)
		}
		s.event(events.TypePhotoRestored)
		s.event(events.TypeAlbumRenamed)
		for kind, want := range map[events.Type]int{
			events.TypeAlbumCreated: 1, events.TypeAlbumRenamed: 1, events.TypeFileLanded: 4, events.TypePhotoIngested: 3, events.TypePhotoUpdated: 1,
			events.TypePhotoRemoved: 1, events.TypePhotoRestored: 1, events.TypePhotoMoved: 1, events.TypeFileRemoved: 1, events.TypePhotoFailed: 0,
		} {
			if ids := s.ids(kind); len(ids) != want || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != want {
				t.Errorf("%s was said as %q, want %d", kind, ids, want)
			}
		}
	})
}

func TestAFailedPhotoCanBeTriedAgain(t *testing.T) {
	s := openStudio(t, sqltest.SQLite(t))
	s.sayJob("JOB00001", "JOB00001", "PLANNING", 1)
	album := s.mustMake(files.Root, "Class 1")
	bad := s.mustLand(album.ID, "bad.jpg", "broken")
	s.until("failed", func() bool { return len(s.ids(events.TypePhotoFailed)) == 1 })
	listed := s.photos(catalogv1.PhotoState_PHOTO_STATE_FAILED)
	if len(listed) != 1 || listed[0].GetProblem().GetCode() != "damaged" {
		t.Fatalf("listed %v", listed)
	}
	if _, err := s.client.RetryPhoto(s.as("editor"), &catalogv1.RetryPhotoRequest{Id: bad.ID}); err != nil {
		t.Fatal(err)
	}
	s.ready(1)
	s.until("ingested", func() bool { return len(s.ids(events.TypePhotoIngested)) == 1 })
	_, err := s.client.RetryPhoto(s.as("editor"), &catalogv1.RetryPhotoRequest{Id: bad.ID})
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("a ready photo: %v", err)
	}
}

func TestAnOldVersionsAnswerIsIgnored(t *testing.T) {
	s := openStudio(t, sqltest.SQLite(t))
	s.sayJob("JOB00001", "JOB00001", "PLANNING", 1)
	var waiting []events.PhotoMapped
	s.mu.Lock()
	s.answer = func(m events.PhotoMapped) bool {
		waiting = append(waiting, m)
		return false
	}
	s.mu.Unlock()
	heard := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(waiting)
	}
	album := s.mustMake(files.Root, "Class 1")
	s.mustLand(album.ID, "x.jpg", "a")
	s.until("the first is given to processing", func() bool { return heard() == 1 })
	second := s.mustLand(album.ID, "x.jpg", "b")
	s.until("the second is given to processing", func() bool { return heard() == 2 })
	for _, m := range []int{1, 0} { // the newer first
		if err := s.answerWork(t.Context(), waiting[m]); err != nil {
			t.Fatal(err)
		}
	}
	s.until("both answers are heard", func() bool {
		c, err := s.js.Consumer(t.Context(), events.StreamWork, "mapper-done")
		return err == nil && c.CachedInfo().NumPending == 0 && c.CachedInfo().NumAckPending == 0 && c.CachedInfo().Delivered.Consumer == 2
	})
	if all := s.ready(1); all[0].GetVersion() != second.Upload || all[0].GetDerivatives()[0].GetObjectKey() != "d/"+second.Upload {
		t.Errorf("shown %v", all[0])
	}
	s.until("ingested", func() bool { return len(s.ids(events.TypePhotoIngested)) == 1 })
	if got, want := s.ids(events.TypePhotoIngested), "photo.ingested:"+second.ID+":"+second.Upload; got[0] != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

func names(photos []*catalogv1.Photo) []string {
	var all []string
	for _, p := range photos {
		all = append(all, p.GetName())
	}
	return all
}

// sayJob says a job as job-status would: one with a name of its own as renamed.
func (s *studio) sayJob(internalName, name, status string, revision int64) {
	s.t.Helper()
	kind := events.TypeJobStatusChanged
	if name != internalName {
		kind = events.TypeJobRenamed
	}
	env, err := events.NewEnvelope("test", kind, s.job.Account, s.job.ID, fmt.Sprint(revision), time.Now(), events.JobChanged{
		Job: events.Job{ID: s.job.ID, InternalName: internalName, Name: name, Status: status}, Revision: revision, By: "admin", At: time.Now()})
	if err != nil {
		s.t.Fatal(err)
	}
	subject, err := events.PhotosSubject(s.job.Account, s.job.ID, kind)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := events.Publish(s.t.Context(), s.js, subject, env); err != nil {
		s.t.Fatal(err)
	}
	s.until("the job is known", func() bool {
		job, known, err := store.In(s.service.deps.DB).Job(s.t.Context(), s.job.ID)
		return err == nil && known && job.Revision >= revision
	})
}

// TestRemovedBeforeAnybodyListened: a photo and its album are gone, and the album's name is another one's, before the log is read.
// What is left is the photo's tombstone in a folder that the log does not know any more. It is taken in, and not tried for ever.
func TestRemovedBeforeAnybodyListened(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		b := startBus(t)
		p := newPhotographer(t, b, "studio-a")
		must := func(e files.Entry, err error) files.Entry {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		gone := must(p.make(t, files.Root, "Class 1"))
		photo := must(p.land(t, gone.ID, "a.jpg", "a"))
		other := must(p.make(t, files.Root, "Class 2"))
		if err := errors.Join(p.log.Remove(ctx, photo, p.by()), p.log.Rmdir(ctx, gone, p.by())); err != nil {
			t.Fatal(err)
		}
		must(p.log.Move(ctx, files.MoveRequest{From: other, ToParent: files.Root, ToName: "Class 1", By: p.by()}))
		if _, err := p.log.FolderByID(ctx, p.job, gone.ID); !fault.Is(err, fault.NotFound) {
			t.Fatalf("the log still has a word of the album: %v", err)
		}

		s := openStudioOn(t, db, b)
		s.photographer = p
		s.sayJob("JOB00001", "Summer Fair", "PLANNING", 1)
		must(p.land(t, other.ID, "b.jpg", "b"))
		s.ready(1)
		consumer, err := b.js.Consumer(ctx, files.Stream, Durables()[0].Durable)
		if err != nil {
			t.Fatal(err)
		}
		s.until("everything is taken in", func() bool {
			info, err := consumer.Info(ctx)
			return err == nil && info.NumPending == 0 && info.NumAckPending == 0
		})
	})
}
