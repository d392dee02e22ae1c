package sftpedge_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/files"
	sftpedge "filmgate.dev/services/sftp-edge"
)

// record answers the record of the upload to a name, if there is one.
func (e *edge) record(name string) (files.Record, bool) {
	e.t.Helper()
	all, err := e.files.Uploads().All(e.t.Context())
	must(e.t, err)
	for _, r := range all {
		if r.Name == name {
			return r, true
		}
	}
	return files.Record{}, false
}

// clean sees that nothing but whole photos is left.
func (e *edge) clean() {
	e.t.Helper()
	if uploads, records := e.multiparts(); uploads != 0 || records != 0 || e.tails() != 0 {
		e.t.Errorf("left: %d multipart uploads, %d records, %d pieces", uploads, records, e.tails())
	}
}

// cutOff uploads the beginning of a file and loses the connection. It answers once the file is listed, with its size.
func (e *edge) cutOff(path string, begin []byte) int64 {
	e.t.Helper()
	conn, err := e.dial("anna")
	must(e.t, err)
	c, err := sftp.NewClient(conn)
	must(e.t, err)
	f, err := c.Create(path)
	must(e.t, err)
	_, err = f.ReadFrom(bytes.NewReader(begin))
	must(e.t, err)
	conn.Close()
	c.Close()
	name := path[strings.LastIndex(path, "/")+1:]
	var record files.Record
	eventually(e.t, "the upload is broken off", func() bool {
		var ok bool
		record, ok = e.record(name)
		return ok && record.State == files.UploadPartial
	})
	if record.Bytes != int64(len(begin)) {
		e.t.Fatalf("%d of %d bytes are kept", record.Bytes, len(begin))
	}
	return record.Bytes - 1
}

// resume goes on where the listing says, as FileZilla does: OPEN for writing and nothing else, then the size of the handle.
func resume(t testing.TB, c *sftp.Client, path string, content []byte) error {
	t.Helper()
	f, err := c.OpenFile(path, os.O_WRONLY)
	if err != nil {
		return err
	}
	at, err := f.Stat()
	must(t, err)
	for off := at.Size(); off < int64(len(content)); {
		n, err := f.WriteAt(content[off:min(int64(len(content)), off+16<<10)], off)
		if err != nil {
			f.Close()
			return err
		}
		off += int64(n)
	}
	return f.Close()
}

// sizes are of files that fit into one part, that end with one, and that have several.
var sizes = map[string]struct{ whole, sent int }{
	"small":           {3 << 20, 1_000_001},
	"two bytes":       {100_000, 2},
	"nearly all":      {100_000, 99_999},
	"all of it":       {100_000, 100_000},
	"a whole part":    {20 << 20, 8 << 20},
	"parts and bytes": {30 << 20, 20<<20 + 3},
	"all in parts":    {16 << 20, 16 << 20},
}

// R17, R18: the connection is lost; the file is listed with what is there, to its user, and goes on on another edge.
func TestR17R18_ResumeOnAnotherEdge(t *testing.T) {
	e := start(t)
	must(t, e.client("anna").Mkdir("/JOB00001/Class 1"))
	for name, size := range sizes {
		content := photo(size.whole, byte(len(name)))
		path := "/JOB00001/Class 1/" + name + ".jpg"
		shown := e.cutOff(path, content[:size.sent])
		if shown >= int64(size.whole) {
			t.Errorf("%s: a broken-off upload has the size of the whole", name)
		}
		e.run() // from here on this one is asked
		c, other := e.client("anna"), e.client("ulli")
		if i, err := c.Stat(path); err != nil || i.Size() != shown {
			t.Fatalf("%s: %v %v, want %d", name, i, err, shown)
		}
		if list, err := c.ReadDir("/JOB00001/Class 1"); err != nil || !listed(list, name+".jpg", shown) {
			t.Errorf("%s: %v is listed, %v", name, list, err)
		}
		if _, err := other.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: somebody else sees it: %v", name, err)
		}
		must(t, resume(t, c, path, content))
		e.landed("Class 1/"+name+".jpg", content)
		e.clean()
	}
}

func listed(list []fs.FileInfo, name string, size int64) bool {
	for _, i := range list {
		if i.Name() == name {
			return i.Size() == size
		}
	}
	return false
}

