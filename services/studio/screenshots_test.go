package studio_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/testphotos"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio"

	"github.com/chromedp/chromedp"
	"github.com/disintegration/imaging"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// TestScreenshots takes a picture of every page, for people to look at: FILMGATE_SCREENSHOTS names the folder to write
// to, FILMGATE_SCREENSHOT_PHOTOS one with photographs to use instead of the test's own.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("FILMGATE_SCREENSHOTS")
	if folder == "" {
		t.Skip("FILMGATE_SCREENSHOTS is not set: nobody wants to look")
	}
	w := newWorld(t, studio.Config{})
	detail, broken := furnish(t, w, thumbnails(t))
	empty := w.addJob("demo", "JOB00002", "Empty one", jobsv1.JobStatus_JOB_STATUS_PLANNING)
	job := "/jobs/" + w.job.GetId()
	mia := "/users/" + w.jobs.users[1].GetId()

	for _, size := range []struct{ width, height int }{{1280, 800}, {390, 844}} {
		for _, dark := range []bool{false, true} {
			shoot := camera{t: t, w: w, folder: folder, width: size.width, height: size.height, dark: dark}
			shoot.open()
			shoot.page("signin", "/signin")
			shoot.do(signIn(w))
			shoot.page("jobs", "/jobs")
			shoot.page("job", job)
			shoot.page("photo", "/photos/"+detail.GetId())
			if dark {
				continue
			}
			shoot.uploads(job)
			shoot.page("problems", job+"?show=problems")
			shoot.page("failed", "/photos/"+broken.GetId())
			shoot.page("empty", "/jobs/"+empty.GetId())
			shoot.page("settings", job+"/settings")
			shoot.page("users", "/users")
			shoot.page("newuser", "/users/new")
			shoot.page("user", mia)
			shoot.page("connect", "/connect")
			shoot.page("activity", "/activity")
			shoot.page("error", "/nowhere")
			shoot.viewer(job, detail)
			shoot.secret(mia)
		}
	}
}

type camera struct {
	t             *testing.T
	w             *world
	folder        string
	width, height int
	dark          bool
	do            func(...step)
	take          func(name string)
}

func (c *camera) open() {
	options := []chromedp.ExecAllocatorOption{}
	if c.dark {
		options = append(options, chromedp.Flag("blink-settings", "preferredColorScheme=0"))
	}
	ctx := chromium(c.t, c.width, c.height, options...)
	c.do = func(steps ...step) { c.t.Helper(); must(c.t, chromedp.Do(ctx, steps...)) }
	c.do(chromedp.EmulateViewport(int64(c.width), int64(c.height)))
	c.take = func(name string) {
		c.t.Helper()
		c.do(chromedp.Poll[chromedp.Void](`[...document.images].filter((i) => i.getBoundingClientRect().top < innerHeight * 2).every((i) => i.complete)`))
		picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		must(c.t, err)
		wide, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
		must(c.t, err)
		if wide > c.width {
			c.t.Errorf("%s is %d px wide on a screen of %d", name, wide, c.width)
		}
		scheme := "light"
		if c.dark {
			scheme = "dark"
		}
		must(c.t, os.WriteFile(filepath.Join(c.folder, fmt.Sprintf("%s-%d-%s.png", name, c.width, scheme)), picture, 0o600))
	}
}

func (c *camera) page(name, path string) {
	c.t.Helper()
	c.do(chromedp.Navigate(c.w.url + path))
	c.take(name)
}

// uploads shows the line of running uploads.
func (c *camera) uploads(job string) {
	c.do(chromedp.Navigate(c.w.url+job), exists(`#job[data-live=yes]`))
	must(c.t, events.PublishProgress(c.w.nats, "demo", events.Progress{JobID: c.w.job.GetId(), Uploads: []events.UploadProgress{
		{UploadID: "u1", Path: "JOB00001/Class 3/individuals/IMG_2041.jpg", Bytes: 4_200_000},
		{UploadID: "u2", Path: "JOB00001/Class 3/individuals/IMG_2042.jpg", Bytes: 900_000},
		{UploadID: "u3", Path: "JOB00001/Class 3/group/Ärzteteam 3b.jpg", Bytes: 12_900_000},
	}}))
	c.do(exists(`#uploads:not([hidden])`))
	c.take("uploads")
}

func (c *camera) viewer(job string, photo *catalogv1.Photo) {
	c.do(chromedp.Navigate(c.w.url+job), chromedp.Click(chromedp.CSS(`#p-`+photo.GetId()+` a`)), loaded(`#viewer .stage img`))
	c.take("viewer")
}

func (c *camera) secret(user string) {
	c.do(chromedp.Navigate(c.w.url+user), chromedp.Click(chromedp.CSS(`input[name=generate] + button`)), chromedp.WaitVisible(chromedp.CSS(`.secret`)))
	c.take("secret")
}

