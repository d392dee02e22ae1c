package sftpedge_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crypto/ed25519"
	"crypto/rand"

	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/files"
)

// openSSH is the programs of OpenSSH, logged in as anna with a key.
type openSSH struct {
	t    testing.TB
	home string
	port string
}

func newOpenSSH(t testing.TB, e *edge) openSSH {
	for _, program := range []string{"sftp", "scp"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing: apt-get install -y openssh-client", program)
		}
	}
	home := t.TempDir()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	must(t, os.WriteFile(home+"/key", pem.EncodeToMemory(block), 0o600))
	key, err := ssh.NewPublicKey(public)
	must(t, err)
	e.jobs.change(func() { e.jobs.users["anna"].key = key })
	_, port, err := net.SplitHostPort(e.addr)
	must(t, err)
	known := fmt.Sprintf("[127.0.0.1]:%s %s", port, ssh.MarshalAuthorizedKey(e.keys[0].PublicKey()))
	must(t, os.WriteFile(home+"/known", []byte(known), 0o600))
	return openSSH{t, home, port}
}

func (o openSSH) options() []string {
	return []string{
		"-F", "/dev/null", "-P", o.port, "-i", o.home + "/key", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
		"-o", "UserKnownHostsFile=" + o.home + "/known", "-o", "StrictHostKeyChecking=yes",
	}
}

// run answers what the program printed, and its error.
func (o openSSH) run(program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, append(o.options(), args...)...).CombinedOutput()
	return string(out), err
}

