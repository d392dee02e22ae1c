package sftpedge_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	sftpedge "filmgate.dev/services/sftp-edge"
)

func newKey(t *testing.T) ssh.Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	must(t, err)
	return signer
}

func TestLogin(t *testing.T) {
	e := start(t)
	key, other := newKey(t), newKey(t)
	e.jobs.change(func() { e.jobs.users["anna"].key = key.PublicKey() })
	for _, c := range []struct {
		name, user string
		auth       ssh.AuthMethod
		in         bool
	}{
		{"password", "anna", ssh.Password("secret"), true},
		{"wrong password", "anna", ssh.Password("Secret"), false},
		{"no such user", "nobody", ssh.Password("secret"), false},
		{"key", "anna", ssh.PublicKeys(key), true},
		{"several keys, one of them right", "anna", ssh.PublicKeys(other, key), true},
		{"wrong key", "anna", ssh.PublicKeys(other), false},
		{"another's key", "ulli", ssh.PublicKeys(key), false},
		{"endless password", "anna", ssh.Password(strings.Repeat("x", 2000)), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := e.dial(c.user, c.auth)
			if (err == nil) != c.in {
				t.Error(err)
			}
			if err == nil {
				conn.Close()
			}
		})
	}
}

// stolen offers a key whose private part it has not: it signs with another one.
type stolen struct {
	ssh.Signer
	public ssh.PublicKey
}

func (s stolen) PublicKey() ssh.PublicKey { return s.public }

func TestIdentityIsTheKeyThatSigned(t *testing.T) {
	e := start(t)
	mine, annas := newKey(t), newKey(t)
	e.jobs.change(func() { e.jobs.users["anna"].key = annas.PublicKey() })
	if conn, err := e.dial("anna", ssh.PublicKeys(stolen{mine, annas.PublicKey()})); err == nil {
		conn.Close()
		t.Fatal("a key that was only offered logged in")
	}
	e.jobs.mu.Lock()
	defer e.jobs.mu.Unlock()
	if e.jobs.offers == 0 {
		t.Error("the key was never offered")
	}
}

func TestLoginFailsInWordsWhileJobStatusIsAway(t *testing.T) {
	e := start(t)
	e.jobs.change(func() { e.jobs.away = true })
	var banner string
	_, err := ssh.Dial("tcp", e.addr, &ssh.ClientConfig{
		User: "anna", Auth: []ssh.AuthMethod{ssh.Password("secret")}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		BannerCallback: func(message string) error { banner = message; return nil },
	})
	if err == nil || !strings.Contains(banner, "try again in a minute") {
		t.Errorf("%v, %q", err, banner)
	}
}

func TestStrangersAreFewAndGoSoon(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.MaxUnauthenticated, c.LoginWithin = "2", 300*time.Millisecond })
	ends := func(conn net.Conn) error {
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		buf := make([]byte, 1024)
		for {
			if _, err := conn.Read(buf); err != nil {
				return err
			}
		}
	}
	var strangers []net.Conn
	for range 3 {
		conn, err := net.Dial("tcp", e.addr)
		must(t, err)
		defer conn.Close()
		strangers = append(strangers, conn)
	}
	for _, conn := range strangers {
		if err := ends(conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a connection that says nothing stays")
		}
	}
	e.client("anna")
}