// thumbnails answers derivative sets of several photographs.
func thumbnails(t *testing.T) []map[string][]byte {
	t.Helper()
	originals := testphotos.Real()
	if folder := os.Getenv("FILMGATE_SCREENSHOT_PHOTOS"); folder != "" {
		originals = map[string][]byte{}
		files, err := filepath.Glob(filepath.Join(folder, "*.jpg"))
		must(t, err)
		for _, file := range files {
			originals[file], err = os.ReadFile(file)
			must(t, err)
		}
	}
	var sets []map[string][]byte
	for _, original := range originals {
		img, err := imaging.Decode(bytes.NewReader(original), imaging.AutoOrientation(true))
		must(t, err)
		set := map[string][]byte{}
		for name, edge := range map[string]int{"320": 320, "1280": 1280} {
			var out bytes.Buffer
			must(t, imaging.Encode(&out, imaging.Fit(img, edge, edge, imaging.Box), imaging.JPEG, imaging.JPEGQuality(80)))
			set[name] = out.Bytes()
		}
		sets = append(sets, set)
	}
	return sets
}

// furnish fills the world with what a studio has in autumn.
func furnish(t *testing.T, w *world, sets []map[string][]byte) (detail, broken *catalogv1.Photo) {
	t.Helper()
	mia := w.addUser("demo", "", "Mia Berg", jobsv1.Role_ROLE_UPLOAD_ONLY, "upload")
	mia.Sftp = &jobsv1.SFTPAccess{UserName: "mia.berg", Enabled: true, HasPassword: true, Keys: []*jobsv1.SSHKey{
		{Fingerprint: "SHA256:Zk3vQ0m1uP7d9sXhT2bYw8rLqA5nJcE4oGfKiRzVxNM", Comment: "mia@macbook"},
	}}
	jon := w.addUser("demo", "jon@example.org", "Jón Þórsson", jobsv1.Role_ROLE_INDIVIDUAL, "jobs", "photos")
	jon.AllJobs, jon.Active = false, false
	w.jobs.audit = audit(w)
	w.jobs.bans = []*jobsv1.Ban{{Network: "198.51.100.7", Until: timestamppb.New(time.Now().Add(12 * time.Minute)), UserName: "root", Times: 1}}
	for i, words := range []string{"Hillside Kindergarten", "FC Rotation, youth teams", "Lakeview High, graduation", "St. Anna Choir"} {
		made := w.addJob("demo", fmt.Sprintf("JOB000%02d", 11+i), words, jobsv1.JobStatus(i%4+1))
		made.Locked = i == 3
	}
	next := 0
	fill := func(album *catalogv1.Album, section catalogv1.Section, name string, n int) (last *catalogv1.Photo) {
		for i := range n {
			last = w.addPhoto(w.job, album, section, fmt.Sprintf(name, i+1))
			w.ready(w.job, last, sets[next%len(sets)])
			next++
		}
		return last
	}
	one := w.addAlbum(w.job, "Class 1")
	fill(one, group, "Class 1 group %d.jpg", 3)
	detail = fill(one, individuals, "IMG_%04d.jpg", 17)
	detail.Hidden = true
	two := w.addAlbum(w.job, "Class 2b – Müller & Søn")
	fill(two, individuals, "IMG_11%02d.jpg", 9)
	for i := range 3 {
		w.addPhoto(w.job, two, individuals, fmt.Sprintf("IMG_112%d.jpg", i))
	}
	broken = w.addPhoto(w.job, two, individuals, "IMG_1109 (copy).jpg")
	broken.State = catalogv1.PhotoState_PHOTO_STATE_FAILED
	broken.Problem = &catalogv1.Problem{Code: "damaged", Message: "The file ends in the middle of the picture."}
	text := w.addPhoto(w.job, two, group, "notes.jpg")
	text.State, text.Problem = catalogv1.PhotoState_PHOTO_STATE_FAILED, &catalogv1.Problem{Code: "not_an_image", Message: "This is a text file, not a photo."}
	w.addAlbum(w.job, "Teachers")
	w.jobs.jobs = slices.Clone(w.jobs.jobs)
	return detail, broken
}

func audit(w *world) []*jobsv1.AuditEvent {
	at := func(minutes int) *timestamppb.Timestamp {
		return timestamppb.New(time.Date(2026, 9, 14, 11, 0, 0, 0, time.UTC).Add(-time.Duration(minutes) * time.Minute))
	}
	return []*jobsv1.AuditEvent{
		{Time: at(1), UserName: "mia.berg", Action: "login", ClientAddress: "203.0.113.24:51820", Detail: "SFTP, FileZilla 3.66"},
		{Time: at(9), UserName: "mia.berg", Action: "open_refused", ClientAddress: "203.0.113.24:51811", Detail: "JOB00011/x.jpg: put photos into an album folder, e.g. JOB00011/Class 1/", JobId: w.job.GetId()},
		{Time: at(34), UserName: "root", Action: "login_refused", ClientAddress: "198.51.100.7:40022", Detail: "user name or password is wrong"},
		{Time: at(95), UserName: "ada@example.org", Action: "job_status_changed", ClientAddress: "192.0.2.18:60112", Detail: "JOB00012: PLANNING → SELLING"},
		{Time: at(96), UserName: "ada@example.org", Action: "login", ClientAddress: "192.0.2.18:60101", Detail: "web"},
	}
}
