package studio_test

import (
	"net/http"
	"strings"
	"testing"

	"filmgate.dev/pkg/testphotos"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio"
)

const (
	group       = catalogv1.Section_SECTION_GROUP
	individuals = catalogv1.Section_SECTION_INDIVIDUALS
)

func jpeg() []byte { return testphotos.Real()["friends.jpg"] }

func TestJobs(t *testing.T) {
	w := newWorld(t, studio.Config{})
	w.addJob("other", "SECRET01", "of another studio", jobsv1.JobStatus_JOB_STATUS_PLANNING)
	album := w.addAlbum(w.job, "Class 1")
	w.addPhoto(w.job, album, group, "a.jpg")
	b := w.signedIn("ada@example.org")

	page := b.get("/jobs")
	page.wants(t, http.StatusOK, "JOB00001", "Greenfield School, autumn", "1 processing", "Studio Demo")
	page.lacks(t, "SECRET01")
	b.get("/jobs?q=nothing").wants(t, http.StatusOK, "No job matches")

	made := b.post("/jobs", "internal_name", "JOB00002", "name", "<b>Müller & Söhne</b>")
	made.wants(t, http.StatusOK, "&lt;b&gt;Müller &amp; Söhne&lt;/b&gt;", "The job is ready.", "No photos yet.")
	b.post("/jobs", "internal_name", "job00002").wants(t, http.StatusConflict, "There is already a job JOB00002.", `value="job00002"`)
}

func TestJobSettings(t *testing.T) {
	w := newWorld(t, studio.Config{})
	mia := w.addUser("demo", "", "Mia Berg", jobsv1.Role_ROLE_UPLOAD_ONLY)
	b := w.signedIn("ada@example.org")
	path := "/jobs/" + w.job.GetId()

	page := b.get(path + "/settings")
	page.wants(t, http.StatusOK, "Photographers see the folder and can upload.", `value="selling"`, `value="prepay"`, "Mia Berg")
	page.lacks(t, `name="status" value="planning"`)

	b.post(path+"/status", "status", "selling", "revision", "1").wants(t, http.StatusOK, "The status is changed.", "Photos are on sale.")
	page = b.get(path + "/settings")
	page.lacks(t, `name="status" value="prepay"`)
	b.get(path).wants(t, http.StatusOK, "photographers do not see it")

	b.post(path+"/status", "status", "prepay", "revision", "2").wants(t, http.StatusBadRequest, "A job cannot go from SELLING to PREPAY.")
	b.post(path+"/status", "status", "planning", "revision", "1").wants(t, http.StatusConflict, "Somebody changed the job in the meantime")
	b.post(path+"/status", "revision", "2").wants(t, http.StatusBadRequest, "Choose the new status first.")

	b.post(path+"/lock", "locked", "yes").wants(t, http.StatusOK, "The job is locked", "Unlock")
	b.post(path+"/name", "name", "New name").wants(t, http.StatusOK, "New name")
	b.post(path+"/assign", "user", mia.GetId()).wants(t, http.StatusOK, `value="`+mia.GetId()+`" checked`)
	b.get("/jobs/unknown/settings").wants(t, http.StatusNotFound, "There is no such job.")
}

func TestPhotosOfAJob(t *testing.T) {
	w := newWorld(t, studio.Config{})
	one, two := w.addAlbum(w.job, "Class 1"), w.addAlbum(w.job, "Klasse 2 <b>")
	ready := w.addPhoto(w.job, one, individuals, "Änne & Jörg.jpg")
	w.ready(w.job, ready, map[string][]byte{"320": jpeg(), "1280": jpeg()})
	w.addPhoto(w.job, one, group, "team.jpg")
	broken := w.addPhoto(w.job, two, individuals, "notes.jpg")
	broken.State = catalogv1.PhotoState_PHOTO_STATE_FAILED
	broken.Problem = &catalogv1.Problem{Code: "not_an_image", Message: "This file is a text, not a photo."}
	b := w.signedIn("ada@example.org")
	path := "/jobs/" + w.job.GetId()

	page := b.get(path)
	page.wants(t, http.StatusOK, "Class 1", "Klasse 2 &lt;b&gt;", "Änne &amp; Jörg.jpg", "team.jpg", "This file is a text, not a photo.",
		"Group", "Individuals", "/photos/"+ready.GetId()+"/320?v=", `data-color="#`)
	page.lacks(t, "ZgotmplZ", "<b>Klasse")
	problems := b.get(path + "?show=problems")
	problems.wants(t, http.StatusOK, "notes.jpg")
	problems.lacks(t, "team.jpg", "Änne")
	b.get(path+"?album="+one.GetId()).lacks(t, "notes.jpg")
	b.get(path+"?album=gone").wants(t, http.StatusNotFound, "This album is not in JOB00001.")

	detail := b.get("/photos/" + ready.GetId())
	detail.wants(t, http.StatusOK, "5.8 MB, 6000 × 4000 px", "mia.berg", "14 Sep 2026, 09:41", "Canon EOS R6", "Download original", "/1280?v=")
	b.get("/photos/"+broken.GetId()).wants(t, http.StatusOK, "If it does not belong here, move it to the trash.", "Try again")

	changePhotos(t, w, b, ready, broken, two)
	b.post(path+"/albums/rename", "album", two.GetId(), "name", "Class 2").wants(t, http.StatusOK, "Class 2", "The album has its new name.")
	b.post(path+"/albums/rename", "album", two.GetId(), "name", "Class 1").wants(t, http.StatusConflict, "There is already an album")
}

