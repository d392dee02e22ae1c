package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// product is a running filmgate.
type product struct {
	cmd     *exec.Cmd
	bin     string
	dir     string
	data    string
	upAfter time.Duration
	card    struct {
		SFTP struct{ Address, User, Password string }
		NATS struct{ URL string }
		S3   struct {
			Endpoint  string
			AccessKey string `json:"access_key"`
			SecretKey string `json:"secret_key"`
			Bucket    string
		}
		GRPC struct{ Address string }
	}
	serviceToken string
}

func startProduct(ctx context.Context, bin, dir string) (*product, error) {
	path, err := filepath.Abs(filepath.Join(bin, "filmgate"))
	if err != nil {
		return nil, err
	}
	p := &product{bin: path, dir: dir, data: filepath.Join(dir, "data")}
	// OpenSSH asks this for the password.
	if err := os.WriteFile(filepath.Join(dir, "askpass"), []byte("#!/bin/sh\nprintf '%s\\n' \"$SFTP_PASSWORD\"\n"), 0o700); err != nil {
		return nil, err
	}
	begun := time.Now()
	p.cmd = exec.CommandContext(ctx, p.bin, "run", "--data", p.data, "--sftp", "127.0.0.1:0", "--http", "127.0.0.1:0")
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w (`make build` makes it)", err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Stop with Ctrl-C") {
			p.upAfter = time.Since(begun)
			break
		}
	}
	if p.upAfter == 0 {
		return nil, fmt.Errorf("filmgate did not come up: %w", p.cmd.Wait())
	}
	go func() {
		for lines.Scan() { // keep the pipe empty until it ends with the process
		}
	}()
	if err := readJSON(filepath.Join(p.data, "card.json"), &p.card); err != nil {
		return nil, err
	}
	var kept struct {
		ServiceToken string `json:"service_token"`
	}
	err = readJSON(filepath.Join(p.data, "instance.json"), &kept)
	p.serviceToken = kept.ServiceToken
	return p, err
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func (p *product) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return p.cmd.Wait()
}

// peakMiB is the largest resident size that the process has had.
func (p *product) peakMiB() (float64, error) { return memoryMiB(p.cmd.Process.Pid, "VmHWM") }

// cpuSeconds is what the process has used so far.
func (p *product) cpuSeconds() (float64, error) { return cpuSeconds(p.cmd.Process.Pid) }

// memoryMiB reads one of a process's measures of memory. VmHWM is the peak: the rusage of an ended process also counts what
// its parent had when it forked.
func memoryMiB(pid int, measure string) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, measure+":"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("no %s for process %d", measure, pid)
}

// cpuSeconds is what a process has used so far, user and system.
func cpuSeconds(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, err := strconv.ParseFloat(fields[11], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100, err // USER_HZ is 100 on Linux
}

// surroundings is what an edge works with.
type surroundings struct {
	nats, jobStatus, serviceToken string
	endpoint, accessKey           string
	secretKey, bucket             string
	hostKeys                      string
}

// edge is an sftp-edge as a process of its own.
type edge struct {
	cmd     *exec.Cmd
	address string
}

// startEdge starts one beside the product's, on the product's bus, bucket and job-status.
func (p *product) startEdge(ctx context.Context, bin string) (*edge, error) {
	return startEdge(ctx, bin, surroundings{
		nats: p.card.NATS.URL, jobStatus: p.card.GRPC.Address, serviceToken: p.serviceToken,
		endpoint: p.card.S3.Endpoint, accessKey: p.card.S3.AccessKey, secretKey: p.card.S3.SecretKey, bucket: p.card.S3.Bucket,
		hostKeys: filepath.Join(p.data, "hostkeys"),
	})
}

func startEdge(ctx context.Context, bin string, at surroundings, more ...string) (*edge, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	e := &edge{address: address, cmd: exec.CommandContext(ctx, filepath.Join(bin, "sftp-edge"))}
	e.cmd.Env = append(os.Environ(),
		"FILMGATE_SFTP_ADDRESS="+address, "FILMGATE_SFTP_HTTP=127.0.0.1:0", "FILMGATE_SFTP_HOST_KEYS="+at.hostKeys,
		"FILMGATE_NATS_URL="+at.nats, "FILMGATE_S3_ENDPOINT="+at.endpoint, "FILMGATE_S3_ACCESS_KEY="+at.accessKey,
		"FILMGATE_S3_SECRET_KEY="+at.secretKey, "FILMGATE_S3_BUCKET="+at.bucket, "FILMGATE_S3_TLS=false",
		"FILMGATE_JOB_STATUS="+at.jobStatus, "FILMGATE_SERVICE_TOKEN="+at.serviceToken, "FILMGATE_LOG_LEVEL=warn")
	e.cmd.Env = append(e.cmd.Env, more...)
	e.cmd.Stderr = os.Stderr
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	return e, awaitServer(ctx, address)
}

func freeAddress(ctx context.Context) (string, error) {
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return free.Addr().String(), free.Close()
}

// awaitServer returns when something listens.
func awaitServer(ctx context.Context, address string) error {
	dial := net.Dialer{Timeout: time.Second}
	for range 600 {
		conn, err := dial.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("nothing listens on %s", address)
}

// stop ends the edge and answers what it used in all.
func (e *edge) stop() (*syscall.Rusage, error) {
	if err := e.cmd.Process.Signal(os.Interrupt); err != nil {
		return nil, err
	}
	if err := e.cmd.Wait(); err != nil {
		return nil, err
	}
	return e.cmd.ProcessState.SysUsage().(*syscall.Rusage), nil
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
