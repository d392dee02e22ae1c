package sftpedge_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	sftpedge "filmgate.dev/services/sftp-edge"
)

// process runs the command sftp-edge beside e, with the same bus, bucket and job-status; e then means that one.
func (e *edge) process(settings ...string) *exec.Cmd {
	e.t.Helper()
	must(e.t, e.stop())
	dir := e.t.TempDir()
	build := exec.Command("go", "build", "-o", dir+"/sftp-edge", "./cmd/sftp-edge")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		e.t.Fatalf("%s", out)
	}
	keys, err := sftpedge.LoadOrCreateHostKeys(dir + "/keys")
	must(e.t, err)
	e.keys = keys
	command := exec.Command(dir + "/sftp-edge")
	command.Env = append(append(os.Environ(), e.environment(dir+"/keys")...), "GOMEMLIMIT=512MiB", "GOGC=")
	command.Env = append(command.Env, settings...)
	stderr, err := command.StderrPipe()
	must(e.t, err)
	must(e.t, command.Start())
	e.t.Cleanup(func() { command.Process.Kill(); command.Wait() })
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		var line struct{ Msg, Address, HTTP string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "SFTP is served" {
			e.addr, e.http = line.Address, "http://"+line.HTTP
			go func() { // until the process ends
				for lines.Scan() {
				}
			}()
			return command
		}
	}
	e.t.Fatal("the command said no address")
	return nil
}

// environment is the settings of a process that works with the same bus, bucket and job-status.
func (e *edge) environment(keys string) []string {
	return []string{
		"FILMGATE_SFTP_ADDRESS=127.0.0.1:0", "FILMGATE_SFTP_HTTP=127.0.0.1:0", "FILMGATE_SFTP_HOST_KEYS=" + keys,
		"FILMGATE_NATS_URL=" + e.bus.URL(), "FILMGATE_S3_ENDPOINT=" + e.store.Endpoint, "FILMGATE_S3_TLS=false",
		"FILMGATE_S3_ACCESS_KEY=" + e.store.AccessKey, "FILMGATE_S3_SECRET_KEY=" + e.store.SecretKey,
		"FILMGATE_S3_BUCKET=" + e.store.Name, "FILMGATE_S3_REGION=" + e.store.Region,
		"FILMGATE_JOB_STATUS=" + e.token.addr, "FILMGATE_SERVICE_TOKEN=service",
	}
}

// source is this folder, before anybody changes the working folder.
var source = func() string { dir, _ := filepath.Abs("."); return dir }()

func TestCommand(t *testing.T) {
	e := start(t)
	command := e.process()
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	e.put(c, "/JOB00001/Class 1/a.jpg", photo(1000, 1))
	e.landed("Class 1/a.jpg", photo(1000, 1))
	_, metrics := e.get("/metrics")
	if !strings.Contains(metrics, "\ngo_gc_gomemlimit_bytes 5.36870912e+08\n") {
		t.Error("the runtime's limit is another one")
	}
	if strings.Contains(metrics, "\ngo_gc_gogc_percent 100\n") {
		t.Error("the collector runs below its floor")
	}
	must(t, command.Process.Signal(syscall.SIGTERM))
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
	help := exec.Command(command.Path, "--help")
	if out, err := help.CombinedOutput(); err != nil || !strings.Contains(string(out), "FILMGATE_SFTP_MEMORY") {
		t.Errorf("%s %v", out, err)
	}
}

// get answers the status of one of the process's pages, 0 when it does not answer, and its text.
func (e *edge) get(path string) (int, string) {
	response, err := http.Get(e.http + path)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(e.t, err)
	return response.StatusCode, string(text)
}

// SIGTERM: not ready at once, nobody new, the upload that runs is finished and the probes answer until then; exit 0.
func TestTerminated(t *testing.T) {
	e := start(t)
	command := e.process()
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	f, err := c.Create("/JOB00001/Class 1/a.jpg")
	must(t, err)
	_, err = f.Write(photo(1000, 1))
	must(t, err)
	if code, _ := e.get("/readyz"); code != http.StatusOK {
		t.Errorf("/readyz before: %d", code)
	}
	if _, text := e.get("/metrics"); !strings.Contains(text, "\nfilmgate_sftp_connections 1\n") {
		t.Error("/metrics does not count the connection")
	}
	must(t, command.Process.Signal(syscall.SIGTERM))
	eventually(t, "nobody new is taken", func() bool {
		conn, err := net.Dial("tcp", e.addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if code, text := e.get("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "running") {
		t.Errorf("/readyz while it drains: %d %s", code, text)
	}
	if code, _ := e.get("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz while it drains: %d", code)
	}
	must(t, f.Close())
	e.landed("Class 1/a.jpg", photo(1000, 1))
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
}

// BenchmarkReceive uploads 6 MiB photos with OpenSSH over several connections into an edge that is a process of its own,
// and reports that process's CPU and memory.
func BenchmarkReceive(b *testing.B) {
	const connections, each, size = 4, 10, 6 << 20
	e := start(b)
	command := e.process()
	c := e.client("anna")
	must(b, c.Mkdir("/JOB00001/Class 1"))
	c.Close()
	photos := b.TempDir()
	for i := range each {
		must(b, os.WriteFile(fmt.Sprintf("%s/%d.jpg", photos, i), photo(size, byte(i)), 0o600))
	}
	o := newOpenSSH(b, e)
	b.SetBytes(connections * each * size)
	rounds := 0
	for b.Loop() {
		var work sync.WaitGroup
		for n := range connections {
			batch := filepath.Join(o.home, fmt.Sprintf("batch%d", n))
			var lines strings.Builder
			fmt.Fprintf(&lines, "mkdir \"JOB00001/r%d c%d\"\ncd \"JOB00001/r%d c%d\"\n", rounds, n, rounds, n)
			for i := range each {
				fmt.Fprintf(&lines, "put %s/%d.jpg\n", photos, i)
			}
			must(b, os.WriteFile(batch, []byte(lines.String()), 0o600))
			work.Go(func() {
				if out, err := o.run("sftp", "-b", batch, "anna@127.0.0.1"); err != nil {
					b.Error(out)
				}
			})
		}
		work.Wait()
		rounds++
	}
	must(b, command.Process.Signal(syscall.SIGTERM))
	must(b, command.Wait())
	state := command.ProcessState
	gib := float64(rounds) * connections * each * size / (1 << 30)
	b.ReportMetric((state.UserTime()+state.SystemTime()).Seconds()/gib, "cpu-s/GiB")
	b.ReportMetric(float64(state.SysUsage().(*syscall.Rusage).Maxrss)/1024, "peak-MiB")
}