func changePhotos(t *testing.T, w *world, b *browser, ready, broken *catalogv1.Photo, to *catalogv1.Album) {
	t.Helper()
	at := "/photos/" + ready.GetId()
	b.post(at+"/hide").wants(t, http.StatusOK, "hidden from customers")
	b.post(at+"/show").wants(t, http.StatusOK, "shown to customers again")
	b.post(at+"/move", "to", to.GetId()+" group").wants(t, http.StatusOK, "The photo is moved.", `data-list="g-`+to.GetId()+`-group"`)
	b.post(at+"/remove", "back", "/jobs/"+w.job.GetId()+"?show=trash").wants(t, http.StatusOK, "in the trash", ready.GetId(), "Restore")
	b.post(at+"/restore").wants(t, http.StatusOK, "The photo is back.")
	b.post("/photos/"+broken.GetId()+"/retry").wants(t, http.StatusOK, "being processed again")
	b.post(at+"/explode").wants(t, http.StatusNotFound, "A photo cannot be told to")
	if page := b.post(at+"/hide", "back", "https://evil.example/"); page.path != "/jobs/"+w.job.GetId() {
		t.Errorf("a foreign way back led to %s", page.path)
	}
}

func TestManyPhotosComeInParts(t *testing.T) {
	w := newWorld(t, studio.Config{})
	album := w.addAlbum(w.job, "Everybody")
	for i := range 450 {
		w.addPhoto(w.job, album, individuals, "IMG_"+string(rune('A'+i/26))+string(rune('a'+i%26))+".jpg")
	}
	b := w.signedIn("ada@example.org")
	page := b.get("/jobs/" + w.job.GetId())
	total := strings.Count(page.body, `class="tile `)
	if total != 200 {
		t.Fatalf("the first part has %d photos, want 200", total)
	}
	for next := moreLink(page.body); next != ""; {
		part := b.get(next, "Filmgate-Part", "1")
		part.wants(t, http.StatusOK)
		part.lacks(t, "<html")
		total += strings.Count(part.body, `class="tile `)
		next = moreLink(part.body)
	}
	if total != 450 {
		t.Errorf("all parts together have %d photos, want 450", total)
	}
	b.get(moreLink(page.body)).wants(t, http.StatusOK, "<html", "Back to the album")
}

func moreLink(body string) string {
	_, rest, ok := strings.Cut(body, `<li class="more"><a href="`)
	if !ok {
		return ""
	}
	link, _, _ := strings.Cut(rest, `"`)
	return strings.ReplaceAll(link, "&amp;", "&")
}

func TestChangesBringWhatIsShown(t *testing.T) {
	w := newWorld(t, studio.Config{})
	album := w.addAlbum(w.job, "Class 1")
	ready := w.addPhoto(w.job, album, individuals, "a.jpg")
	w.ready(w.job, ready, map[string][]byte{"320": jpeg()})
	b := w.signedIn("ada@example.org")
	path := "/jobs/" + w.job.GetId() + "/changes"

	part := b.get(path+"?photo="+ready.GetId()+"&photo=unknown", "Filmgate-Part", "1")
	part.wants(t, http.StatusOK, `id="p-`+ready.GetId(), `<li data-photo="unknown">`, `id="a-`+album.GetId())
	part.lacks(t, "<html")
	gone := b.get(path+"?show=problems&photo="+ready.GetId(), "Filmgate-Part", "1")
	gone.wants(t, http.StatusOK, `<li data-photo="`+ready.GetId())
	gone.lacks(t, `id="p-`)
	b.get(path+"?"+strings.Repeat("photo=x&", 101), "Filmgate-Part", "1").wants(t, http.StatusBadRequest, "at most 100")
}
