package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// cipher is what every client is held to: the one that both servers have in hardware.
const cipher = "aes128-gcm@openssh.com"

// sftpServer is where Debian has OpenSSH's own.
const sftpServer = "/usr/lib/openssh/sftp-server"

// makeKey makes a key pair at path and path.pub.
func makeKey(ctx context.Context, path string) error {
	if out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path).CombinedOutput(); err != nil {
		return fmt.Errorf("ssh-keygen: %w\n%s", err, out)
	}
	return nil
}

// client is OpenSSH's sftp with a key.
type client struct{ key string }

func (c client) run(ctx context.Context, user, address, commands string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "sftp", "-q", "-F", "none", "-P", port, "-c", cipher, "-i", c.key, "-oIdentitiesOnly=yes", "-oIdentityAgent=none",
		"-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR", "-b", "-", user+"@"+host)
	cmd.Stdin = strings.NewReader(commands)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sftp: %w\n%s", err, out)
	}
	return nil
}

// sshd is OpenSSH's server with its sftp-server, in front of a folder on this disk.
type sshd struct {
	cmd     *exec.Cmd
	address string
	user    string

	watch sync.WaitGroup
	ended chan struct{}
	peak  float64
}

// startSSHD starts a server of our own: nothing of the system's configuration is used. Its keys are in dir.
func startSSHD(ctx context.Context, dir string) (*sshd, error) {
	path, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		return nil, fmt.Errorf("%w (Debian's package openssh-server has it)", err)
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	if me.Uid == "0" { // sshd insists on it, for its unprivileged part
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return nil, err
		}
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "sshd_config")
	lines := []string{
		"ListenAddress " + address, "HostKey " + filepath.Join(dir, "hostkey"), "AuthorizedKeysFile " + filepath.Join(dir, "key.pub"),
		"StrictModes no", "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password",
		"PidFile none", "LogLevel FATAL", "MaxStartups 100", "Subsystem sftp " + sftpServer, "",
	}
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		return nil, err
	}
	s := &sshd{address: address, user: me.Username, ended: make(chan struct{}), cmd: exec.CommandContext(ctx, path, "-D", "-e", "-f", config)}
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := awaitServer(ctx, address); err != nil {
		return nil, err
	}
	s.watch.Go(s.sample)
	return s, nil
}

// sample looks at the memory of the whole process tree ten times a second: its processes end with their connections.
func (s *sshd) sample() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-tick.C:
		}
		sum := 0.0
		for _, pid := range tree(s.cmd.Process.Pid) {
			mib, _ := memoryMiB(pid, "VmRSS") // it may have ended meanwhile
			sum += mib
		}
		s.peak = max(s.peak, sum)
	}
}

// stop waits for the sessions to end, so that their CPU time is in the server's, and answers what all of them used.
func (s *sshd) stop() (cpu, peakMiB float64, err error) {
	for range 200 {
		if len(tree(s.cmd.Process.Pid)) == 1 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	close(s.ended)
	s.watch.Wait()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, 0, err
	}
	_ = s.cmd.Wait() // sshd answers SIGTERM with a status of its own
	used := s.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return seconds(used.Utime) + seconds(used.Stime), s.peak, nil
}

// tree is a process and everything below it.
func tree(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", all[i], all[i]))
		if err != nil {
			continue // it has ended
		}
		for child := range strings.FieldsSeq(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				all = append(all, n)
			}
		}
	}
	return all
}
