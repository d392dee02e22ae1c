package sftpedge_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/sftpclients"
)

// login is how the programs that package sftpclients imitates come in.
func (e *edge) login(user string) sftpclients.Login {
	return sftpclients.Login{Addr: e.addr, User: user, Password: "secret", HostKey: ssh.FingerprintSHA256(e.keys[0].PublicKey())}
}

// imitated is a session of such a program.
func (e *edge) imitated(user string) *sftpclients.Conn {
	e.t.Helper()
	c, err := sftpclients.Dial(e.t.Context(), e.login(user))
	must(e.t, err)
	e.t.Cleanup(func() { c.Close() })
	return c
}

func fileOf(content []byte, modified time.Time) sftpclients.File {
	return sftpclients.File{Content: bytes.NewReader(content), Size: int64(len(content)), Modified: modified}
}

type put = func(*sftpclients.Conn, sftpclients.File, string) error

var shot = time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)

// Every program's packets, for a file in many parts, a small one over it and an empty one: equal bytes, one version each,
// and nothing left behind.
func TestImitatedClients(t *testing.T) {
	for _, test := range []struct {
		program string
		put     put
		times   bool // it keeps them
		renames bool // it removes what it replaces: what comes is another photo
		pooled  bool // it is rclone, and uses another connection as well
	}{
		{"WinSCP", (*sftpclients.Conn).PutWinSCP, true, false, false}, // a small file is not renamed
		{"FileZilla", (*sftpclients.Conn).PutFileZilla, true, false, false},
		{"fastPut", func(c *sftpclients.Conn, f sftpclients.File, name string) error { return c.FastPut(f, name, 1) }, false, false, false},
		{"PutStream", (*sftpclients.Conn).PutStream, false, false, false},
		{"Camera", (*sftpclients.Conn).PutCamera, false, false, false},
		{"SCP", (*sftpclients.Conn).PutSCP, true, false, false},
		{"Cyberduck", (*sftpclients.Conn).PutCyberduck, true, true, false},
		{"rclone 1.63", nil, true, false, true},
	} {
		t.Run(test.program, func(t *testing.T) {
			e := start(t)
			must(t, e.client("anna").Mkdir("/JOB00001/Class 1"))
			c := e.imitated("anna")
			if test.pooled {
				pool := e.imitated("anna")
				test.put = func(c *sftpclients.Conn, f sftpclients.File, name string) error { return c.PutRclone(pool, f, name) }
			}
			var ids, uploads []string
			for i, content := range [][]byte{photo(13<<20+17, 1), photo(70_000, 2), nil} {
				must(t, test.put(c, fileOf(content, shot), "/JOB00001/Class 1/a.jpg"))
				landed := e.landed("Class 1/a.jpg", content)
				if landed.ModifiedAt.Equal(shot) != test.times {
					t.Errorf("its time is %v", landed.ModifiedAt)
				}
				if i > 0 && (landed.Upload == uploads[i-1] || (landed.ID != ids[i-1]) != test.renames) {
					t.Errorf("%+v after %v of %v", landed, uploads, ids)
				}
				ids, uploads = append(ids, landed.ID), append(uploads, landed.Upload)
			}
			must(t, test.put(c, fileOf(nil, shot), "/JOB00001/Class 1/a.jpg"))
			if again := e.landed("Class 1/a.jpg", nil); (again.Upload != uploads[2]) != test.renames {
				t.Error("the same bytes became a version")
			}
			list, err := e.client("anna").ReadDir("/JOB00001/Class 1")
			if err != nil || len(list) != 1 {
				t.Error(list, err)
			}
			eventually(t, "nothing is left behind", func() bool {
				uploads, records := e.multiparts()
				return uploads == 0 && records == 0
			})
			var status *sftpclients.Status
			if err := test.put(c, fileOf(photo(1000, 1), shot), "/JOB00001/a.jpg"); !errors.As(err, &status) || status.Code != 4 ||
				status.Text != "put photos into an album folder, e.g. JOB00001/Class 1/" {
				t.Error(err)
			}
		})
	}
}

