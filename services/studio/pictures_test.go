package studio_test

import (
	"mime"
	"net/http"
	"strings"
	"testing"

	"filmgate.dev/pkg/objects"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio"
)

func TestPictures(t *testing.T) {
	w := newWorld(t, studio.Config{})
	w.addUser("other", "eve@example.org", "Eve", jobsv1.Role_ROLE_ADMIN)
	w.addUser("demo", "viewer@example.org", "Vera", jobsv1.Role_ROLE_INDIVIDUAL, "photos")
	photo := w.addPhoto(w.job, w.addAlbum(w.job, "Class 1"), group, "Änne 1.jpg")
	at := "/photos/" + photo.GetId()
	b := w.signedIn("ada@example.org")
	b.get(at+"/320").wants(t, http.StatusNotFound, "This photo has no picture of that size yet.")

	w.ready(w.job, photo, map[string][]byte{"320": jpeg()})
	must(t, w.bucket.Put(t.Context(), photo.GetObjectKey(), []byte("original"), objects.PutOptions{}))
	address := pictureAddress(t, b.get("/jobs/"+w.job.GetId()))
	gets := w.catalog.gets

	picture := b.get(address)
	picture.wants(t, http.StatusOK, string(jpeg()))
	if w.catalog.gets != gets {
		t.Error("a thumbnail asked the catalog again, right after its page did")
	}
	for name, want := range map[string]string{"Content-Type": "image/jpeg", "Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"} {
		if got := picture.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	b.get(address, "If-None-Match", picture.header.Get("ETag")).wants(t, http.StatusNotModified)
	if stale := b.get(at + "/320?v=older"); stale.header.Get("Cache-Control") != "private, no-cache" {
		t.Error("an old address would be kept for good")
	}

	original := b.get(at + "/original")
	original.wants(t, http.StatusOK, "original")
	_, params, err := mime.ParseMediaType(original.header.Get("Content-Disposition"))
	if err != nil || params["filename"] != "Änne 1.jpg" {
		t.Errorf("the download is called %q, %v", original.header.Get("Content-Disposition"), err)
	}
	w.signedIn("viewer@example.org").get(at+"/original").wants(t, http.StatusForbidden, "not download originals")

	// Eve is of another studio: even after Ada's pages filled the cache, there is nothing here for her.
	eve := w.signedIn("eve@example.org")
	for _, path := range []string{at, at + "/320", address, at + "/original", "/jobs/" + w.job.GetId(), "/jobs/" + w.job.GetId() + "/events"} {
		eve.get(path).wants(t, http.StatusNotFound)
	}
	if page := w.browser().get(at + "/320"); page.path != "/signin" {
		t.Errorf("a stranger got to %s", page.path)
	}
}

// pictureAddress answers the address of a page's first thumbnail.
func pictureAddress(t *testing.T, page seen) string {
	t.Helper()
	_, rest, ok := strings.Cut(page.body, `<img src="/photos/`)
	if !ok {
		t.Fatalf("there is no picture on the page:\n%s", page.body)
	}
	address, _, _ := strings.Cut(rest, `"`)
	return "/photos/" + address
}

func TestANewVersionHasANewAddress(t *testing.T) {
	w := newWorld(t, studio.Config{})
	photo := w.addPhoto(w.job, w.addAlbum(w.job, "Class 1"), group, "a.jpg")
	w.ready(w.job, photo, map[string][]byte{"320": []byte("old")})
	b := w.signedIn("ada@example.org")
	path := "/jobs/" + w.job.GetId()
	first := pictureAddress(t, b.get(path))

	// The new version is processing: the old picture is shown, under its old address.
	w.catalog.mu.Lock()
	photo.Version, photo.State = "01NEWVERSION", catalogv1.PhotoState_PHOTO_STATE_PROCESSING
	w.catalog.mu.Unlock()
	if again := pictureAddress(t, b.get(path)); again != first {
		t.Errorf("the old picture moved from %s to %s", first, again)
	}
	w.ready(w.job, photo, map[string][]byte{"320": []byte("new")})
	second := pictureAddress(t, b.get(path))
	if second == first {
		t.Error("the new picture has the old one's address, which browsers keep for good")
	}
	b.get(second).wants(t, http.StatusOK, "new")
}