func TestR31_JobVanishesFromRunningConnection(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	const dir = "/JOB00001/Class 1/"
	must(t, c.Mkdir("/JOB00001/Class 1"))
	e.put(e.client("ulli"), dir+"old.jpg", photo(1000, 1)) // anna has not begun it
	begun, err := c.Create(dir + "late.jpg.filepart")
	must(t, err)
	e.jobs.set("JOB00001", false, "JOB00001 is being sold; ask the studio to open it again")
	eventually(t, "the job vanishes", func() bool {
		list, err := c.ReadDir("/")
		return err == nil && len(list) == 1
	})
	_, err = c.Create(dir + "new.jpg")
	refused(t, err, "JOB00001 is being sold")
	refused(t, c.Mkdir("/JOB00001/Class 2"), "JOB00001 is being sold")
	refused(t, c.Rename(dir+"old.jpg", dir+"older.jpg"), "JOB00001 is being sold")
	if c.Remove(dir+"old.jpg") == nil { // the client's own words: it tried to remove a folder, too
		t.Error("a photo of an invisible job was removed")
	}
	if _, err := c.Stat(dir + "old.jpg"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	// What was begun may be finished.
	_, err = begun.Write(photo(3000, 3))
	must(t, err)
	must(t, begun.Close())
	shot := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	must(t, c.Chtimes(dir+"late.jpg.filepart", shot, shot))
	refused(t, c.Rename(dir+"late.jpg.filepart", dir+"other.jpg"), "can only be given its final name")
	must(t, c.Rename(dir+"late.jpg.filepart", dir+"late.jpg"))
	i, err := c.Stat(dir + "late.jpg")
	if err != nil || i.Size() != 3000 || !i.ModTime().UTC().Equal(shot) {
		t.Error(i, err)
	}
	if got := e.landed("Class 1/late.jpg", photo(3000, 3)); !got.Late {
		t.Errorf("%+v", got)
	}
	must(t, c.Remove(dir+"late.jpg"))
	e.jobs.set("JOB00001", true, "")
	eventually(t, "the job is back", func() bool { return c.Mkdir("/JOB00001/Class 2") == nil })
}

func TestEndedUserIsDisconnected(t *testing.T) {
	e := start(t)
	conn, err := e.dial("anna")
	must(t, err)
	defer conn.Close()
	e.jobs.change(func() { e.jobs.users["anna"].ended = "access was switched off" })
	conn.Wait()
}

// The client goes away in the middle: nothing of the upload is seen by anybody.
func TestKilledClientLeavesNoPhoto(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	for _, bytes := range []int{100_000, 20 << 20} {
		conn, err := e.dial("anna")
		must(t, err)
		writer, err := sftp.NewClient(conn)
		must(t, err)
		f, err := writer.Create("/JOB00001/Class 1/half.jpg")
		must(t, err)
		_, err = f.ReadFrom(strings.NewReader(strings.Repeat("x", bytes)))
		must(t, err)
		conn.Close()
		writer.Close()
		eventually(t, "the upload is broken off", func() bool {
			r, ok := e.record("half.jpg")
			return ok && r.State == files.UploadPartial
		})
		if i, err := c.Stat("/JOB00001/Class 1/half.jpg"); err != nil || i.Size() != int64(bytes-1) {
			t.Error(i, err)
		}
		must(t, c.Remove("/JOB00001/Class 1/half.jpg"))
		uploads, records := e.multiparts()
		if _, err := c.Stat("/JOB00001/Class 1/half.jpg"); !errors.Is(err, fs.ErrNotExist) || uploads != 0 || records != 0 || e.tails() != 0 {
			t.Error("something stayed of an upload that was removed:", err, uploads, records, e.tails())
		}
	}
	album, err := e.files.Folder(t.Context(), job("JOB00001"), files.Root, "Class 1")
	must(t, err)
	if list, err := e.files.List(t.Context(), job("JOB00001"), album.ID); err != nil || len(list) != 0 || e.objects() != 0 {
		t.Error(list, err, e.objects())
	}
}

// The edge is stopped: an upload that runs is finished, nothing new begins, and then every connection ends.
func TestDrain(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	f, err := c.Create("/JOB00001/Class 1/a.jpg")
	must(t, err)
	stopped := make(chan error)
	go func() { stopped <- e.stop() }()
	eventually(t, "nothing new begins", func() bool {
		other, err := c.Create("/JOB00001/Class 1/b.jpg")
		if err == nil {
			other.Close()
			return false
		}
		refused(t, err, "the server is being restarted")
		return true
	})
	if _, err := net.Dial("tcp", e.addr); err == nil {
		t.Error("a new connection is taken")
	}
	_, err = f.Write(photo(1000, 1))
	must(t, err)
	must(t, f.Close())
	must(t, <-stopped)
	e.landed("Class 1/a.jpg", photo(1000, 1))
}

func TestDrainHasAnEnd(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.Drain = 100 * time.Millisecond })
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	_, err := c.Create("/JOB00001/Class 1/a.jpg")
	must(t, err)
	must(t, e.stop())
	if _, err := e.entry("Class 1/a.jpg"); err == nil {
		t.Error("an upload that nobody closed landed")
	}
}