// R24: a large file of WinSCP's replaces what stands there by REMOVE and RENAME.
func TestWinSCPReplaces(t *testing.T) {
	e := start(t)
	must(t, e.client("anna").Mkdir("/JOB00001/Class 1"))
	c := e.imitated("anna")
	first, second := photo(300_000, 1), photo(9<<20, 2)
	must(t, c.PutWinSCP(fileOf(first, shot), "/JOB00001/Class 1/a.jpg"))
	one := e.landed("Class 1/a.jpg", first)
	must(t, c.ResumeWinSCP(fileOf(second, shot), "/JOB00001/Class 1/a.jpg")) // there is nothing to go on with
	if two := e.landed("Class 1/a.jpg", second); two.ID == one.ID || !two.ModifiedAt.Equal(shot) {
		t.Errorf("%+v", two)
	}
	if n := e.objects(); n != 2 {
		t.Errorf("%d objects: the removed one must stay", n)
	}
}

// R9: a resume of what is whole already changes nothing but its time. R30: a folder is looked at without being read.
func TestFileZillaResumesWhatIsWhole(t *testing.T) {
	e := start(t)
	must(t, e.client("anna").Mkdir("/JOB00001/Class 1"))
	c := e.imitated("anna")
	content := photo(9<<20, 1)
	must(t, c.PutFileZilla(fileOf(content, shot), "/JOB00001/Class 1/a.jpg"))
	one := e.landed("Class 1/a.jpg", content)
	must(t, c.ResumeFileZilla(fileOf(content, shot.Add(time.Hour)), "/JOB00001/Class 1/a.jpg"))
	if again := e.landed("Class 1/a.jpg", content); again.Upload != one.Upload || !again.ModifiedAt.Equal(shot.Add(time.Hour)) {
		t.Errorf("%+v", again)
	}
	names, err := c.ListFileZilla("/JOB00001/Class 1")
	if err != nil || len(names) != 1 || names[0] != "a.jpg" {
		t.Error(names, err)
	}
}

// Ten connections of FileZilla's queue come into a folder that none of them has seen.
func TestFileZillaTenConnections(t *testing.T) {
	e := start(t)
	queue := make(map[string]sftpclients.File)
	for i := range 40 {
		queue[fmt.Sprintf("%02d.jpg", i)] = fileOf(photo(300_000, byte(i)), shot)
	}
	must(t, sftpclients.PutFolderFileZilla(t.Context(), e.login("anna"), queue, "/JOB00001/Class 1"))
	for i := range 40 {
		if landed := e.landed(fmt.Sprintf("Class 1/%02d.jpg", i), photo(300_000, byte(i))); !landed.ModifiedAt.Equal(shot) || landed.Supersedes != "" {
			t.Errorf("%+v", landed)
		}
	}
	list, err := e.client("anna").ReadDir("/JOB00001")
	if err != nil || len(list) != 1 {
		t.Error(list, err)
	}
	if n := e.objects(); n != 40 {
		t.Errorf("%d objects", n)
	}
}

// Programs of several kinds write at the same time.
func TestImitatedClientsAtOnce(t *testing.T) {
	e := start(t)
	must(t, e.client("anna").Mkdir("/JOB00001/Class 1"))
	content := photo(10<<20, 1)
	failed := make(chan error)
	puts := []put{
		(*sftpclients.Conn).PutWinSCP, (*sftpclients.Conn).PutFileZilla, (*sftpclients.Conn).PutStream, (*sftpclients.Conn).PutSCP,
		func(c *sftpclients.Conn, f sftpclients.File, name string) error { return c.FastPut(f, name, 2) },
	}
	for i, put := range puts {
		c := e.imitated("anna")
		go func() { failed <- put(c, fileOf(content, shot), fmt.Sprintf("/JOB00001/Class 1/%d.jpg", i)) }()
	}
	for range puts {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	for i := range puts {
		e.landed(fmt.Sprintf("Class 1/%d.jpg", i), content)
	}
}
