package studio_test

import (
	"net/http"
	"testing"

	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio"
)

func TestUsers(t *testing.T) {
	w := newWorld(t, studio.Config{})
	b := w.signedIn("ada@example.org")

	card := b.post("/users", "display_name", "Mia Berg", "role", "upload", "right", "upload", "right", "nonsense", "sftp_user_name", "mia.berg", "all_jobs", "yes", "job", w.job.GetId())
	card.wants(t, http.StatusOK, "tulip-harbor-61-quilt", "mia.berg", "2022", "SHA256:Zk3vQ0m1uP7d", `href="sftp://mia.berg@127.0.0.1:2022/"`, "FileZilla", "shown only this once")
	if card.header.Get("Cache-Control") != "no-store" {
		t.Error("a page with a password may be kept by the browser")
	}
	mia := w.jobs.users[1]
	if len(mia.GetRights()) != 1 || mia.GetRole() != jobsv1.Role_ROLE_UPLOAD_ONLY || mia.GetAllJobs() {
		t.Errorf("the user is %v", mia)
	}
	at := "/users/" + mia.GetId()
	b.get("/users").wants(t, http.StatusOK, "Mia Berg", "Photographer")
	b.get(at).wants(t, http.StatusOK, "mia.berg")
	b.get(at).lacks(t, "tulip-harbor")
	b.post("/users", "display_name", "Other", "sftp_user_name", "mia.berg").wants(t, http.StatusConflict, "is taken", `value="Other"`)
	b.post("/users", "display_name", "Nobody").wants(t, http.StatusBadRequest, "Give an SFTP user name")

	b.post(at+"/sftp", "enabled", "no").wants(t, http.StatusOK, "SFTP access is off")
	b.post(at+"/sftp", "enabled", "yes", "generate", "yes").wants(t, http.StatusOK, "amber-falcon-88-drift")
	b.post(at+"/keys", "key", "hello").wants(t, http.StatusBadRequest, "This is not a public key")
	b.post(at+"/keys", "key", "ssh-ed25519 AAAAC3Nza mia@laptop").wants(t, http.StatusOK, "SHA256:AAAAC3Nza", "mia@laptop")
	b.post(at+"/keys/remove", "fingerprint", "SHA256:AAAAC3Nza").wants(t, http.StatusOK, "The key is removed.")
	b.post(at+"/active", "active", "no").wants(t, http.StatusOK, "Switched off", "Running connections end")
	b.post(at, "display_name", "Mia B.", "role", "individual", "right", "photos", "all_jobs", "yes", "revision", "1").wants(t, http.StatusOK, "Mia B.")
	b.post(at+"/password").wants(t, http.StatusBadRequest, "This user has no e-mail address")

	b.post(at+"/jobs", "shown", w.job.GetId(), "job", w.job.GetId()).wants(t, http.StatusOK, "Saved.")
	if got := w.jobs.jobs[0].GetAssignees(); len(got) != 1 || got[0] != mia.GetId() {
		t.Errorf("the job's assignees are %v", got)
	}
	b.post("/users/"+w.admin.GetId()+"/active", "active", "no").wants(t, http.StatusBadRequest, "You cannot switch yourself off.")
	b.post("/users/"+w.admin.GetId()+"/password").wants(t, http.StatusOK, "cedar-lantern-15-brook")
}

func TestConnectionCardAndActivity(t *testing.T) {
	w := newWorld(t, studio.Config{})
	w.jobs.audit = []*jobsv1.AuditEvent{
		{Action: "login_refused", UserName: "<root>", ClientAddress: "203.0.113.9:5022", Detail: "wrong password"},
		{Action: "file_uploaded", UserName: "mia", Detail: "JOB00001/Class 1/<b>.jpg: 1000 bytes, CRC32C ba754129 (upload 01M8BYMXS06F95G3WD0CH6W5Y4, 121ms)"},
		{Action: "upload_failed", UserName: "mia", Detail: "JOB00001/Class 1/c.jpg: only 0 of 5000 bytes arrived"},
		{Action: "mkdir_refused", UserName: "mia", Detail: "JOB00001/group: create an album folder first"},
	}
	b := w.signedIn("ada@example.org")
	b.get("/connect").wants(t, http.StatusOK, "<code>127.0.0.1</code>", "<code>2022</code>", "SHA256:Zk3vQ0m1uP7d", "Site Manager")
	b.get("/activity").wants(t, http.StatusOK, "Login refused", "&lt;root&gt;", "203.0.113.9:5022", "wrong password",
		"<b>File uploaded</b>", "Class 1/&lt;b&gt;.jpg: 1000 bytes", "<b>Upload failed</b>", "<b>New folder refused</b>")
}