// Broken off again and again, each time a little later; the time that the client sets stays.
func TestR17_ResumedManyTimes(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	const path = "/JOB00001/Class 1/a.jpg"
	content := photo(21<<20, 1)
	e.cutOff(path, content[:100])
	shot := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	must(t, c.Chtimes(path, shot, shot))
	for _, upto := range []int{5000, 1 << 20, 8<<20 + 1, 16 << 20, 20 << 20} {
		conn, err := e.dial("anna")
		must(t, err)
		again, err := sftp.NewClient(conn)
		must(t, err)
		f, err := again.OpenFile(path, os.O_WRONLY|os.O_APPEND)
		must(t, err)
		at, err := f.Stat()
		must(t, err)
		_, err = f.WriteAt(content[at.Size():upto], at.Size())
		must(t, err)
		conn.Close()
		again.Close()
		eventually(t, "it is broken off again", func() bool {
			r, ok := e.record("a.jpg")
			return ok && r.Bytes == int64(upto) && r.State == files.UploadPartial
		})
	}
	must(t, resume(t, c, path, content))
	if landed := e.landed("Class 1/a.jpg", content); !landed.ModifiedAt.Equal(shot) {
		t.Error(landed.ModifiedAt)
	}
	e.clean()
}

// The real programs go on with what is there: reput, put -c, mirror -c, -C -.
func TestR17_ClientsResume(t *testing.T) {
	e := start(t)
	must(t, e.client("anna").Mkdir("/JOB00001/Class 1"))
	o := newOpenSSH(t, e)
	host, port, err := net.SplitHostPort(e.addr)
	must(t, err)
	lftp := `set sftp:connect-program "ssh -a -x -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -i ` + o.home + `/key"; set net:max-retries 1; open -u anna,x -p ` + port + ` sftp://` + host + `; cd "/JOB00001/Class 1"; `
	psftp := func(path string) *exec.Cmd {
		batch := o.file("psftp", []byte("cd \"JOB00001/Class 1\"\nreput "+path+"\n"))
		return exec.Command("psftp", "-batch", "-P", o.port, "-pw", "secret", "-hostkey", ssh.FingerprintSHA256(e.keys[0].PublicKey()), "-b", batch, "anna@127.0.0.1")
	}
	for name, goOn := range map[string]func(path string) *exec.Cmd{
		"openssh": func(path string) *exec.Cmd {
			return exec.Command("sftp", append(o.options(), "-b", o.file("batch", []byte("reput "+path+" \"JOB00001/Class 1/\"\n")), "anna@127.0.0.1")...)
		},
		"lftp": func(path string) *exec.Cmd { return exec.Command("lftp", "-c", lftp+"put -c "+path) },
		"mirror": func(path string) *exec.Cmd {
			return exec.Command("lftp", "-c", lftp+"mirror -R -c --no-perms "+strings.TrimSuffix(path, "/mirror.jpg")+" .")
		},
		"curl": func(path string) *exec.Cmd {
			return exec.Command("curl", "-sSk", "-C", "-", "--key", o.home+"/key", "--pubkey", "", "-u", "anna:", "-T", path, "sftp://"+net.JoinHostPort("127.0.0.1", o.port)+"/JOB00001/Class%201/")
		},
		"psftp": psftp,
	} {
		content := photo(11<<20+7, byte(len(name)))
		path := o.file("local-"+name+"/"+name+".jpg", content)
		shot := time.Now().Add(-time.Hour)
		must(t, os.Chtimes(path, shot, shot)) // lftp's mirror does not go on with a file older than the local one
		for _, sent := range []int{300_000, 9 << 20} {
			remote := "/JOB00001/Class 1/" + name + ".jpg"
			e.cutOff(remote, content[:sent])
			before, err := e.record(name + ".jpg")
			if out, err := goOn(path).CombinedOutput(); err != nil {
				t.Fatalf("%s: %s", name, out)
			}
			if landed := e.landed("Class 1/"+name+".jpg", content); landed.Upload != before.Upload {
				t.Errorf("%s began anew (%v)", name, err)
			}
			e.clean()
			must(t, e.client("anna").Remove(remote))
		}
	}
}

