package studio_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio"
)

func TestSignIn(t *testing.T) {
	w := newWorld(t, studio.Config{})
	b := w.browser()
	if page := b.get("/jobs"); page.path != "/signin" {
		t.Fatalf("a stranger got to %s", page.path)
	}
	b.post("/signin", "email", "ada@example.org", "password", "wrong").
		wants(t, http.StatusUnauthorized, "E-mail address or password is wrong", `value="ada@example.org"`)
	if page := b.post("/signin", "email", "ada@example.org", "password", password, "next", "/users"); page.path != "/users" {
		t.Errorf("sign in led to %s, want /users", page.path)
	}
	if page := b.get("/signin?next=//evil.example/x"); page.path != "/jobs" {
		t.Errorf("a foreign next led to %s", page.path)
	}
	b.post("/signout").wants(t, http.StatusOK, "Sign in")
	if page := b.get("/users"); page.path != "/signin" {
		t.Errorf("after signing out, /users led to %s", page.path)
	}
	if len(w.jobs.tokens) != 0 {
		t.Error("the token outlived the session")
	}
}

func TestTheSessionCookie(t *testing.T) {
	for url, secure := range map[string]bool{"": false, "https://studio.example.org": true} {
		w := newWorld(t, studio.Config{URL: url})
		b := w.browser()
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		page := b.post("/signin", "email", "ada@example.org", "password", password)
		cookie := page.header.Get("Set-Cookie")
		if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") || strings.Contains(cookie, "Secure") != secure {
			t.Errorf("URL %q: the cookie is %q", url, cookie)
		}
		if got := page.header.Get("Strict-Transport-Security") != ""; got != secure {
			t.Errorf("URL %q: strict transport security is %v", url, got)
		}
	}
}

func TestSessionsOutliveARestart(t *testing.T) {
	w := newWorld(t, studio.Config{})
	b := w.signedIn("ada@example.org")
	second, err := studio.New(studio.Config{}, w.deps)
	must(t, err)
	server := httptest.NewServer(second.Handler())
	t.Cleanup(server.Close)
	w.url = server.URL // cookies know hosts, not ports
	b.get("/jobs").wants(t, http.StatusOK, "JOB00001")
}

func TestGuessingIsBounded(t *testing.T) {
	w := newWorld(t, studio.Config{})
	b := w.browser()
	for range 10 {
		b.post("/signin", "email", "ada@example.org", "password", "wrong").wants(t, http.StatusUnauthorized)
	}
	asked := w.jobs.signIns
	b.post("/signin", "email", "ada@example.org", "password", password).wants(t, http.StatusServiceUnavailable, "Too many failed attempts. Try again in 5 min.")
	b.post("/signin", "email", "other@example.org", "password", password).wants(t, http.StatusServiceUnavailable, "Too many failed attempts")
	if w.jobs.signIns != asked {
		t.Error("a bounded guess was passed on to job-status")
	}
}

func TestOtherSitesAreKeptOut(t *testing.T) {
	w := newWorld(t, studio.Config{})
	b := w.signedIn("ada@example.org")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/jobs", strings.NewReader("internal_name=EVIL"))
	must(t, err)
	b.do(request, []string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"}).
		wants(t, http.StatusForbidden, "This form was sent from another site")
	if len(w.jobs.jobs) != 1 {
		t.Error("the foreign form made a job")
	}
	page := b.get("/jobs")
	policy := page.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the content policy is %q", policy)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store"} {
		if got := page.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	page.lacks(t, "style=", "onclick=", "<script>")
	if packed := b.get("/jobs/"+w.job.GetId(), "Accept-Encoding", "gzip"); packed.header.Get("Vary") != "Accept-Encoding" {
		t.Error("a cache could mix up packed and plain pages")
	}
	b.post("/jobs", "internal_name", strings.Repeat("x", 300<<10)).wants(t, http.StatusRequestEntityTooLarge, "This form is too large.")
}

func TestServicesThatAreAway(t *testing.T) {
	w := newWorld(t, studio.Config{})
	b := w.signedIn("ada@example.org")
	w.catalog.mu.Lock()
	w.catalog.down = true
	w.catalog.mu.Unlock()
	b.get("/jobs").wants(t, http.StatusOK, "JOB00001", "The numbers of photos are missing")
	b.get("/jobs/"+w.job.GetId()).wants(t, http.StatusServiceUnavailable, "Not available at the moment", "The catalog cannot be reached; try again.")
	b.get("/nowhere").wants(t, http.StatusNotFound, "There is no such page", "Sign out")
	b.get("/healthz").wants(t, http.StatusOK, "ok")
	b.get("/readyz").wants(t, http.StatusOK, "ready")

	w.jobs.mu.Lock()
	w.jobs.down = true
	w.jobs.mu.Unlock()
	w.browser().post("/signin", "email", "ada@example.org", "password", password).
		wants(t, http.StatusServiceUnavailable, "The database cannot be reached; try again.")
}

func TestRightsDecideWhatIsOffered(t *testing.T) {
	w := newWorld(t, studio.Config{})
	w.addUser("demo", "viewer@example.org", "Vera", jobsv1.Role_ROLE_INDIVIDUAL, "download")
	album := w.addAlbum(w.job, "Class 1")
	w.addPhoto(w.job, album, group, "a.jpg")
	b := w.signedIn("viewer@example.org")
	b.get("/jobs").lacks(t, "New job")
	b.get("/jobs/"+w.job.GetId()).lacks(t, "Rename")
	b.get("/users").wants(t, http.StatusForbidden, "This is not yours to see or change")
	b.get("/jobs/"+w.job.GetId()+"/settings").wants(t, http.StatusOK, "You may not see the users")
	b.post("/jobs", "internal_name", "X").wants(t, http.StatusForbidden)
}
