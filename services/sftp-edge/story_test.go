package sftpedge_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"filmgate.dev/pkg/files"
)

func TestUploadLands(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	must(t, c.Mkdir("/JOB00001/Class 1/group"))
	small, large, exact := photo(3<<20, 1), photo(20<<20+17, 2), photo(8<<20, 3)
	e.put(c, "/JOB00001/Class 1/a.jpg", small)
	e.put(c, "/JOB00001/Class 1/group/b.jpg", large)
	e.put(c, "/JOB00001/Class 1/exact.jpg", exact)
	got := e.landed("Class 1/a.jpg", small)
	if got.MediaType != "image/jpeg" || got.Integrity != "ok" || got.UserID != "U-ANNA" || got.User != "anna" || got.Client == "" ||
		got.JobName != "JOB00001" || got.ID != got.Upload || got.CRC32C == "" || got.Late {
		t.Errorf("%+v", got)
	}
	e.landed("Class 1/group/b.jpg", large)
	e.landed("Class 1/exact.jpg", exact)
	if n := e.objects(); n != 3 {
		t.Errorf("%d objects", n)
	}
	if uploads, records := e.multiparts(); uploads != 0 || records != 0 {
		t.Errorf("%d multipart uploads and %d records stayed", uploads, records)
	}
	f, err := c.Open("/JOB00001/Class 1/group/b.jpg")
	must(t, err)
	defer f.Close()
	var back bytes.Buffer
	if _, err := f.WriteTo(&back); err != nil || !bytes.Equal(back.Bytes(), large) {
		t.Error("the photo reads differently", err)
	}
}

