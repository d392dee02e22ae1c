package local

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// photoFile is one file that a client is to send.
type photoFile struct {
	path   string
	name   string
	sha256 string
}

// told is what clients were told, and when.
type told struct {
	mu      sync.Mutex
	ok      map[string]time.Time // by album/name
	retries map[string]int       // by client: programs started again, and tries that the client counts itself
	said    map[string]string    // by client: the last words about a failure
}

func newTold() *told {
	return &told{ok: map[string]time.Time{}, retries: map[string]int{}, said: map[string]string{}}
}

func (t *told) landed(album, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if key := album + "/" + name; t.ok[key].IsZero() {
		t.ok[key] = time.Now()
	}
}

func (t *told) failed(client, words string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.retries[client]++
	t.said[client] = words
}

func (t *told) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.ok)
}

// upload is one client's work: files into an album.
type upload struct {
	t      *testing.T
	dir    string // for what it needs to run
	client string
	target string // host:port
	key    string
	job    string
	album  string
	files  []photoFile
	told   *told
}

func (u *upload) sshOptions() []string {
	return []string{
		"-F", "none", "-i", u.key, "-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-oBatchMode=yes", "-oStrictHostKeyChecking=no",
		"-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR", "-oConnectTimeout=20", "-oServerAliveInterval=10", "-oServerAliveCountMax=3",
	}
}

func (u *upload) missing() []photoFile {
	u.told.mu.Lock()
	defer u.told.mu.Unlock()
	var left []photoFile
	for _, f := range u.files {
		if u.told.ok[u.album+"/"+f.name].IsZero() {
			left = append(left, f)
		}
	}
	return left
}

// run sends everything, and what failed again, until all was told OK: as a photographer would, or a script with retries.
func (u *upload) run(ctx context.Context) error {
	clients := map[string]func(context.Context, []photoFile) error{"sftp": u.openSSH, "lftp": u.lftp, "rclone": u.rclone}
	for {
		left := u.missing()
		if len(left) == 0 {
			return nil
		}
		err := clients[u.client](ctx, left)
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %d files were never told OK: %w", u.client, len(u.missing()), ctx.Err())
		}
		if err != nil {
			u.told.failed(u.client, err.Error())
			time.Sleep(time.Second) // a person's finger, not a synchronisation
		}
	}
}

// openSSH sends with `sftp -b`, which gives up at the first failure. The shell's echo after each put tells when it was OK.
func (u *upload) openSSH(ctx context.Context, files []photoFile) error {
	var batch strings.Builder
	fmt.Fprintf(&batch, "-mkdir \"%s/%s\"\n", u.job, u.album)
	for _, f := range files {
		fmt.Fprintf(&batch, "put %q \"%s/%s/%s\"\n!echo OK %s\n", f.path, u.job, u.album, f.name, f.name)
	}
	host, port, _ := net.SplitHostPort(u.target)
	cmd := exec.CommandContext(ctx, "sftp", append(u.sshOptions(), "-q", "-P", port, "-b", "-", sftpUser+"@"+host)...)
	cmd.Stdin = strings.NewReader(batch.String())
	return u.follow(cmd)
}

// lftp goes on with a file that broke off, and connects again by itself; each connection of it is counted.
func (u *upload) lftp(ctx context.Context, files []photoFile) error {
	connections := filepath.Join(u.dir, "connections")
	connect := filepath.Join(u.dir, "connect")
	ssh := fmt.Sprintf("#!/bin/sh\necho >>%q\nexec ssh -a -x %s \"$@\"\n", connections, strings.Join(u.sshOptions(), " "))
	must(u.t, os.WriteFile(connect, []byte(ssh), 0o700)) //nolint:gosec // a program
	host, port, _ := net.SplitHostPort(u.target)
	var script strings.Builder
	fmt.Fprintf(&script, "set sftp:connect-program %s\nset sftp:auto-confirm yes\nset net:max-retries 30\nset net:timeout 60\n", connect)
	fmt.Fprint(&script, "set net:reconnect-interval-base 1\nset net:reconnect-interval-multiplier 1\n")
	fmt.Fprintf(&script, "open -u %s, -p %s sftp://%s\nmkdir -f \"%s/%s\"\n", sftpUser, port, host, u.job, u.album)
	for _, f := range files {
		fmt.Fprintf(&script, "put -c %q -o \"%s/%s/%s\" && echo OK %s\n", f.path, u.job, u.album, f.name, f.name)
	}
	path := filepath.Join(u.dir, "script")
	must(u.t, os.WriteFile(path, []byte(script.String()), 0o600))
	must(u.t, os.WriteFile(connections, nil, 0o600))
	err := u.follow(exec.CommandContext(ctx, "lftp", "--norc", "-f", path))
	if b, _ := os.ReadFile(connections); len(b) > 1 {
		for range len(b) - 1 {
			u.told.failed(u.client, "connected again")
		}
	}
	return err
}

// rclone compares what is there with what it has, and sends what is missing, up to four files at once.
func (u *upload) rclone(ctx context.Context, _ []photoFile) error {
	host, port, _ := net.SplitHostPort(u.target)
	cmd := exec.CommandContext(ctx, "rclone", "--config", "/dev/null", "--use-json-log", "-v", "--stats", "0", "--transfers", "4", "--retries", "20", "--retries-sleep", "1s",
		"copy", filepath.Dir(u.files[0].path), "edge:"+u.job+"/"+u.album)
	cmd.Env = append(os.Environ(), "RCLONE_CONFIG_EDGE_TYPE=sftp", "RCLONE_CONFIG_EDGE_HOST="+host, "RCLONE_CONFIG_EDGE_PORT="+port,
		"RCLONE_CONFIG_EDGE_USER="+sftpUser, "RCLONE_CONFIG_EDGE_KEY_FILE="+u.key, "RCLONE_CONFIG_EDGE_DISABLE_HASHCHECK=true")
	err := u.follow(cmd)
	if err == nil { // what it found there needed no sending
		for _, f := range u.files {
			u.told.landed(u.album, f.name)
		}
	}
	return err
}

// follow runs a client and notes each file as it is told OK.
func (u *upload) follow(cmd *exec.Cmd) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, w
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		w.Close()
		return err
	}
	w.Close()
	var last bytes.Buffer
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "OK "); ok {
			u.told.landed(u.album, name)
			continue
		}
		if strings.HasPrefix(line, "{") {
			u.rcloneSaid([]byte(line))
			continue
		}
		if !strings.HasPrefix(line, "sftp> ") {
			last.Reset()
			last.WriteString(line)
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", u.client, err, last.String())
	}
	return nil
}

func (u *upload) rcloneSaid(line []byte) {
	var said struct{ Level, Msg, Object string }
	if json.Unmarshal(line, &said) != nil {
		return
	}
	switch {
	case strings.HasPrefix(said.Msg, "Copied"):
		u.told.landed(u.album, said.Object)
	case said.Level == "error" && said.Object != "":
		u.told.failed(u.client, said.Object+": "+said.Msg)
	}
}
