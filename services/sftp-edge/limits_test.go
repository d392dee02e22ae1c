package sftpedge_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	sftpedge "filmgate.dev/services/sftp-edge"
)

func TestNamesInAFolder(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.MaxNames = 3 })
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	must(t, c.Mkdir("/JOB00001/Class 2"))
	for _, name := range []string{"a.jpg", "b.jpg"} {
		e.put(c, "/JOB00001/Class 1/"+name, photo(1000, 1))
	}
	running, err := c.Create("/JOB00001/Class 1/c.jpg.filepart")
	must(t, err)
	const full = `the folder "Class 1" holds 3 photos, the most that one may: make another album`
	refused(t, upload(c, "/JOB00001/Class 1/d.jpg", photo(1000, 1)), full)
	refused(t, c.Mkdir("/JOB00001/Class 1/group"), full)
	e.put(c, "/JOB00001/Class 2/d.jpg", photo(1000, 1))
	refused(t, c.Rename("/JOB00001/Class 2/d.jpg", "/JOB00001/Class 1/d.jpg"), full)
	must(t, running.Close())
	must(t, c.Rename("/JOB00001/Class 1/c.jpg.filepart", "/JOB00001/Class 1/c.jpg")) // takes no name more
	e.put(c, "/JOB00001/Class 1/c.jpg", photo(2000, 2))                              // nor does a new version
	must(t, c.Remove("/JOB00001/Class 1/a.jpg"))
	must(t, c.Rename("/JOB00001/Class 2/d.jpg", "/JOB00001/Class 1/d.jpg"))
	refused(t, upload(c, "/JOB00001/Class 1/e.jpg", photo(1000, 1)), full)
	e.put(c, "/JOB00001/Class 1/.DS_Store", []byte("junk takes no room"))
}

func TestAlbumsInAJob(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.MaxFolders = 2 })
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	must(t, c.Mkdir("/JOB00001/Class 2"))
	must(t, c.Mkdir("/JOB00001/Class 2/group"))
	refused(t, c.Mkdir("/JOB00001/Class 3"), "JOB00001 holds 2 albums, the most that a job may")
	must(t, c.Mkdir("/JOB00002/Class 3"))
	must(t, c.Rename("/JOB00001/Class 1", "/JOB00001/Class 3"))
	must(t, c.RemoveDirectory("/JOB00001/Class 3"))
	must(t, c.Mkdir("/JOB00001/Class 4"))
}

// A photo of 6 MiB more does not fit into what is left; the same job's df says so beforehand.
func TestQuota(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.Quota, c.QuotaFiles = 20<<20, 5 })
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	first := photo(12<<20, 1)
	e.put(c, "/JOB00001/Class 1/a.jpg", first)
	df := func(total, free int) {
		t.Helper()
		vfs, err := c.StatVFS("/JOB00001/Class 1")
		must(t, err)
		if vfs.TotalSpace() != uint64(total) || vfs.FreeSpace() != uint64(free) {
			t.Errorf("df: %d bytes free of %d, not %d of %d", vfs.FreeSpace(), vfs.TotalSpace(), free, total)
		}
	}
	df(20<<20, 8<<20)
	if out, err := newOpenSSH(t, e).batch("df /JOB00001"); err != nil || !strings.Contains(out, "20480") || !strings.Contains(out, "60%") {
		t.Error("OpenSSH's df:", out, err)
	}
	const full = "JOB00001 has no room for this photo: it may hold 20MiB"
	if err := upload(c, "/JOB00001/Class 1/b.jpg", photo(9<<20, 2)); err == nil {
		t.Error("9 MiB landed in 8")
	}
	f, err := c.Create("/JOB00001/Class 1/c.jpg") // one that its client gives up only at CLOSE
	must(t, err)
	_, err = f.WriteAt(bytes.Repeat([]byte("x"), 20<<10), 7<<20) // out of order, and within
	must(t, err)
	_, err = f.WriteAt(bytes.Repeat([]byte("x"), 20<<10), 8<<20)
	refused(t, err, full)
	refused(t, f.Close(), full)
	df(20<<20, 8<<20)
	e.put(c, "/JOB00001/Class 1/a.jpg", photo(13<<20, 3)) // the version before leaves its room
	df(20<<20, 7<<20)
	e.put(c, "/JOB00001/Class 1/d.jpg", photo(7<<20, 4))
	df(20<<20, 0)
	refused(t, upload(c, "/JOB00001/Class 1/e.jpg", photo(1000, 1)), full)
	must(t, c.Remove("/JOB00001/Class 1/d.jpg"))
	df(20<<20, 7<<20)
	for i := range 4 {
		e.put(c, fmt.Sprintf("/JOB00001/Class 1/%d.jpg", i), photo(1000, 5))
	}
	refused(t, upload(c, "/JOB00001/Class 1/e.jpg", photo(1000, 1)), "JOB00001 holds 5 photos, the most that it may")
	must(t, c.Mkdir("/JOB00002/Class 1"))
	e.put(c, "/JOB00002/Class 1/a.jpg", first) // another job has its own
}