// WinSCP: the file has a temporary name until it is whole; it is gone on with under that name.
func TestR17_WinSCPResumes(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	content := photo(12<<20, 1)
	e.cutOff("/JOB00001/Class 1/a.jpg.filepart", content[:10<<20])
	f, err := c.OpenFile("/JOB00001/Class 1/a.jpg.filepart", os.O_WRONLY|os.O_CREATE)
	must(t, err)
	i, err := c.Stat("/JOB00001/Class 1/a.jpg.filepart")
	must(t, err)
	_, err = f.WriteAt(content[i.Size():], i.Size())
	must(t, err)
	must(t, f.Close())
	must(t, c.Rename("/JOB00001/Class 1/a.jpg.filepart", "/JOB00001/Class 1/a.jpg"))
	e.landed("Class 1/a.jpg", content)
	e.clean()
}

// R19: Ctrl-C closes the short file cleanly, so it landed. What is sent behind it makes a new version of the same photo.
func TestR19_ResumeOntoALandedFile(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	o := newOpenSSH(t, e)
	for name, short := range map[string]int{"small": 1_000_000, "large": 18 << 20} {
		content := photo(20<<20, byte(len(name)))
		e.put(c, "/JOB00001/Class 1/"+name+".jpg", content[:short])
		before := e.landed("Class 1/"+name+".jpg", content[:short])
		if out, err := o.batch("reput " + o.file(name+".jpg", content) + " \"JOB00001/Class 1/\""); err != nil {
			t.Fatal(out)
		}
		after := e.landed("Class 1/"+name+".jpg", content)
		if after.ID != before.ID || after.Supersedes != before.Upload || after.Upload == before.Upload {
			t.Errorf("%+v after %+v", after, before)
		}
	}
	e.clean()
}

// A file that was broken off is sent again from its beginning: with TRUNC, without, or under another edge's eyes.
func TestBeginAnewOverABrokenUpload(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	content := photo(10<<20, 1)
	for name, flags := range map[string]int{"trunc": os.O_WRONLY | os.O_CREATE | os.O_TRUNC, "over": os.O_WRONLY | os.O_CREATE} {
		path := "/JOB00001/Class 1/" + name + ".jpg"
		e.cutOff(path, photo(9<<20, 7))
		f, err := c.OpenFile(path, flags)
		must(t, err)
		_, err = f.ReadFrom(bytes.NewReader(content))
		must(t, err)
		must(t, f.Close())
		e.landed("Class 1/"+name+".jpg", content)
		e.clean()
	}
	path := "/JOB00001/Class 1/excl.jpg"
	e.cutOff(path, photo(1000, 7))
	_, err := c.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	refused(t, err, `"excl.jpg" exists already`)
	refused(t, c.Rename(path, "/JOB00001/Class 1/other.jpg"), "broke off")
	refused(t, c.RemoveDirectory("/JOB00001/Class 1"), "not empty")
	must(t, c.Remove(path))
	e.clean()
}

// A broken overwrite never hides a photo: everybody else keeps the version that landed.
func TestBrokenOverwriteHidesNothing(t *testing.T) {
	e := start(t)
	c, other := e.client("anna"), e.client("ulli")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	const path = "/JOB00001/Class 1/a.jpg"
	e.put(c, path, photo(5000, 1))
	e.cutOff(path, photo(200_000, 2))
	e.landed("Class 1/a.jpg", photo(5000, 1))
	if i, err := other.Stat(path); err != nil || i.Size() != 5000 {
		t.Error(i, err)
	}
	if i, err := c.Stat(path); err != nil || i.Size() != 199_999 {
		t.Error(i, err)
	}
	f, err := c.Open(path)
	must(t, err)
	read := make([]byte, 6000)
	if n, _ := f.Read(read); !bytes.Equal(read[:n], photo(5000, 1)[:n]) {
		t.Error("another version is read")
	}
	e.put(other, path, photo(7000, 3)) // somebody else's version is newer
	if i, err := c.Stat(path); err != nil || i.Size() != 7000 {
		t.Error(i, err)
	}
}

// R22: the client is back before its first connection is known to be dead. From the same address it goes on at once, from
// another one it is asked to wait.
func TestR22_BackBeforeTheFirstIsDead(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	const path = "/JOB00001/Class 1/a.jpg"
	content := photo(10<<20, 1)
	for _, sent := range []int{1 << 20, 9 << 20} { // with and without a record
		first, err := c.Create(path)
		must(t, err)
		_, err = first.Write(content[:sent])
		must(t, err)
		elsewhere := e.clientFrom("127.0.0.2", "anna")
		refused(t, resume(t, elsewhere, path, content), "is being uploaded by another connection")
		must(t, resume(t, e.client("anna"), path, content))
		_, err = first.Write(content[:1])
		if err == nil {
			t.Error("the first handle takes bytes")
		}
		if err := first.Close(); err == nil {
			t.Error("the first handle was closed well")
		}
		e.landed("Class 1/a.jpg", content)
		must(t, c.Remove(path))
	}
	e.clean()
}

