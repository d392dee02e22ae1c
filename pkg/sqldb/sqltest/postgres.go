package sqltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"filmgate.dev/pkg/sqldb"
)

// install is what a person types when PostgreSQL is missing.
const install = "PostgreSQL is needed to test: sudo apt-get install -y --no-install-recommends postgresql"

// startTimeout bounds initdb and the start together, also on a machine that is busy with other things.
const startTimeout = 3 * time.Minute

// script makes and runs the server, and ends it when its standard input does: that is when the test process is gone, even
// by SIGKILL. The data folder goes with it. A shell's background jobs ignore SIGQUIT until PostgreSQL has its own handler, so
// SIGTERM comes first; SIGQUIT then saves waiting for queries.
const script = `
bin=$1 data=$2 port=$3
"$bin/initdb" -D "$data/db" -U filmgate -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$data/log" 2>&1 || { rm -rf "$data/db"; exit 1; }
"$bin/postgres" -D "$data/db" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
  -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=32MB -c max_connections=200 >>"$data/log" 2>&1 </dev/null &
pid=$!
read -r never
kill -TERM $pid
kill -QUIT $pid
wait $pid
rm -rf "$data"
`

// server starts the process's PostgreSQL once and answers its address, and lifeline is the server's standard input. They
// are globals because the process is their owner: a lifeline that nobody holds would be closed by the garbage collector.
var (
	server   = sync.OnceValues(start)
	lifeline io.Closer
)

func start() (string, error) {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		return "", errors.New(install)
	}
	owner, err := ordinaryUser()
	if err != nil {
		return "", err
	}
	// Another process may take the free port before PostgreSQL does.
	for range 3 {
		var base string
		if base, err = startOn(bins[len(bins)-1], owner); err == nil {
			return base, nil
		}
	}
	return "", err
}

// ordinaryUser answers the user that PostgreSQL runs as when this process is root, whom initdb refuses. Nil = ourselves.
func ordinaryUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")
}

func startOn(bin string, owner *syscall.Credential) (string, error) {
	data, err := os.MkdirTemp("", "filmgate-postgres-")
	if err != nil {
		return "", err
	}
	if owner != nil {
		if err := os.Chown(data, int(owner.Uid), int(owner.Gid)); err != nil {
			return "", err
		}
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	cmd := exec.Command("/bin/sh", "-c", script, "sh", bin, data, strconv.Itoa(port))
	cmd.Dir = "/"
	// A group of its own: Ctrl-C ends the test process, and its end ends PostgreSQL in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Setpgid: true}
	if lifeline, err = cmd.StdinPipe(); err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("starting PostgreSQL: %w", err)
	}
	base := fmt.Sprintf("postgres://filmgate@127.0.0.1:%d/postgres?sslmode=disable", port)
	if err := waitUntilUp(base, cmd.Process.Pid, data); err != nil {
		lifeline.Close()
		cmd.Wait()
		said, _ := os.ReadFile(filepath.Join(data, "log"))
		os.RemoveAll(data)
		return "", fmt.Errorf("starting PostgreSQL: %w\n%s", err, said)
	}
	return base, nil
}

func waitUntilUp(base string, pid int, data string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	db, err := sqldb.Open(ctx, base)
	if err != nil {
		return err
	}
	defer db.Close()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		// Any server could answer on a port that was taken: ours knows its data folder.
		var folder string
		err := db.QueryRowContext(ctx, `SHOW data_directory`).Scan(&folder)
		if err == nil && folder == filepath.Join(data, "db") {
			return nil
		}
		if err == nil {
			return errors.New("another server took the port")
		}
		if exited(pid) {
			return errors.New("it ended at once")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

// exited reports whether the child ended, leaving it to be waited for.
func exited(pid int) bool {
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	for i := len(state) - 1; i >= 0; i-- {
		if state[i] == ')' {
			return i+2 < len(state) && state[i+2] == 'Z'
		}
	}
	return false
}

func freePort() (int, error) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer lis.Close()
	return lis.Addr().(*net.TCPAddr).Port, nil
}
