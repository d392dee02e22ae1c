package albummapper

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
	catalogv1 "filmgate.dev/proto/catalog/v1"
)

func TestAccountsDoNotSeeEachOther(t *testing.T) {
	s := openStudio(t, sqltest.SQLite(t))
	s.sayJob("JOB00001", "JOB00001", "PLANNING", 1)
	album := s.mustMake(files.Root, "Class 1")
	p := s.mustLand(album.ID, "x.jpg", "a")
	s.ready(1)
	other := s.as("other")
	service := serve.WithAccount(s.as("service"), "studio-b")
	var asking sync.WaitGroup // a job that is not there is waited for
	for _, ctx := range []context.Context{other, service} {
		for what, call := range s.calls(ctx, album.ID, p.ID) {
			asking.Go(func() {
				if err := call(); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s of another account: %v", what, err)
				}
			})
		}
	}
	asking.Wait()
	counted, err := s.client.CountPhotos(other, &catalogv1.CountPhotosRequest{JobIds: []string{s.job.ID}})
	if err != nil || counted.GetJobs()[0].GetAlbums() != 0 || counted.GetJobs()[0].GetPhotos().GetTotal() != 0 {
		t.Errorf("counted %v, %v", counted, err)
	}
}

func TestRights(t *testing.T) {
	s := openStudio(t, sqltest.SQLite(t))
	s.sayJob("JOB00001", "JOB00001", "PLANNING", 1)
	album := s.mustMake(files.Root, "Class 1")
	p := s.mustLand(album.ID, "x.jpg", "a")
	s.ready(1)
	reading := map[string]bool{"ListAlbums": true, "ListPhotos": true, "GetPhoto": true, "WatchJob": true}
	for what, call := range s.calls(s.as("viewer"), album.ID, p.ID) {
		err := call()
		if reading[what] && err != nil || !reading[what] && (!fault.Is(err, fault.Denied) || fault.IsUnauthenticated(err)) {
			t.Errorf("%s by a viewer: %v", what, err)
		}
	}
	for _, ctx := range []context.Context{t.Context(), s.as("nobody")} {
		for what, call := range s.calls(ctx, album.ID, p.ID) {
			if err := call(); !fault.IsUnauthenticated(err) {
				t.Errorf("%s by a stranger: %v", what, err)
			}
		}
	}
	if err := s.calls(s.as("service"), album.ID, p.ID)["GetPhoto"](); !fault.Is(err, fault.Invalid) {
		t.Errorf("a service that names no account: %v", err)
	}
	if err := s.calls(serve.WithAccount(s.as("service"), "studio-a"), album.ID, p.ID)["GetPhoto"](); err != nil {
		t.Errorf("a service: %v", err)
	}
}

// calls are all RPCs about one album and photo.
func (s *studio) calls(ctx context.Context, album, photo string) map[string]func() error {
	return map[string]func() error{
		"ListAlbums": func() error {
			_, err := s.client.ListAlbums(ctx, &catalogv1.ListAlbumsRequest{JobId: s.job.ID})
			return err
		},
		"ListPhotos": func() error {
			_, err := s.client.ListPhotos(ctx, &catalogv1.ListPhotosRequest{JobId: s.job.ID})
			return err
		},
		"GetPhoto": func() error {
			_, err := s.client.GetPhoto(ctx, &catalogv1.GetPhotoRequest{Id: photo})
			return err
		},
		"WatchJob": func() error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			stream, err := s.client.WatchJob(ctx, &catalogv1.WatchJobRequest{JobId: s.job.ID})
			if err != nil {
				return err
			}
			_, err = stream.Recv()
			return err
		},
		"RenameAlbum": func() error {
			_, err := s.client.RenameAlbum(ctx, &catalogv1.RenameAlbumRequest{Id: album, Name: "Mine"})
			return err
		},
		"MovePhoto": func() error {
			_, err := s.client.MovePhoto(ctx, &catalogv1.MovePhotoRequest{Id: photo, Section: catalogv1.Section_SECTION_GROUP})
			return err
		},
		"RemovePhoto": func() error {
			_, err := s.client.RemovePhoto(ctx, &catalogv1.RemovePhotoRequest{Id: photo})
			return err
		},
		"RestorePhoto": func() error {
			_, err := s.client.RestorePhoto(ctx, &catalogv1.RestorePhotoRequest{Id: photo})
			return err
		},
		"SetPhotoHidden": func() error {
			_, err := s.client.SetPhotoHidden(ctx, &catalogv1.SetPhotoHiddenRequest{Id: photo, Hidden: true})
			return err
		},
		"RetryPhoto": func() error {
			_, err := s.client.RetryPhoto(ctx, &catalogv1.RetryPhotoRequest{Id: photo})
			return err
		},
	}
}