// R22: most programs ask for the size before they open the file, when the first upload still seems to live; some of them
// had sent everything but CLOSE.
func TestR22_SizeAskedForBeforeTheFirstIsDead(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	const path = "/JOB00001/Class 1/a.jpg"
	content := photo(9<<20, 1)
	for _, sent := range []int{1, 1 << 20, len(content)} {
		first, err := c.Create(path)
		must(t, err)
		_, err = first.Write(content[:sent])
		must(t, err)
		again := e.client("anna")
		i, err := again.Stat(path)
		must(t, err)
		list, err := again.ReadDir("/JOB00001/Class 1")
		must(t, err)
		if i.Size() != int64(sent-1) || !listed(list, "a.jpg", i.Size()) {
			t.Errorf("of %d bytes %d are shown, and %v listed", sent, i.Size(), list)
		}
		f, err := again.OpenFile(path, os.O_WRONLY|os.O_CREATE)
		must(t, err)
		for off := i.Size(); off < int64(len(content)); off += 64 << 10 {
			_, err = f.WriteAt(content[off:min(int64(len(content)), off+64<<10)], off)
			must(t, err)
		}
		must(t, f.Close())
		e.landed("Class 1/a.jpg", content)
		_ = first.Close() // it was replaced
		must(t, c.Remove(path))
	}
	e.clean()
}

// clientFrom is an SFTP client on another machine.
func (e *edge) clientFrom(address, user string) *sftp.Client {
	e.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	raw, err := dialer.Dial("tcp", e.addr)
	must(e.t, err)
	conn, channels, requests, err := ssh.NewClientConn(raw, e.addr, &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.Password("secret")}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	must(e.t, err)
	client := ssh.NewClient(conn, channels, requests)
	c, err := sftp.NewClient(client)
	must(e.t, err)
	e.t.Cleanup(func() { c.Close(); client.Close() })
	return c
}

// R18: the edge is stopped with uploads that do not end in time: they can be resumed on the next one.
func TestR18_ResumeAfterAStop(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.Drain = 50 * time.Millisecond })
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	content := photo(20<<20, 1)
	sent := map[string]int{"small.jpg": 100_000, "large.jpg": 17 << 20}
	for name, n := range sent {
		f, err := c.Create("/JOB00001/Class 1/" + name)
		must(t, err)
		_, err = f.Write(content[:n])
		must(t, err)
	}
	must(t, e.stop())
	e.run()
	c = e.client("anna")
	for name, n := range sent {
		if i, err := c.Stat("/JOB00001/Class 1/" + name); err != nil || i.Size() != int64(n-1) {
			t.Errorf("%s: %v %v", name, i, err)
		}
		must(t, resume(t, c, "/JOB00001/Class 1/"+name, content))
		e.landed("Class 1/"+name, content)
	}
	e.clean()
}

// A file is removed just when its client's connection is lost: whichever comes first, nothing of it stays.
func TestRemovedWhileItBreaksOff(t *testing.T) {
	e := start(t, quickLease)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	const path = "/JOB00001/Class 1/a.jpg"
	for round := range 24 {
		conn, err := e.dial("anna")
		must(t, err)
		writer, err := sftp.NewClient(conn)
		must(t, err)
		f, err := writer.Create(path)
		must(t, err)
		_, err = f.Write(photo([]int{100_000, 9 << 20}[round%2], 1))
		must(t, err)
		lost := make(chan struct{})
		go func() { conn.Close(); close(lost) }()
		time.Sleep(time.Duration(round/2) * time.Millisecond) // a different moment each time
		if err := c.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) && !strings.Contains(err.Error(), "try again") {
			t.Fatal(err)
		}
		<-lost
		writer.Close()
		eventually(t, "nothing of it stays, or what can be removed", func() bool {
			_ = c.Remove(path)
			uploads, records := e.multiparts()
			return uploads == 0 && records == 0 && e.tails() == 0
		})
	}
}
