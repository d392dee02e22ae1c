package main_test

import (
	"net"
	"os"
	"os/exec"
	"path"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// clients are the words that run a program which uploads.
var clients = map[string]func(*testscript.TestScript, bool, []string){
	"sftp": cmdSFTP, "scp": cmdSCP, "lftp": cmdLFTP, "psftp": cmdPSFTP, "pscp": cmdPSCP, "rclone": cmdRclone, "curl": cmdCurl,
	"python": cmdPython, "filezilla": cmdFileZilla, "imitate": cmdImitate,
}

// The clients of the matrix, beside OpenSSH and lftp. Each has its own way of being told where to go.

// cmdPSFTP runs PuTTY's psftp with the commands of a file: [!] psftp FILE
func cmdPSFTP(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, clientCommand(ts, "psftp", append(puttyArgs(ts), "-be", "-b", ts.MkAbs(args[0]), target(ts))...))
}

// cmdPSCP runs PuTTY's pscp: [!] pscp [-p] [-r] FILE... REMOTE
func cmdPSCP(ts *testscript.TestScript, neg bool, args []string) {
	last := len(args) - 1
	args[last] = target(ts) + ":" + args[last]
	check(ts, neg, clientCommand(ts, "pscp", append(puttyArgs(ts), append([]string{"-sftp", "-q"}, args...)...)...))
}

func puttyArgs(ts *testscript.TestScript) []string {
	return []string{"-batch", "-P", ts.Getenv("SFTP_PORT"), "-pw", ts.Getenv("SFTP_PASSWORD"), "-hostkey", ts.Getenv("SFTP_HOST_KEY")}
}

// cmdRclone runs rclone, which knows the edge as edge: — [!] rclone ARG...
func cmdRclone(ts *testscript.TestScript, neg bool, args []string) {
	obscured, err := exec.Command("rclone", "obscure", ts.Getenv("SFTP_PASSWORD")).Output()
	ts.Check(err)
	cmd := clientCommand(ts, "rclone", append([]string{"--config", "/dev/null", "--retries", "1"}, args...)...)
	cmd.Env = append(cmd.Env, "RCLONE_CONFIG_EDGE_TYPE=sftp", "RCLONE_CONFIG_EDGE_HOST="+ts.Getenv("SFTP_HOST"),
		"RCLONE_CONFIG_EDGE_PORT="+ts.Getenv("SFTP_PORT"), "RCLONE_CONFIG_EDGE_USER="+ts.Getenv("SFTP_USER"),
		"RCLONE_CONFIG_EDGE_PASS="+strings.TrimSpace(string(obscured)))
	check(ts, neg, cmd)
}

// cmdCurl sends a file with curl: [!] curl FILE REMOTE [ARG...]
func cmdCurl(ts *testscript.TestScript, neg bool, args []string) {
	to := "sftp://" + path.Join(net.JoinHostPort(ts.Getenv("SFTP_HOST"), ts.Getenv("SFTP_PORT")), strings.ReplaceAll(args[1], " ", "%20"))
	all := append([]string{"-q", "-sSk", "-u", ts.Getenv("SFTP_USER") + ":" + ts.Getenv("SFTP_PASSWORD"), "-T", args[0], to}, args[2:]...)
	check(ts, neg, clientCommand(ts, "curl", all...))
}

// debianPython is the Python that Debian's python3-… packages belong to, whatever else is in the PATH.
const debianPython = "/usr/bin/python3"

// cmdPython runs a program that finds the edge in SFTP_HOST, SFTP_PORT, SFTP_USER and SFTP_PASSWORD: [!] python FILE
func cmdPython(ts *testscript.TestScript, neg bool, args []string) {
	cmd := clientCommand(ts, debianPython, append([]string{"-W", "ignore"}, args...)...)
	for _, name := range []string{"SFTP_HOST", "SFTP_PORT", "SFTP_USER"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	check(ts, neg, cmd)
}

// cmdMount shows the edge as a folder, by sshfs, until the story ends or unmounts it: mount FOLDER
func cmdMount(ts *testscript.TestScript, neg bool, args []string) {
	folder := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(folder, 0o755))
	cmd := clientCommand(ts, "sshfs", "-p", ts.Getenv("SFTP_PORT"), "-F", "/dev/null", "-o",
		"password_stdin,StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,LogLevel=ERROR", target(ts)+":/", folder)
	cmd.Stdin = strings.NewReader(ts.Getenv("SFTP_PASSWORD") + "\n")
	// sshfs goes on in the background, with whatever it was given to print on.
	log, err := os.Create(ts.MkAbs("sshfs.log"))
	ts.Check(err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		ts.Fatalf("sshfs: %v\n%s", err, ts.ReadFile("sshfs.log"))
	}
	s := theStory(ts)
	s.mounted = folder
}

// cmdUnmount takes the folder away again: unmount
func cmdUnmount(ts *testscript.TestScript, neg bool, args []string) {
	s := theStory(ts)
	if out, err := exec.Command("fusermount3", "-u", s.mounted).CombinedOutput(); err != nil {
		ts.Fatalf("fusermount3: %v\n%s", err, out)
	}
	s.mounted = ""
}

// unmount takes a folder away that a story left behind.
func (s *story) unmount() {
	if s.mounted != "" {
		_ = exec.Command("fusermount3", "-u", "-z", s.mounted).Run()
	}
}

// hasFUSE reports whether folders can be mounted here: in many containers they cannot.
func hasFUSE() bool {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}