func TestListsArePagedInNaturalOrder(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := openStudio(t, db)
		s.sayJob("JOB00001", "JOB00001", "PLANNING", 1)
		var want []string
		for _, name := range []string{"Class 10", "class 2", "Ärzte", "empty"} {
			album := s.mustMake(files.Root, name)
			if name == "empty" {
				continue
			}
			group := s.mustMake(album.ID, "group")
			individuals := s.mustMake(album.ID, "individuals")
			for n, folder := range []string{group.ID, group.ID, individuals.ID, album.ID, individuals.ID, album.ID} {
				s.mustLand(folder, fmt.Sprintf("IMG_%d.jpg", n+7), fmt.Sprint(name, n))
			}
		}
		for _, album := range []string{"class 2", "Class 10", "Ärzte"} {
			for n := range 6 {
				section := []string{"group/", "group/", "individuals/", "", "individuals/", ""}[n]
				want = append(want, fmt.Sprintf("JOB00001/%s/%sIMG_%d.jpg", album, section, n+7))
			}
		}
		s.ready(len(want))
		for _, size := range []int32{1, 4, 6, 18, 100} {
			var got []string
			for token := ""; ; {
				page, err := s.client.ListPhotos(s.as("viewer"), &catalogv1.ListPhotosRequest{JobId: s.job.ID, PageSize: size, PageToken: token})
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range page.GetPhotos() {
					got = append(got, p.GetPath())
				}
				if token = page.GetNextPageToken(); token == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("in pages of %d: %q, want %q", size, got, want)
			}
		}
		var albums []string
		for token := ""; ; {
			page, err := s.client.ListAlbums(s.as("viewer"), &catalogv1.ListAlbumsRequest{JobId: s.job.ID, PageSize: 3, PageToken: token})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.GetAlbums() {
				albums = append(albums, fmt.Sprint(a.GetName(), " ", a.GetGroup().GetReady(), " ", a.GetIndividuals().GetTotal()))
			}
			if token = page.GetNextPageToken(); token == "" {
				break
			}
		}
		if want := []string{"class 2 2 4", "Class 10 2 4", "empty 0 0", "Ärzte 2 4"}; !slices.Equal(albums, want) {
			t.Errorf("albums %q, want %q", albums, want)
		}
		counted, err := s.client.CountPhotos(s.as("viewer"), &catalogv1.CountPhotosRequest{JobIds: []string{s.job.ID, "nothing"}})
		if err != nil || counted.GetJobs()[0].GetAlbums() != 4 || counted.GetJobs()[0].GetPhotos().GetReady() != 18 || counted.GetJobs()[1].GetAlbums() != 0 {
			t.Errorf("counted %v, %v", counted, err)
		}
		for _, bad := range []*catalogv1.ListPhotosRequest{
			{JobId: s.job.ID, PageToken: "?"}, {JobId: s.job.ID, PageSize: -1}, {}, {JobId: s.job.ID, States: []catalogv1.PhotoState{9}}, {JobId: s.job.ID, Section: 9},
		} {
			if _, err := s.client.ListPhotos(s.as("viewer"), bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%v: %v", bad, err)
			}
		}
	})
}

func TestSameBytesAreADuplicateOfTheFirst(t *testing.T) {
	s := openStudio(t, sqltest.SQLite(t))
	s.sayJob("JOB00001", "JOB00001", "PLANNING", 1)
	album := s.mustMake(files.Root, "Class 1")
	first := s.mustLand(album.ID, "x.jpg", "a")
	s.mustLand(album.ID, "y.jpg", "a")
	all := s.ready(2)
	if all[0].GetDuplicateOf() != "" || all[1].GetDuplicateOf() != first.ID || all[1].GetNotices()[0].GetCode() != "duplicate" {
		t.Errorf("listed %v", all)
	}
	if _, err := s.client.RemovePhoto(s.as("admin"), &catalogv1.RemovePhotoRequest{Id: first.ID}); err != nil {
		t.Fatal(err)
	}
	if all = s.ready(1); all[0].GetDuplicateOf() != "" {
		t.Errorf("the first is gone, and yet %v", all)
	}
}