// batch runs sftp's commands one after another.
func (o openSSH) batch(lines ...string) (string, error) {
	file := filepath.Join(o.home, "batch")
	must(o.t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return o.run("sftp", "-b", file, "anna@127.0.0.1")
}

func (o openSSH) file(name string, content []byte) string {
	path := filepath.Join(o.home, name)
	must(o.t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(o.t, os.WriteFile(path, content, 0o600))
	return path
}

func TestOpenSSHFolder(t *testing.T) {
	e := start(t)
	o := newOpenSSH(t, e)
	small, large := photo(700_000, 1), photo(20<<20, 2)
	shot := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	must(t, os.Chtimes(o.file("Class 1/group/it's ü.jpg", small), shot, shot))
	o.file("Class 1/individuals/large.jpg", large)
	o.file("Class 1/plain.jpg", small)
	o.file("Class 1/empty.jpg", nil)
	o.file("Class 1/.DS_Store", []byte("junk"))
	out, err := o.batch("cd JOB00001", `mkdir "Class 1"`, fmt.Sprintf("put -pR %q .", o.home+"/Class 1"), `ls -l "Class 1"`)
	if err != nil {
		t.Fatal(out)
	}
	if got := e.landed("Class 1/group/it's ü.jpg", small); !got.ModifiedAt.Equal(shot) {
		t.Error(got.ModifiedAt)
	}
	e.landed("Class 1/individuals/large.jpg", large)
	e.landed("Class 1/plain.jpg", small)
	e.landed("Class 1/empty.jpg", nil)
	if !strings.Contains(out, "700000") || strings.Contains(out, ".DS_Store") {
		t.Error(out)
	}
	out, err = o.batch(`get "JOB00001/Class 1/individuals/large.jpg" ` + o.home + "/back.jpg")
	if back, readErr := os.ReadFile(o.home + "/back.jpg"); err != nil || readErr != nil || !bytes.Equal(back, large) {
		t.Error(out, readErr)
	}
}

func TestOpenSSHRename(t *testing.T) {
	e := start(t)
	o := newOpenSSH(t, e)
	one := o.file("a.jpg", photo(1000, 1))
	out, err := o.batch("cd JOB00001", "mkdir A", "put "+one+" A/a.jpg", "rename A/a.jpg A/b.jpg", "rename A B", "ls B", "rm B/b.jpg", "rmdir B", "df /")
	if err != nil || !strings.Contains(out, "B/b.jpg") {
		t.Error(out)
	}
}

func TestOpenSSHRefusals(t *testing.T) {
	e := start(t)
	o := newOpenSSH(t, e)
	one := o.file("a.jpg", photo(1000, 1))
	for _, lines := range [][]string{
		{"put " + one + " JOB00001/a.jpg"}, {"mkdir JOB00009"}, {"mkdir JOB00001/group"}, {"rmdir JOB00001"},
	} {
		if out, err := o.batch(lines...); err == nil {
			t.Errorf("%v was not refused: %s", lines, out)
		}
	}
}

func TestR10_SCP(t *testing.T) {
	e := start(t)
	o := newOpenSSH(t, e)
	must(t, e.client("anna").Mkdir("/JOB00001/Class 1"))
	const to = "anna@127.0.0.1:/JOB00001/Class 1/a.jpg"
	for i, size := range []int{10 << 20, 300_000} { // the second one is smaller
		content := photo(size, byte(i))
		if out, err := o.run("scp", o.file("a.jpg", content), to); err != nil {
			t.Fatal(out)
		}
		e.landed("Class 1/a.jpg", content)
	}
	out, err := o.run("scp", "-O", o.file("b.jpg", photo(1000, 1)), "anna@127.0.0.1:/JOB00001/Class 1/b.jpg")
	if err == nil || !strings.Contains(out, "SFTP only") {
		t.Error(out)
	}
}

// The program is killed in the middle of a file: the ones before it are there, and nothing else.
func TestOpenSSHKilled(t *testing.T) {
	e := start(t)
	o := newOpenSSH(t, e)
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	first := o.file("first.jpg", photo(100_000, 1))
	second := o.file("second.jpg", photo(40<<20, 2))
	batch := o.file("killed", []byte(fmt.Sprintf("put %s \"JOB00001/Class 1/first.jpg\"\nput %s \"JOB00001/Class 1/second.jpg\"\n", first, second)))
	program := exec.Command("sftp", append(o.options(), "-l", "40000", "-b", batch, "anna@127.0.0.1")...)
	must(t, program.Start())
	eventually(t, "the second file is on its way", func() bool {
		i, err := c.Stat("/JOB00001/Class 1/second.jpg")
		return err == nil && i.Size() > 0
	})
	must(t, program.Process.Kill())
	program.Wait()
	e.landed("Class 1/first.jpg", photo(100_000, 1))
	eventually(t, "the upload is broken off", func() bool {
		record, ok := e.record("second.jpg")
		return ok && record.State == files.UploadPartial
	})
	if _, err := e.entry("Class 1/second.jpg"); err == nil || e.objects() != 1 {
		t.Error("half a photo landed")
	}
	// R17: the same program goes on where the file is now.
	if out, err := o.batch("reput " + second + " \"JOB00001/Class 1/second.jpg\""); err != nil {
		t.Fatal(out)
	}
	e.landed("Class 1/second.jpg", photo(40<<20, 2))
	e.clean()
}

func TestLFTP(t *testing.T) {
	if _, err := exec.LookPath("lftp"); err != nil {
		t.Skip("lftp is not here: apt-get install -y lftp")
	}
	e := start(t)
	must(t, e.client("anna").Mkdir("/JOB00001/Class 1"))
	o := newOpenSSH(t, e)
	content := photo(9<<20, 1)
	path := o.file("a.jpg", content)
	host, port, err := net.SplitHostPort(e.addr)
	must(t, err)
	connect := fmt.Sprintf(`set sftp:connect-program "ssh -a -x -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -i %s/key"; set net:max-retries 1; open -u anna,x -p %s sftp://%s; cd "/JOB00001/Class 1"; `, o.home, port, host)
	for i, command := range []string{"put " + path, "put -c " + path, "set xfer:use-temp-file yes; put " + path + " -o b.jpg", "mirror -R --no-perms " + o.home + "/more ."} {
		o.file("more/c.jpg", photo(1000, 3))
		out, err := exec.CommandContext(t.Context(), "lftp", "-c", connect+command).CombinedOutput()
		if err != nil {
			t.Fatalf("%d %s: %s", i, command, out)
		}
	}
	one := e.landed("Class 1/a.jpg", content)
	if one.Supersedes != "" {
		t.Error("R9: put -c of a whole file made a version")
	}
	e.landed("Class 1/b.jpg", content)
	e.landed("Class 1/c.jpg", photo(1000, 3))
}