func TestUploadsOfOneUser(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.MaxUploads = 3 })
	one, two, other := e.client("anna"), e.client("anna"), e.client("ulli")
	must(t, one.Mkdir("/JOB00001/Class 1"))
	var open []*sftp.File
	for i, c := range []*sftp.Client{one, one, two} {
		f, err := c.Create(fmt.Sprintf("/JOB00001/Class 1/%d.jpg", i))
		must(t, err)
		open = append(open, f)
	}
	for _, c := range []*sftp.Client{one, two} {
		_, err := c.Create("/JOB00001/Class 1/3.jpg")
		refused(t, err, "you are uploading 3 files at once already, over all your connections")
	}
	e.put(other, "/JOB00001/Class 1/3.jpg", photo(1000, 1))
	must(t, open[0].Close())
	e.put(two, "/JOB00001/Class 1/4.jpg", photo(1000, 1))
	must(t, one.Close()) // what was open there is over
	eventually(t, "two places are free again", func() bool {
		f, err := two.Create("/JOB00001/Class 1/5.jpg")
		if err != nil {
			return false
		}
		defer f.Close()
		g, err := two.Create("/JOB00001/Class 1/6.jpg")
		if err == nil {
			g.Close()
		}
		return err == nil
	})
}

// A client that asks too much is slowed down and told nothing else.
func TestRequestsAreSlowedDown(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.Requests = 50 })
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	f, err := c.Create("/JOB00001/Class 1/a.jpg")
	must(t, err)
	const n = 4*50 + 50 // what may come at once, and a second's worth
	began := time.Now()
	for range n {
		if _, err := c.Stat("/JOB00001"); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Error(n, "requests took", took)
	}
	must(t, f.Close())
}

// One reply to READDIR fits into a packet even when all names are as long as they may be, and 250 of them come at once.
func TestListingIsPaged(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	folder, err := e.files.Folder(t.Context(), job("JOB00001"), files.Root, "Class 1")
	must(t, err)
	const n = 600
	for i := range n {
		entry := files.Entry{
			Job: job("JOB00001"), JobName: "JOB00001", Parent: folder.ID, Name: fmt.Sprintf("%s%03d.jpg", strings.Repeat("x", 248), i),
			Upload: ulid.Make().String(), SHA256: strings.Repeat("a", 64), CRC32C: "00000000", Bytes: 1 << 40, User: "anna",
		}
		_, err := e.files.Land(t.Context(), files.Landing{Entry: entry})
		must(t, err)
	}
	list, err := c.ReadDir("/JOB00001/Class 1")
	if err != nil || len(list) != n {
		t.Fatal(len(list), err)
	}
	conn, err := e.dial("anna")
	must(t, err)
	defer conn.Close()
	session, err := conn.NewSession()
	must(t, err)
	sizes, counts := pages(t, session, "/JOB00001/Class 1")
	if len(counts) != 3 || counts[0] != 250 || max(sizes[0], sizes[1]) >= 256<<10 {
		t.Errorf("pages of %v names are %v bytes", counts, sizes)
	}
}

