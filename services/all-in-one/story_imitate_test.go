package main_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"filmgate.dev/pkg/sftpclients"
)

// imitated are the programs that cannot be installed, by their packets.
var imitated = map[string]func(*sftpclients.Conn, sftpclients.File, string) error{
	"winscp":    (*sftpclients.Conn).PutWinSCP,
	"cyberduck": (*sftpclients.Conn).PutCyberduck,
	"camera":    (*sftpclients.Conn).PutCamera,
	"fastput":   func(c *sftpclients.Conn, f sftpclients.File, name string) error { return c.FastPut(f, name, 1) },
	"putstream": (*sftpclients.Conn).PutStream,
	"filezilla": (*sftpclients.Conn).PutFileZilla,

	"winscp-resume":    (*sftpclients.Conn).ResumeWinSCP,
	"filezilla-resume": (*sftpclients.Conn).ResumeFileZilla,
}

// cmdImitate uploads a file, or a folder's files one after another, on one connection, with the packets of a program that
// cannot be installed; the server's words are then what it said: [!] imitate PROGRAM LOCAL REMOTE [cut=BYTES]
//
// With cut the connection is lost once so many bytes were written, which then is what must happen.
func cmdImitate(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 || len(args) > 4 || imitated[args[0]] == nil {
		ts.Fatalf("usage: imitate %s LOCAL REMOTE [cut=BYTES]", strings.Join(slices.Sorted(maps.Keys(imitated)), "|"))
	}
	put := imitated[args[0]]
	if len(args) == 4 {
		put = cutOff(ts, put, args[3])
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := imitate(ctx, login(ts), put, ts.MkAbs(args[1]), args[2])
	said := ""
	if err != nil {
		said = err.Error() + "\n"
	}
	ts.Check(os.WriteFile(ts.MkAbs("said"), []byte(said), 0o600))
	switch {
	case err != nil && !neg:
		ts.Fatalf("%s failed: %v\nfilmgate.log:\n%s", args[0], err, tail(ts))
	case err == nil && neg:
		ts.Fatalf("%s went well, which it must not", args[0])
	}
}

// cutOff makes an upload one that breaks off.
func cutOff(ts *testscript.TestScript, put func(*sftpclients.Conn, sftpclients.File, string) error, arg string) func(*sftpclients.Conn, sftpclients.File, string) error {
	value, _ := strings.CutPrefix(arg, "cut=")
	bytes, err := strconv.ParseInt(value, 10, 64)
	ts.Check(err)
	return func(c *sftpclients.Conn, f sftpclients.File, name string) error {
		c.BreakAfter(bytes)
		err := put(c, f, name)
		switch {
		case errors.Is(err, sftpclients.ErrBroken):
			return nil
		case err == nil:
			return fmt.Errorf("the upload ended before %d bytes were written", bytes)
		}
		return err
	}
}

func login(ts *testscript.TestScript) sftpclients.Login {
	return sftpclients.Login{
		Addr: net.JoinHostPort(ts.Getenv("SFTP_HOST"), ts.Getenv("SFTP_PORT")),
		User: ts.Getenv("SFTP_USER"), Password: ts.Getenv("SFTP_PASSWORD"), HostKey: ts.Getenv("SFTP_HOST_KEY"),
	}
}

func imitate(ctx context.Context, l sftpclients.Login, put func(*sftpclients.Conn, sftpclients.File, string) error, local, remote string) error {
	c, err := sftpclients.Dial(ctx, l)
	if err != nil {
		return err
	}
	defer c.Close()
	return filepath.WalkDir(local, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		i, err := f.Stat()
		if err != nil {
			return err
		}
		to := remote
		if name != local {
			to = path.Join(remote, filepath.Base(name))
		}
		return put(c, sftpclients.File{Content: f, Size: i.Size(), Modified: i.ModTime()}, path.Join("/", to))
	})
}