func TestProgress(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	subject, err := events.ProgressSubject("demo", "J-JOB00001")
	must(t, err)
	heard, err := e.nc.SubscribeSync(subject)
	must(t, err)
	must(t, e.nc.Flush())
	f, err := c.Create("/JOB00001/Class 1/a.jpg")
	must(t, err)
	_, err = f.Write(photo(5000, 1))
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	next := func() events.UploadProgress {
		m, err := heard.NextMsgWithContext(ctx)
		must(t, err)
		progress, err := events.DecodeProgress(m.Data)
		must(t, err)
		return progress.Uploads[0]
	}
	u := next()
	for u.Bytes < 5000 {
		u = next()
	}
	if u.Path != "JOB00001/Class 1/a.jpg" || u.Done {
		t.Errorf("%+v", u)
	}
	must(t, f.Close())
	for !u.Done {
		u = next()
	}
	if u.Bytes != 5000 {
		t.Errorf("%+v", u)
	}
}

// R21: a record that its edge left behind with nothing, or that nobody came back for, is swept with all it has; a running
// one is not, nor one that its client can go on with.
func TestSweep(t *testing.T) {
	e := start(t)
	must(t, e.stop())
	key := "o/demo/J-JOB00001/LEFT"
	for name, lease := range map[string]time.Duration{"LEFT": -time.Minute, "RUNNING": time.Hour, "PARTIAL": -time.Minute, "EXPIRED": -time.Minute} {
		parts, err := e.store.Core(t).NewMultipartUpload(t.Context(), e.store.Name, key, minio.PutObjectOptions{})
		must(t, err)
		record := files.Record{
			Job: job("JOB00001"), Folder: "F1", Name: "a.jpg", Upload: name, State: files.UploadOpen, ObjectKey: key, MultipartID: parts,
			Lease: time.Now().Add(lease), Expires: time.Now().Add(time.Hour),
		}
		switch name {
		case "PARTIAL":
			record.Bytes, record.Parts, record.PartBytes = 8<<20, 1, 8<<20
		case "EXPIRED":
			record.State, record.Bytes, record.Expires = files.UploadPartial, 5, time.Now().Add(-time.Second)
			must(t, e.bucket.Put(t.Context(), "t/EXPIRED/0", []byte("12345"), objects.PutOptions{}))
		}
		_, err = e.files.Uploads().Put(t.Context(), record)
		must(t, err)
	}
	e.run(quickLease)
	eventually(t, "the record that was left is swept", func() bool {
		uploads, records := e.multiparts()
		return uploads == 2 && records == 2 && e.tails() == 0
	})
}

func TestHostKeysStay(t *testing.T) {
	dir := t.TempDir() + "/keys"
	first, err := sftpedge.LoadOrCreateHostKeys(dir)
	must(t, err)
	again, err := sftpedge.LoadOrCreateHostKeys(dir)
	must(t, err)
	for i, kind := range []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoRSA} {
		if first[i].PublicKey().Type() != kind || !bytes.Equal(first[i].PublicKey().Marshal(), again[i].PublicKey().Marshal()) {
			t.Error(kind)
		}
	}
	list, err := os.ReadDir(dir)
	must(t, err)
	for _, file := range list {
		if i, err := file.Info(); err != nil || i.Mode() != 0o600 {
			t.Error(file.Name(), i.Mode(), err)
		}
	}
	must(t, os.WriteFile(dir+"/ssh_host_rsa_key", []byte("no key"), 0o600))
	if _, err := sftpedge.LoadOrCreateHostKeys(dir); err == nil || !strings.Contains(err.Error(), "is not a private key") {
		t.Error(err)
	}
}