// What users do is in the audit: the login is job-status' own event.
func TestEventsAreInTheAudit(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.AuditOpens = true })
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	must(t, c.Mkdir("/JOB00001/Class 1/group"))
	e.put(c, "/JOB00001/Class 1/a.jpg", photo(1000, 1))
	landed := e.landed("Class 1/a.jpg", photo(1000, 1))
	must(t, c.Rename("/JOB00001/Class 1/a.jpg", "/JOB00001/Class 1/group/b.jpg"))
	f, err := c.Open("/JOB00001/Class 1/group/b.jpg")
	must(t, err)
	must(t, f.Close())
	must(t, c.Remove("/JOB00001/Class 1/group/b.jpg"))
	must(t, c.RemoveDirectory("/JOB00001/Class 1/group"))
	must(t, c.Rename("/JOB00001/Class 1", "/JOB00001/Class 2"))
	f, err = c.Create("/JOB00001/Class 2/short.jpg")
	must(t, err)
	must(t, f.Truncate(5000)) // announces more than comes
	if err := f.Close(); err == nil {
		t.Error("a short file landed")
	}
	second := e.client("anna")
	f, err = second.Create("/JOB00001/Class 2/broken.jpg")
	must(t, err)
	_, err = f.Write(photo(1000, 1))
	must(t, err)
	must(t, second.Close())
	want := []string{
		"folder_made JOB00001/Class 1: folder ",
		"folder_made JOB00001/Class 1/group: folder ",
		"upload_begun JOB00001/Class 1/a.jpg: upload " + landed.Upload,
		"file_uploaded JOB00001/Class 1/a.jpg: 1000 bytes, CRC32C " + landed.CRC32C + " (upload " + landed.Upload,
		"file_renamed JOB00001/Class 1/a.jpg: now /JOB00001/Class 1/group/b.jpg (upload " + landed.Upload,
		"download_begun JOB00001/Class 1/group/b.jpg: upload " + landed.Upload,
		"file_removed JOB00001/Class 1/group/b.jpg: 1000 bytes, CRC32C " + landed.CRC32C,
		"folder_removed JOB00001/Class 1/group: folder ",
		"folder_renamed JOB00001/Class 1: now /JOB00001/Class 2",
		"upload_failed JOB00001/Class 2/short.jpg: ",
		"upload_broken_off JOB00001/Class 2/broken.jpg: 1000 bytes came (upload ",
	}
	const more = 2 // the short and the broken one began too
	eventually(t, "all that happened is in the audit", func() bool {
		e.jobs.mu.Lock()
		defer e.jobs.mu.Unlock()
		return len(e.jobs.audited) >= len(want)+more
	})
	e.jobs.mu.Lock()
	defer e.jobs.mu.Unlock()
	var seen []string
	for _, a := range e.jobs.audited {
		seen = append(seen, a.GetAction()+" "+a.GetDetail())
		if a.GetUserId() != "U-ANNA" || a.GetJobId() != "J-JOB00001" || a.GetClientAddress() == "" {
			t.Error("whose is this:", a)
		}
	}
	for _, line := range want {
		if !slices.ContainsFunc(seen, func(s string) bool { return strings.HasPrefix(s, line) }) {
			t.Errorf("%q is not in the audit", line)
		}
	}
	if t.Failed() || len(seen) != len(want)+more {
		t.Errorf("the audit has:\n%s", strings.Join(seen, "\n"))
	}
}

func TestBadLimits(t *testing.T) {
	for _, cfg := range []sftpedge.Config{{MaxNames: 60_000}, {MaxFolders: 60_000}, {MaxUploads: -1}, {Requests: -1}, {QuotaFiles: -1}} {
		if _, err := sftpedge.New(cfg, sftpedge.Deps{HostKeys: make([]ssh.Signer, 1)}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