func TestListing(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	must(t, c.Mkdir("/JOB00001/Class 1/Gruppe"))
	e.put(c, "/JOB00001/Class 1/a.jpg", photo(1000, 1))
	names := func(path string) (all string) {
		list, err := c.ReadDir(path)
		must(t, err)
		for _, i := range list {
			all += i.Name()
			if i.IsDir() {
				all += "/"
			}
			all += " "
		}
		return all
	}
	for path, want := range map[string]string{
		"/":                          "JOB00001/ JOB00002/ ",
		"/job00001":                  "Class 1/ ",
		"/JOB00001/class 1":          "Gruppe/ a.jpg ",
		"/JOB00001/Class 1/group":    "",
		"/JOB00001/Class 1/ Groups ": "",
	} {
		if got := names(path); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	if _, err := c.ReadDir("/JOB00001/Class 2"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("R30:", err)
	}
	if _, err := c.ReadDir("/JOB00009"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	vfs, err := c.StatVFS("/JOB00001")
	if err != nil || vfs.FreeSpace() == 0 {
		t.Error(err)
	}
}

func TestAnotherUserSeesOnlyAssignedJobs(t *testing.T) {
	e := start(t)
	c := e.client("olga")
	list, err := c.ReadDir("/")
	if err != nil || len(list) != 1 || list[0].Name() != "JOB00002" {
		t.Error(list, err)
	}
}

func TestRefusalsInWords(t *testing.T) {
	e := start(t)
	c, ulli := e.client("anna"), e.client("ulli")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	must(t, c.Mkdir("/JOB00001/Class 2"))
	e.put(c, "/JOB00001/Class 1/a.jpg", photo(1000, 1))
	create := func(path string) error { _, err := c.Create(path); return err }
	refused(t, create("/x.jpg"), "open a job, then an album folder")
	refused(t, create("/JOB00001/x.jpg"), "put photos into an album folder, e.g. JOB00001/Class 1/")
	refused(t, create("/JOB00001/Class 1/x.txt"), `"x.txt" is not accepted: photos end in .jpg, .jpeg or .png`)
	refused(t, create("/JOB00001/Class 1/Teachers/x.jpg"), `only the folders "group" and "individuals"`)
	refused(t, create("/JOB00001/Class 1/a\x01b.jpg"), "control character")
	refused(t, create("/JOB00001/Class 1/"+string(bytes.Repeat([]byte("x"), 300))+".jpg"), "too long")
	refused(t, c.Mkdir("/JOB00003"), "nothing can be made, renamed or removed here")
	refused(t, c.Mkdir("/JOB00001/group"), "create an album folder first, e.g. JOB00001/Class 1/group")
	refused(t, c.Mkdir("/JOB00001/Class 1/Teachers"), `make "Teachers" directly in JOB00001`)
	refused(t, c.Mkdir("/JOB00001/CLASS 1"), "exists already")
	refused(t, c.RemoveDirectory("/JOB00001"), "nothing can be made, renamed or removed here")
	refused(t, c.Rename("/JOB00001", "/JOB00009"), "nothing can be made, renamed or removed here")
	refused(t, c.Rename("/JOB00001/Class 1", "/JOB00001/Class 2/Class 1"), "only the folders")
	refused(t, c.Rename("/JOB00001/Class 1/a.jpg", "/JOB00002/Class 1/a.jpg"), "from one job to another")
	refused(t, c.PosixRename("/JOB00001/Class 1/a.jpg", "/JOB00002/Class 1/a.jpg"), "from one job to another")
	refused(t, c.Rename("/JOB00001/Class 1/a.jpg", "/JOB00001/Class 1/a.txt"), "is not accepted")
	refused(t, c.RemoveDirectory("/JOB00001/Class 1"), "is not empty")
	_, err := ulli.Open("/JOB00001/Class 1/a.jpg")
	refused(t, err, "you may upload photos, but not download them")
	if err := create("/JOB00001/Class 9/x.jpg"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := c.Symlink("/JOB00001", "/JOB00001/x"); err == nil {
		t.Error("a link was made")
	}
	eventually(t, "the refusals are in the audit", func() bool {
		e.jobs.mu.Lock()
		defer e.jobs.mu.Unlock()
		seen := map[string]bool{}
		for _, a := range e.jobs.audited {
			seen[a.GetAction()+" "+a.GetUserName()+" "+a.GetJobId()] = true
		}
		return seen["open_refused ulli J-JOB00001"] && seen["mkdir_refused anna J-JOB00001"] && seen["rmdir_refused anna J-JOB00001"] && seen["rename_refused anna J-JOB00001"]
	})
}

func TestRenameMoveRemove(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	must(t, c.Mkdir("/JOB00001/Class 1/group"))
	content := photo(1000, 1)
	e.put(c, "/JOB00001/Class 1/a.jpg", content)
	id := e.landed("Class 1/a.jpg", content).ID
	must(t, c.Rename("/JOB00001/Class 1/a.jpg", "/JOB00001/Class 1/group/b.jpg"))
	must(t, c.Rename("/JOB00001/Class 1", "/JOB00001/Klasse Ä"))
	if got := e.landed("Klasse Ä/group/b.jpg", content); got.ID != id {
		t.Error("the photo has another id")
	}
	refused(t, c.RemoveDirectory("/JOB00001/Klasse Ä/group"), "not empty")
	must(t, c.Remove("/JOB00001/Klasse Ä/group/b.jpg"))
	must(t, c.RemoveDirectory("/JOB00001/Klasse Ä/group"))
	must(t, c.RemoveDirectory("/JOB00001/Klasse Ä"))
	if _, err := c.Stat("/JOB00001/Klasse Ä"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if n := e.objects(); n != 1 {
		t.Error("R24: the removed photo's object must stay in the trash;", n)
	}
}

func TestOverwriteIsAVersion(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	first, second := photo(1000, 1), photo(2000, 2)
	e.put(c, "/JOB00001/Class 1/a.jpg", first)
	one := e.landed("Class 1/a.jpg", first)
	e.put(c, "/JOB00001/Class 1/a.jpg", second)
	two := e.landed("Class 1/a.jpg", second)
	if two.ID != one.ID || two.Supersedes != one.Upload {
		t.Errorf("%+v", two)
	}
	e.put(c, "/JOB00001/Class 1/a.jpg", second)
	if again := e.landed("Class 1/a.jpg", second); again.Upload != two.Upload || again.Sequence != two.Sequence {
		t.Errorf("the same bytes became a version: %+v", again)
	}
	if n := e.objects(); n != 2 {
		t.Errorf("%d objects: the new one of the same bytes stayed", n)
	}
}

func TestR7_FailedCloseShowsNothing(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	f, err := c.Create("/JOB00001/Class 1/a.jpg")
	must(t, err)
	_, err = f.WriteAt([]byte("gap"), 100)
	must(t, err)
	refused(t, f.Close(), "bytes are missing at 0")
	if _, err := c.Stat("/JOB00001/Class 1/a.jpg"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if n := e.objects(); n != 0 {
		t.Errorf("%d objects", n)
	}
}

func TestR8_EmptyFile(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	e.put(c, "/JOB00001/Class 1/a.jpg", nil)
	if got := e.landed("Class 1/a.jpg", nil); got.Integrity != "empty" {
		t.Errorf("%+v", got)
	}
	if _, err := c.OpenFile("/JOB00001/Class 1/b.jpg", os.O_WRONLY); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file was opened that is not there:", err)
	}
}

func TestR9R10R11_ExistingFileWithoutTruncation(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	old := photo(50_000, 1)
	const path = "/JOB00001/Class 1/a.jpg"
	e.put(c, path, old)
	before := e.landed("Class 1/a.jpg", old)
	open := func() *sftp.File {
		f, err := c.OpenFile(path, os.O_WRONLY|os.O_CREATE)
		must(t, err)
		return f
	}
	f := open() // R9: lftp's put -c of a whole file
	must(t, f.Truncate(50_000))
	must(t, f.Close())
	if after := e.landed("Class 1/a.jpg", old); after.Sequence != before.Sequence {
		t.Error("R9: the file was touched")
	}
	f = open() // R11: more was announced than came
	_, err := f.Write(photo(100, 2))
	must(t, err)
	must(t, f.Truncate(101))
	refused(t, f.Close(), "only 100 of 101 bytes arrived")
	e.landed("Class 1/a.jpg", old)
	f = open() // R10: scp of a smaller file
	short := photo(20_000, 3)
	_, err = f.Write(short)
	must(t, err)
	must(t, f.Truncate(20_000))
	must(t, f.Close())
	e.landed("Class 1/a.jpg", short)
	f = open() // scp of an empty file
	must(t, f.Truncate(0))
	must(t, f.Close())
	e.landed("Class 1/a.jpg", nil)
	refused(t, c.Truncate(path, 10), "the size of a stored photo cannot be changed")
}

func TestR12R13_ModificationTime(t *testing.T) {
	e := start(t)
	c, other := e.client("anna"), e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	const path = "/JOB00001/Class 1/a.jpg"
	shot := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	f, err := c.Create(path)
	must(t, err)
	_, err = f.Write(photo(1000, 1))
	must(t, err)
	must(t, other.Chtimes(path, shot, shot)) // while it is open, on another connection
	must(t, f.Close())
	stat := func(c *sftp.Client) time.Time {
		i, err := c.Stat(path)
		must(t, err)
		return i.ModTime().UTC()
	}
	if got := stat(other); !got.Equal(shot) {
		t.Error("R13:", got)
	}
	later := shot.Add(time.Hour)
	must(t, other.Chtimes(path, later, later))
	must(t, c.Chmod(path, 0o600))
	must(t, c.Chown(path, 1, 1))
	e.run() // another edge on the same log
	if got := stat(e.client("anna")); !got.Equal(later) {
		t.Error("R12:", got)
	}
}

func TestR14R15_SizesWhileWritingAndAfter(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	e.run()
	other := e.client("ulli")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	const path = "/JOB00001/Class 1/a.jpg"
	f, err := c.Create(path)
	must(t, err)
	size := func(c *sftp.Client) int64 {
		i, err := c.Lstat(path)
		if err != nil {
			return -1
		}
		return i.Size()
	}
	if size(c) != 0 || size(other) != -1 {
		t.Error(size(c), size(other))
	}
	content := photo(40_000, 1)
	_, err = f.WriteAt(content[:10_000], 0)
	must(t, err)
	_, err = f.WriteAt(content[20_000:], 20_000)
	must(t, err)
	if got := size(c); got != 10_000 {
		t.Error(got)
	}
	_, err = f.WriteAt(content[10_000:20_000], 10_000)
	must(t, err)
	must(t, f.Close())
	if got := size(other); got != 40_000 {
		t.Error("R15:", got)
	}
}

func TestR16_ExclusiveAndInPlace(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	const path = "/JOB00001/Class 1/a.jpg"
	e.put(c, path, photo(1000, 1))
	_, err := c.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	refused(t, err, "exists already")
	_, err = c.OpenFile(path, os.O_RDWR)
	refused(t, err, "cannot be edited in place")
	f, err := c.OpenFile("/JOB00001/Class 1/new.jpg", os.O_RDWR|os.O_CREATE)
	must(t, err)
	_, err = f.Write(photo(500, 2))
	must(t, err)
	_, err = f.ReadAt(make([]byte, 10), 0)
	refused(t, err, "being uploaded cannot be read")
	must(t, f.Close())
	e.landed("Class 1/new.jpg", photo(500, 2))
}

func TestR23R24R25_TemporaryNames(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	const dir = "/JOB00001/Class 1/"
	first := photo(1000, 1)
	for _, name := range []string{"a.jpg.filepart", "a.jpg.0a1b2c3d.partial", ".in.a.jpg", ".a.jpg.Ab3dEf"} {
		e.put(c, dir+name, first)
		staged, err := e.entry("Class 1/" + name)
		if err != nil || staged.State != files.StateStaged {
			t.Errorf("%s: %+v, %v", name, staged, err)
		}
		if c.Remove(dir+"a.jpg") != nil && name != "a.jpg.filepart" {
			t.Error("R24: the final name cannot be removed")
		}
		must(t, c.Rename(dir+name, dir+"a.jpg"))
		if got := e.landed("Class 1/a.jpg", first); got.Upload != staged.Upload {
			t.Errorf("R23: %+v", got)
		}
	}
	second := photo(2000, 2)
	e.put(c, dir+"a.jpg.filepart", second)
	refused(t, c.Rename(dir+"a.jpg.filepart", dir+"a.jpg"), "exists already")
	before := e.landed("Class 1/a.jpg", first)
	must(t, c.PosixRename(dir+"a.jpg.filepart", dir+"a.jpg"))
	if got := e.landed("Class 1/a.jpg", second); got.ID != before.ID || got.Supersedes != before.Upload {
		t.Errorf("R25: %+v", got)
	}
	_, err := c.Create(dir + "a.txt.filepart")
	refused(t, err, "is not accepted")
}

func TestR27R28_Spellings(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Cafe\u0301"))
	e.put(c, "/JOB00001/caf\u00e9/u\u0308.jpg", photo(1000, 1))
	i, err := c.Stat("/JOB00001/CAF\u00c9/\u00fc.jpg")
	if err != nil || i.Size() != 1000 {
		t.Error(err)
	}
	e.put(c, "/JOB00001/Caf\u00e9/A.jpg", photo(1000, 1))
	e.put(c, "/JOB00001/Caf\u00e9/a.jpg", photo(2000, 2))
	if list, err := c.ReadDir("/JOB00001/Caf\u00e9"); err != nil || len(list) != 3 {
		t.Error("R28:", list, err)
	}
	e.put(c, "/JOB00001/Caf\u00e9/it's \\ : * ? \" < > | 📷.jpg", photo(1000, 1))
}

func TestR29_JunkIsTakenAndForgotten(t *testing.T) {
	e := start(t)
	c, other := e.client("anna"), e.client("ulli")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	e.put(c, "/JOB00001/Class 1/.DS_Store", []byte("junk"))
	e.put(c, "/JOB00001/._x.jpg", []byte("junk"))
	must(t, c.Mkdir("/JOB00001/__MACOSX"))
	e.put(c, "/JOB00001/__MACOSX/deep/down/._x.jpg", []byte("junk"))
	i, err := c.Stat("/JOB00001/Class 1/.DS_Store")
	if err != nil || i.Size() != 4 {
		t.Error(i, err)
	}
	must(t, c.Chtimes("/JOB00001/Class 1/.DS_Store", time.Now(), time.Now()))
	must(t, c.Remove("/JOB00001/Class 1/.DS_Store"))
	if _, err := c.Stat("/JOB00001/Class 1/.DS_Store"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := other.Stat("/JOB00001/._x.jpg"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if list, _ := c.ReadDir("/JOB00001"); len(list) != 1 {
		t.Error(list)
	}
	if n := e.objects(); n != 0 {
		t.Errorf("%d objects", n)
	}
}

func TestR22_TheNewerUploadWins(t *testing.T) {
	e := start(t)
	c, again := e.client("anna"), e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	f, err := c.Create("/JOB00001/Class 1/a.jpg")
	must(t, err)
	_, err = f.Write(photo(1000, 1))
	must(t, err)
	e.put(again, "/JOB00001/Class 1/a.jpg", photo(2000, 2))
	refused(t, f.Close(), "replaced by a newer upload of the same name")
	e.landed("Class 1/a.jpg", photo(2000, 2))
}
