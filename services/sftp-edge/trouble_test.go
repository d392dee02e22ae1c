package sftpedge_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/files"
	sftpedge "filmgate.dev/services/sftp-edge"
)

// As Node's ssh2 fastPut: 64 writes in flight, out of order, offset 0 late, odd tails.
func TestR1_FastPut(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	content := photo(17<<20+5, 1)
	f, err := c.Create("/JOB00001/Class 1/a.jpg")
	must(t, err)
	type piece struct{ lo, hi int }
	var pieces []piece
	for lo := 0; lo < len(content); lo += 32768 {
		end := min(lo+32768, len(content))
		cut := min(lo+31952, end)
		pieces = append(pieces, piece{lo, cut})
		if cut < end {
			pieces = append(pieces, piece{cut, end})
		}
	}
	for i := 0; i < len(pieces); i += 60 { // shuffled within what is in flight
		window := pieces[i:min(i+60, len(pieces))]
		rand.Shuffle(len(window), func(a, b int) { window[a], window[b] = window[b], window[a] })
	}
	for i, p := range pieces {
		if p.lo == 0 {
			pieces[i], pieces[20] = pieces[20], pieces[i]
			break
		}
	}
	queue := make(chan piece)
	var work sync.WaitGroup
	for range 64 {
		work.Go(func() {
			for p := range queue {
				if _, err := f.WriteAt(content[p.lo:p.hi], int64(p.lo)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, p := range pieces {
		queue <- p
	}
	close(queue)
	work.Wait()
	must(t, f.Close())
	e.landed("Class 1/a.jpg", content)
}

func TestR4R5_FailedWritePoisonsTheHandle(t *testing.T) {
	e := start(t)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	f, err := c.Create("/JOB00001/Class 1/a.jpg")
	must(t, err)
	_, err = f.WriteAt(photo(1000, 1), 0)
	must(t, err)
	_, err = f.WriteAt(photo(1000, 1), 40<<20)
	refused(t, err, "bytes are missing at 1000")
	_, err = f.WriteAt(photo(1000, 1), 1000)
	refused(t, err, "bytes are missing at 1000")
	refused(t, f.Close(), "bytes are missing at 1000")
	if _, err := c.Stat("/JOB00001/Class 1/a.jpg"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// The bucket stalls: the upload that needs it waits under keepalives, everybody else goes on.
func TestR32R33_BucketStalls(t *testing.T) {
	e := start(t)
	tcp, err := net.Dial("tcp", e.addr)
	must(t, err)
	conn, channels, requests, err := ssh.NewClientConn(tcp, e.addr, &ssh.ClientConfig{
		User: "anna", Auth: []ssh.AuthMethod{ssh.Password("secret")}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	must(t, err)
	alive := make(chan struct{}, 100)
	answered := make(chan *ssh.Request)
	go func() {
		defer close(answered)
		for r := range requests {
			if r.Type == "keepalive@openssh.com" && r.WantReply {
				alive <- struct{}{}
			}
			answered <- r
		}
	}()
	raw := ssh.NewClient(conn, channels, answered)
	defer raw.Close()
	c, err := sftp.NewClient(raw)
	must(t, err)
	defer c.Close()
	other := e.client("ulli")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	content := photo(2<<20, 1)
	f, err := c.Create("/JOB00001/Class 1/a.jpg")
	must(t, err)
	_, err = f.Write(content)
	must(t, err)
	e.proxy.gate.Lock()
	closed := make(chan error, 1)
	go func() { closed <- f.Close() }()
	for range 20 {
		must(t, other.Mkdir("/JOB00001/Class 2"))
		must(t, other.RemoveDirectory("/JOB00001/Class 2"))
	}
	select {
	case err := <-closed:
		t.Error("the file was closed while the bucket stood still:", err)
	case <-alive: // after 5 s
	}
	e.proxy.gate.Unlock()
	must(t, <-closed)
	e.landed("Class 1/a.jpg", content)
}

func TestBucketAway(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.Store = 2 * time.Second })
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	f, err := c.Create("/JOB00001/Class 1/a.jpg")
	must(t, err)
	_, err = f.Write(photo(1000, 1))
	must(t, err)
	e.proxy.close()
	refused(t, f.Close(), "could not be stored")
	if _, err := e.entry("Class 1/a.jpg"); err == nil {
		t.Error("a file without an object landed")
	}
}

func TestBusAway(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.Commit = 2 * time.Second })
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	f, err := c.Create("/JOB00001/Class 1/a.jpg")
	must(t, err)
	_, err = f.Write(photo(1000, 1))
	must(t, err)
	e.bus.Stop()
	err = f.Close()
	refused(t, err, "try again")
	_, err = c.Stat("/JOB00001/Class 1/a.jpg")
	if err == nil {
		t.Error("R7: the size of a file that nobody stored")
	}
	if list, err := c.ReadDir("/"); err != nil || len(list) != 2 {
		t.Error("the list of jobs needs no bus:", err)
	}
}

// A user may not put a file over one that an edge does not know has changed: two edges, one path, the later OPEN wins.
func TestTwoEdgesOnePath(t *testing.T) {
	e := start(t)
	one := e.client("anna")
	e.run()
	two := e.client("ulli")
	must(t, one.Mkdir("/JOB00001/Class 1"))
	const path = "/JOB00001/Class 1/a.jpg"
	early, err := one.Create(path)
	must(t, err)
	late, err := two.Create(path)
	must(t, err)
	for i, f := range []*sftp.File{early, late} {
		_, err = f.Write(photo(1000+i, byte(i)))
		must(t, err)
	}
	must(t, late.Close())
	refused(t, early.Close(), "replaced by a newer upload of the same name")
	e.landed("Class 1/a.jpg", photo(1001, 1))
	if n := e.objects(); n != 1 {
		t.Errorf("%d objects", n)
	}
}

// Programs upload many small files over several connections.
func TestManyFilesAtOnce(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.Memory = 64 << 20 })
	first := e.client("anna")
	must(t, first.Mkdir("/JOB00001/Class 1"))
	var work sync.WaitGroup
	for n := range 6 {
		c := e.client("anna")
		work.Go(func() {
			for i := range 5 {
				if err := upload(c, "/JOB00001/Class 1/"+string(rune('a'+n))+string(rune('0'+i))+".jpg", photo(10<<20/(i+1), byte(n))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	album, err := e.files.Folder(t.Context(), job("JOB00001"), files.Root, "Class 1")
	must(t, err)
	list, err := e.files.List(t.Context(), job("JOB00001"), album.ID)
	if err != nil || len(list) != 30 || e.objects() != 30 {
		t.Error(len(list), err, e.objects())
	}
	if uploads, records := e.multiparts(); uploads != 0 || records != 0 {
		t.Error(uploads, records)
	}
}
