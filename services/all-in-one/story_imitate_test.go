package main_test

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path"
	"path/filepath"

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
}

// cmdImitate uploads a file, or a folder's files one after another, on one connection, with the packets of a program that
// cannot be installed; the server's words are then what it said: [!] imitate PROGRAM LOCAL REMOTE
func cmdImitate(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 || imitated[args[0]] == nil {
		ts.Fatalf("usage: imitate winscp|cyberduck|camera|fastput|putstream LOCAL REMOTE")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := imitate(ctx, login(ts), imitated[args[0]], ts.MkAbs(args[1]), args[2])
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