func TestRefusedChangesSayWhy(t *testing.T) {
	s := openStudio(t, sqltest.SQLite(t))
	s.sayJob("JOB00001", "JOB00001", "PLANNING", 1)
	one, two := s.mustMake(files.Root, "Class 1"), s.mustMake(files.Root, "Class 2")
	p := s.mustLand(one.ID, "x.jpg", "a")
	q := s.mustLand(two.ID, "x.jpg", "b")
	s.ready(2)
	admin := s.as("admin")
	_, err := s.client.RenameAlbum(admin, &catalogv1.RenameAlbumRequest{Id: one.ID, Name: "CLASS 2"})
	check := func(what string, err error, kind fault.Kind) {
		t.Helper()
		if !fault.Is(err, kind) {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("a name that another album has", err, fault.Exists)
	for _, name := range []string{"", "a/b", "group", ".."} {
		_, err = s.client.RenameAlbum(admin, &catalogv1.RenameAlbumRequest{Id: one.ID, Name: name})
		check("the name "+name, err, fault.Invalid)
	}
	_, err = s.client.MovePhoto(admin, &catalogv1.MovePhotoRequest{Id: p.ID, AlbumId: two.ID})
	check("a name that another photo has", err, fault.Exists)
	_, err = s.client.MovePhoto(admin, &catalogv1.MovePhotoRequest{Id: p.ID, AlbumId: "nothing"})
	check("an album that is not", err, fault.NotFound)
	if _, err = s.client.RemovePhoto(admin, &catalogv1.RemovePhotoRequest{Id: q.ID}); err != nil {
		t.Fatal(err)
	}
	if _, err = s.client.MovePhoto(admin, &catalogv1.MovePhotoRequest{Id: p.ID, AlbumId: two.ID}); err != nil {
		t.Fatal(err)
	}
	_, err = s.client.RestorePhoto(admin, &catalogv1.RestorePhotoRequest{Id: q.ID})
	check("a path that another photo took", err, fault.Exists)
	_, err = s.client.MovePhoto(admin, &catalogv1.MovePhotoRequest{Id: q.ID, AlbumId: one.ID})
	check("a photo in the trash", err, fault.Invalid)
	hidden, err := s.client.SetPhotoHidden(admin, &catalogv1.SetPhotoHiddenRequest{Id: p.ID, Hidden: true})
	if err != nil || !hidden.GetHidden() {
		t.Errorf("hidden %v, %v", hidden, err)
	}
}

func TestWatchersHearOfChanges(t *testing.T) {
	s := openStudio(t, sqltest.SQLite(t))
	s.sayJob("JOB00001", "JOB00001", "PLANNING", 1)
	album := s.mustMake(files.Root, "Class 1")
	s.until("the album", func() bool {
		reply, err := s.client.ListAlbums(s.as("viewer"), &catalogv1.ListAlbumsRequest{JobId: s.job.ID})
		return err == nil && len(reply.GetAlbums()) == 1
	})
	ctx, cancel := context.WithCancel(s.as("viewer"))
	defer cancel()
	watch, err := s.client.WatchJob(ctx, &catalogv1.WatchJobRequest{JobId: s.job.ID})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := watch.Recv(); err != nil || len(first.GetAlbumIds())+len(first.GetPhotoIds()) > 0 {
		t.Fatalf("began with %v, %v", first, err)
	}
	p := s.mustLand(album.ID, "x.jpg", "a")
	beats := 0
	for told := false; !told || beats == 0; {
		message, err := watch.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if len(message.GetAlbumIds()) == 0 {
			beats++
		}
		told = told || slices.Contains(message.GetPhotoIds(), p.ID) && slices.Contains(message.GetAlbumIds(), album.ID)
	}
	s.stop() // a watch does not hold up the end
}
