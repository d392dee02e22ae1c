package sftpedge_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	jobsv1 "filmgate.dev/proto/jobs/v1"
	sftpedge "filmgate.dev/services/sftp-edge"
)

// idleConnections is how many the bound is measured with, of so many users as have the most connections each.
const (
	idleConnections = 500
	idleEach        = 20
	idleMost        = 60 << 10 // heap bytes of one
)

// idleAddress is set in the process that holds the clients' ends: where the edge is.
const idleAddress = "EDGE_TEST_IDLE"

// TestIdleClients is that process: it opens connections with an SFTP session each, says so, and waits for the end of its input.
func TestIdleClients(t *testing.T) {
	address := os.Getenv(idleAddress)
	if address == "" {
		t.Skip("TestIdleConnectionsAreCheap runs this in a process of its own")
	}
	var opening errgroup.Group
	opening.SetLimit(16)
	for n := range idleConnections {
		opening.Go(func() error {
			conn, err := ssh.Dial("tcp", address, &ssh.ClientConfig{
				User: fmt.Sprintf("idle%d", n/idleEach), Auth: []ssh.AuthMethod{ssh.Password("secret")},
				HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: time.Minute,
			})
			if err != nil {
				return err
			}
			program, err := sftp.NewClient(conn)
			if err != nil {
				return err
			}
			_, err = program.ReadDir("/")
			return err
		})
	}
	must(t, opening.Wait())
	fmt.Println("they are idle")
	io.Copy(io.Discard, os.Stdin)
}

// cost is what the runtime holds after everything that nobody needs is gone.
func cost() (heap, stacks int64, goroutines int) {
	runtime.GC()
	runtime.GC() // pools are emptied by the second one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), int64(m.StackInuse), runtime.NumGoroutine()
}

// idle opens the connections and answers what one of them costs this process.
func idle(t testing.TB) (heap, stacks int64, goroutines float64) {
	e := start(t, func(c *sftpedge.Config) {
		c.MaxConnections, c.MaxPerAddress, c.MaxUnauthenticatedPerAddress = 1000, 1000, 1000
	})
	for n := range idleConnections / idleEach {
		name := fmt.Sprintf("idle%d", n)
		e.jobs.users[name] = &user{Principal: &jobsv1.Principal{Account: "demo", UserId: "U-" + name, UserName: name, Rights: []string{"upload"}, CredentialsRevision: 1}, password: "secret"}
	}
	e.client("anna").ReadDir("/") // what is made once is made
	heapBefore, stacksBefore, goroutinesBefore := cost()
	clients := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestIdleClients$", "-test.v")
	clients.Env = append(os.Environ(), idleAddress+"="+e.addr)
	stdin, err := clients.StdinPipe()
	must(t, err)
	stdout, err := clients.StdoutPipe()
	must(t, err)
	must(t, clients.Start())
	defer clients.Wait()
	defer stdin.Close()
	said := bufio.NewReader(stdout)
	for {
		line, err := said.ReadString('\n')
		must(t, err)
		if strings.Contains(line, "they are idle") {
			break
		}
	}
	heapAfter, stacksAfter, goroutinesAfter := cost()
	return (heapAfter - heapBefore) / idleConnections, (stacksAfter - stacksBefore) / idleConnections,
		float64(goroutinesAfter-goroutinesBefore) / idleConnections
}

// A connection that has logged in, has an SFTP session and does nothing costs little, the fake job-status' end of the
// streams included.
func TestIdleConnectionsAreCheap(t *testing.T) {
	heap, stacks, goroutines := idle(t)
	t.Logf("one idle connection: %d bytes of heap, %d of stacks, %.1f goroutines", heap, stacks, goroutines)
	if heap > idleMost {
		t.Errorf("one idle connection costs %d bytes of heap, more than %d", heap, idleMost)
	}
	if heap < 4<<10 {
		t.Errorf("%d bytes of heap: were they measured?", heap)
	}
}

// BenchmarkIdle reports the same figures.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		heap, stacks, goroutines := idle(b)
		b.ReportMetric(float64(heap), "heap-B/conn")
		b.ReportMetric(float64(stacks), "stack-B/conn")
		b.ReportMetric(goroutines, "goroutines/conn")
	}
}
