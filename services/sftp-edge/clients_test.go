package sftpedge_test

import (
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// need skips the test where a program is missing.
func need(t *testing.T, program, packageName string) {
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not here: apt-get install -y %s", program, packageName)
	}
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %s", program, err, out)
	}
}

// rclone fails a file whose time cannot be set, asks on several connections, and uses temporary names.
func TestRclone(t *testing.T) {
	need(t, "rclone", "rclone")
	e := start(t)
	must(t, e.client("anna").Mkdir("/JOB00001/Class 1"))
	o := newOpenSSH(t, e)
	o.file("photos/a.jpg", photo(5<<20, 1))
	o.file("photos/group/b.jpg", photo(12<<20, 2))
	o.file("photos/empty.jpg", nil)
	shot := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	must(t, os.Chtimes(o.home+"/photos/a.jpg", shot, shot))
	sync := func() {
		run(t, "rclone", "--config", "/dev/null", "--retries", "1", "sync", o.home+"/photos", ":sftp:JOB00001/Class 1",
			"--sftp-host", "127.0.0.1", "--sftp-port", o.port, "--sftp-user", "anna", "--sftp-key-file", o.home+"/key")
	}
	sync()
	one := e.landed("Class 1/a.jpg", photo(5<<20, 1))
	if !one.ModifiedAt.Equal(shot) {
		t.Error(one.ModifiedAt)
	}
	e.landed("Class 1/group/b.jpg", photo(12<<20, 2))
	e.landed("Class 1/empty.jpg", nil)
	sync() // transfers nothing
	if again := e.landed("Class 1/a.jpg", photo(5<<20, 1)); again.Sequence != one.Sequence {
		t.Error("a file was sent again")
	}
}

// curl takes no notice of a CLOSE that fails, and writes pieces of odd lengths.
func TestCurl(t *testing.T) {
	need(t, "curl", "curl")
	e := start(t)
	must(t, e.client("anna").Mkdir("/JOB00001/Class 1"))
	o := newOpenSSH(t, e)
	run(t, "curl", "-sSk", "--key", o.home+"/key", "--pubkey", "", "-u", "anna:", "-T", o.file("a.jpg", photo(9<<20+1, 1)),
		"sftp://"+net.JoinHostPort("127.0.0.1", o.port)+"/JOB00001/Class%201/")
	e.landed("Class 1/a.jpg", photo(9<<20+1, 1))
}

// psftp writes 4 KiB at a time and speaks its own dialect of algorithms.
func TestPSFTP(t *testing.T) {
	need(t, "psftp", "putty-tools")
	e := start(t)
	must(t, e.client("anna").Mkdir("/JOB00001/Class 1"))
	o := newOpenSSH(t, e)
	batch := o.file("batch", []byte("cd \"JOB00001/Class 1\"\nput "+o.file("a.jpg", photo(3<<20, 1))+"\nls\nchmod 600 a.jpg\n"))
	run(t, "psftp", "-batch", "-P", o.port, "-pw", "secret", "-hostkey", ssh.FingerprintSHA256(e.keys[0].PublicKey()), "-b", batch, "anna@127.0.0.1")
	e.landed("Class 1/a.jpg", photo(3<<20, 1))
}

// sshfs looks at a file while it is open, sets times by path, and renames over files.
func TestSSHFS(t *testing.T) {
	need(t, "sshfs", "sshfs")
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("there is no /dev/fuse")
	}
	e := start(t)
	must(t, e.client("anna").Mkdir("/JOB00001/Class 1"))
	o := newOpenSSH(t, e)
	mount := t.TempDir()
	run(t, "sshfs", "-p", o.port, "-F", "/dev/null", "-o", "IdentityFile="+o.home+"/key,StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null", "anna@127.0.0.1:/", mount)
	defer exec.Command("fusermount", "-uz", mount).Run()
	dir := mount + "/JOB00001/Class 1"
	run(t, "cp", "-p", o.file("a.jpg", photo(3<<20, 1)), dir+"/a.jpg")
	run(t, "mkdir", dir+"/group")
	run(t, "mv", dir+"/a.jpg", dir+"/group/b.jpg")
	run(t, "cmp", dir+"/group/b.jpg", o.home+"/a.jpg")
	e.landed("Class 1/group/b.jpg", photo(3<<20, 1))
}
