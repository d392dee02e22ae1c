package sftpedge_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/files"
	sftpedge "filmgate.dev/services/sftp-edge"
)

// steps are where a close, or the keeping of an upload that broke off, can be cut short by the death of the edge: the
// numbered steps of the table in the README.
var steps = []struct {
	name  string
	sizes []int
	cut   bool // the client loses the connection instead of closing
}{
	{name: "close received", sizes: []int{small, large}},
	{name: "before put", sizes: []int{small}},
	{name: "sealed", sizes: []int{large}},
	{name: "object stored", sizes: []int{small, large}},
	{name: "landed", sizes: []int{small, large}},
	{name: "tidied", sizes: []int{small, large}},
	{name: "tail stored", sizes: []int{small, large}, cut: true},
	{name: "saved", sizes: []int{small, large}, cut: true},
}

// A small file is one PUT, a large one has parts and a record.
const small, large = 2_000_000, 17 << 20

// TestKilledAtEachStep kills the edge with SIGKILL at each step of CLOSE. The client saw no OK, or the photo is there: never
// neither, never half a file. Then it does what programs do: it goes on where the listing says, or sends the file again.
//
// FILMGATE_KILL_ROUNDS says how often each step is tried; `make soak` tries it a hundred times.
func TestKilledAtEachStep(t *testing.T) {
	rounds := 3
	if n, err := strconv.Atoi(os.Getenv("FILMGATE_KILL_ROUNDS")); err == nil {
		rounds = n
	}
	dir := t.TempDir()
	build := exec.Command("go", "build", "-tags", "failpoint", "-o", dir+"/sftp-edge", "./cmd/sftp-edge")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	keys, err := sftpedge.LoadOrCreateHostKeys(dir + "/keys")
	must(t, err)
	for _, step := range steps {
		for _, size := range step.sizes {
			t.Run(fmt.Sprintf("%s, %d bytes", step.name, size), func(t *testing.T) {
				t.Parallel()
				k := &killing{edge: start(t, quickLease), binary: dir + "/sftp-edge", keys: dir + "/keys", victims: keys}
				must(t, k.client("anna").Mkdir("/JOB00001/Class 1"))
				for round := range rounds {
					k.round(step.name, step.cut, fmt.Sprintf("%d.jpg", round), photo(size, byte(round)))
				}
				t.Logf("%d rounds: %d times the client was told OK, %d times the photo was there all the same, %d times it was gone on with, %d times sent again; objects that nobody names: %d",
					rounds, k.told, k.there, k.resumed, k.again, k.objects()-rounds)
			})
		}
	}
}

// quickLease lets the sweep of the edge that survives find what the dead one left.
func quickLease(c *sftpedge.Config) { c.Lease = 1e9 }

type killing struct {
	*edge
	binary, keys                string
	victims                     []ssh.Signer // what keys holds
	told, there, resumed, again int
	looks                       *sftp.Client // at the edge that lives
}

func (k *killing) round(step string, cut bool, name string, content []byte) {
	k.t.Helper()
	path := "/JOB00001/Class 1/" + name
	survivor, own := k.addr, k.edge.keys
	victim := k.spawn(k.binary, k.keys, "FILMGATE_FAILPOINT="+step, "FILMGATE_SFTP_LEASE=1s")
	k.edge.keys = k.victims
	err := k.send(path, content, cut)
	state := victim.wait()
	if state.Success() {
		k.t.Fatalf("the edge passed %q", step)
	}
	k.addr, k.edge.keys = survivor, own
	if k.looks == nil {
		k.looks = k.client("anna")
	}
	c := k.looks
	if err == nil {
		k.told++
		k.landed("Class 1/"+name, content)
	}
	// Whoever looks now sees the whole photo, or less than its size, or nothing.
	_, missing := k.entry("Class 1/" + name)
	i, stat := c.Stat(path)
	switch {
	case missing == nil:
		k.there++
		k.landed("Class 1/"+name, content)
	case stat == nil && i.Size() < int64(len(content)):
		k.resumed++
		must(k.t, resume(k.t, c, path, content))
	case errors.Is(stat, fs.ErrNotExist):
		k.again++
		must(k.t, upload(c, path, content))
	default:
		k.t.Fatalf("%v %v is shown of a file that nobody has", i, stat)
	}
	k.landed("Class 1/"+name, content)
	eventually(k.t, "nothing of it is left but the photo", func() bool {
		uploads, records := k.multiparts()
		return uploads == 0 && records == 0 && k.tails() == 0
	})
	entry := k.landed("Class 1/"+name, content)
	if entry.State != files.StateLanded {
		k.t.Error(entry)
	}
}

// send uploads a file and closes it, or loses the connection before.
func (k *killing) send(path string, content []byte, cut bool) error {
	conn, err := k.dial("anna")
	must(k.t, err)
	defer conn.Close()
	c, err := sftp.NewClient(conn)
	must(k.t, err)
	defer c.Close()
	if !cut {
		return upload(c, path, content)
	}
	f, err := c.Create(path)
	must(k.t, err)
	if _, err = f.ReadFrom(bytes.NewReader(content[:len(content)-5])); err == nil {
		err = errors.New("cut off")
	}
	return err
}

// victim is an edge in a process of its own.
type victim struct {
	command *exec.Cmd
	done    chan struct{}
}

func (v *victim) wait() *os.ProcessState {
	<-v.done
	return v.command.ProcessState
}

// spawnPlain is spawn for the program as it is shipped, with host keys of its own that e's clients then know.
func (e *edge) spawnPlain(env ...string) *victim {
	e.t.Helper()
	dir := e.t.TempDir()
	build := exec.Command("go", "build", "-o", dir+"/sftp-edge", "./cmd/sftp-edge")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		e.t.Fatalf("%s", out)
	}
	keys, err := sftpedge.LoadOrCreateHostKeys(dir + "/keys")
	must(e.t, err)
	e.keys = keys
	return e.spawn(dir+"/sftp-edge", dir+"/keys", env...)
}

// spawn starts the program beside the edge that runs, on the same bus, bucket and job-status; e.addr then means it.
func (e *edge) spawn(program, keys string, env ...string) *victim {
	e.t.Helper()
	command := exec.Command(program)
	command.Env = append(append(os.Environ(), e.environment(keys)...), env...)
	stderr, err := command.StderrPipe()
	must(e.t, err)
	must(e.t, command.Start())
	v := &victim{command: command, done: make(chan struct{})}
	e.t.Cleanup(func() { _ = command.Process.Kill(); <-v.done })
	addr := make(chan string, 1)
	go func() {
		defer close(v.done)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			var line struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "SFTP is served" {
				addr <- line.Address
			}
		}
		_ = command.Wait()
	}()
	select {
	case e.addr = <-addr:
	case <-v.done:
		e.t.Fatal("the command said no address")
	}
	return v
}
