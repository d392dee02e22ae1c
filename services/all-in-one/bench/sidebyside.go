package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// figures is what one server did with one load.
type figures struct{ wall, cpu, peakMiB float64 }

// sideBySide holds the edge in front of MinIO against OpenSSH's sftp-server in front of the disk.
type sideBySide struct {
	dir      string
	profiles string // folder of the profiles, if any
	client   client
	store    *store
	parts    *parts
	checked  map[string]bool // by load: its bytes were compared
}

// measureSideBySide runs `bench edge`.
func measureSideBySide(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("bench edge", flag.ExitOnError)
	bin := flags.String("bin", ".bin", "folder of the binary sftp-edge")
	minio := flags.String("minio", "minio", "the binary of MinIO")
	rounds := flags.Int("n", 5, "runs of each server with each load; the table has the medians")
	profiles := flags.String("profile", "", "write CPU and allocation profiles of the edge into this folder; they cost a little themselves")
	against := flags.String("against", "", "folder of another sftp-edge, to hold this one against instead of OpenSSH: what a change has won")
	only := flags.String("load", "", "only these loads, separated by commas: one, many, eight")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted := loads()
	if *only != "" {
		names := strings.Split(*only, ",")
		wanted = slices.DeleteFunc(wanted, func(l *load) bool { return !slices.Contains(names, l.name) })
	}
	if len(wanted) == 0 {
		return fmt.Errorf("-load %q: say one, many or eight", *only)
	}
	s := &sideBySide{profiles: *profiles, checked: make(map[string]bool)}
	if s.dir, err = os.MkdirTemp("", "filmgate-bench-edge-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	for _, l := range wanted {
		if err := l.write(s.dir); err != nil {
			return err
		}
	}
	if err := s.start(ctx, *minio); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	ours, theirs := make(map[string][]figures), make(map[string][]figures)
	for i := range *rounds {
		for _, l := range wanted {
			a, err := s.edge(ctx, l, *bin)
			if err != nil {
				return fmt.Errorf("the edge, %s: %w", l.title, err)
			}
			b, err := s.other(ctx, l, *against)
			if err != nil {
				return fmt.Errorf("the other server, %s: %w", l.title, err)
			}
			ours[l.name], theirs[l.name] = append(ours[l.name], a), append(theirs[l.name], b)
			fmt.Fprintf(os.Stderr, "run %d, %-27s edge %5.2f s, %4.2f CPU s/GiB, %3.0f MiB   other %5.2f s, %4.2f CPU s/GiB, %3.0f MiB\n",
				i+1, l.title, a.wall, a.cpu, a.peakMiB, b.wall, b.cpu, b.peakMiB)
		}
	}
	other := "sftp-server, disk"
	if *against != "" {
		other = *against
	}
	report(os.Stdout, other, *rounds, wanted, ours, theirs)
	return nil
}

func (s *sideBySide) start(ctx context.Context, minio string) (err error) {
	s.client = client{key: filepath.Join(s.dir, "key")}
	for _, name := range []string{"key", "hostkey"} {
		if err := makeKey(ctx, filepath.Join(s.dir, name)); err != nil {
			return err
		}
	}
	if s.parts, err = startParts(ctx, s.dir, s.client.key); err != nil {
		return err
	}
	s.store, err = startMinIO(ctx, minio, s.dir)
	return err
}

func (s *sideBySide) stop() error { return errors.Join(s.store.stop(), s.parts.stop()) }

// edge measures a fresh edge with one load. Its CPU time begins when it is ready: servers start seldom.
func (s *sideBySide) edge(ctx context.Context, l *load, bin string) (f figures, err error) {
	syscall.Sync() // what the run before left to be written is not this one's
	pprof, err := freeAddress(ctx)
	if err != nil {
		return f, err
	}
	e, err := startEdge(ctx, bin, surroundings{
		nats: s.parts.bus.URL(), jobStatus: s.parts.grpc, serviceToken: token, endpoint: s.store.config.Endpoint,
		accessKey: s.store.config.AccessKey, secretKey: s.store.config.SecretKey, bucket: s.store.config.Bucket, hostKeys: filepath.Join(s.dir, "hostkeys"),
	}, "GOMAXPROCS=2", "FILMGATE_SFTP_PPROF="+pprof)
	if err != nil {
		return f, err
	}
	defer func() {
		_, stopErr := e.stop()
		err = errors.Join(err, stopErr, s.store.empty(ctx))
	}()
	pid := e.cmd.Process.Pid
	album := fmt.Sprintf("%s/%s %d", edgeJob, l.name, time.Now().UnixNano())
	if err := s.client.run(ctx, edgeUser, e.address, fmt.Sprintf("mkdir %q\n", album)); err != nil {
		return f, err
	}
	before, err := cpuSeconds(pid)
	if err != nil {
		return f, err
	}
	profiled := s.profile(ctx, l, pprof)
	if f.wall, err = s.upload(ctx, l, edgeUser, e.address, album); err != nil {
		return f, err
	}
	after, err := cpuSeconds(pid)
	if err != nil {
		return f, err
	}
	f.cpu = (after - before) / l.gib()
	if f.peakMiB, err = memoryMiB(pid, "VmHWM"); err != nil {
		return f, err
	}
	return f, errors.Join(profiled(), s.check(ctx, l, e.address, album))
}

func (s *sideBySide) other(ctx context.Context, l *load, bin string) (figures, error) {
	if bin != "" {
		return s.edge(ctx, l, bin)
	}
	return s.openSSH(ctx, l)
}

// openSSH measures sshd and everything below it with one load.
func (s *sideBySide) openSSH(ctx context.Context, l *load) (f figures, err error) {
	folder := filepath.Join(s.dir, "landed")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	syscall.Sync()
	d, err := startSSHD(ctx, s.dir)
	if err != nil {
		return f, err
	}
	f.wall, err = s.upload(ctx, l, d.user, d.address, folder)
	cpu, peak, stopErr := d.stop()
	f.cpu, f.peakMiB = cpu/l.gib(), peak
	return f, errors.Join(err, stopErr)
}

// upload runs the load's clients and answers how long they took.
func (s *sideBySide) upload(ctx context.Context, l *load, user, address, folder string) (wall float64, err error) {
	begun := time.Now()
	var clients errgroup.Group
	for _, commands := range l.batches(folder) {
		clients.Go(func() error { return s.client.run(ctx, user, address, commands) })
	}
	err = clients.Wait()
	return time.Since(begun).Seconds(), err
}

// check gets the load's last file back from the edge, once, and compares it byte by byte.
func (s *sideBySide) check(ctx context.Context, l *load, address, folder string) error {
	if s.checked[l.name] {
		return nil
	}
	s.checked[l.name] = true
	sent := l.paths[len(l.paths)-1]
	back := filepath.Join(s.dir, "back")
	if err := s.client.run(ctx, edgeUser, address, fmt.Sprintf("get %q %q\n", folder+"/"+filepath.Base(sent), back)); err != nil {
		return err
	}
	a, errA := digest(sent)
	b, errB := digest(back)
	if err := errors.Join(errA, errB, os.Remove(back)); err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return fmt.Errorf("%s came back with other bytes", filepath.Base(sent))
	}
	return nil
}

func digest(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// report prints the medians, and what they should be.
func report(w io.Writer, other string, rounds int, wanted []*load, ours, theirs map[string][]figures) {
	fmt.Fprintf(w, "%s/%s, %d processors, %s, %s, medians of %d interleaved runs, %s\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().Format(time.DateOnly), rounds, cipher)
	fmt.Fprintf(w, "| load | figure | edge, MinIO | %s | ratio | target | |\n|---|---|---|---|---|---|---|\n", other)
	for _, l := range wanted {
		cpu := func(f figures) float64 { return f.cpu }
		wall := func(f figures) float64 { return f.wall }
		peak := func(f figures) float64 { return f.peakMiB }
		a, b := ours[l.name], theirs[l.name]
		line := func(figure, format string, of func(figures) float64, target float64) {
			x, y := median(a, of), median(b, of)
			fmt.Fprintf(w, "| %s | %s | "+format+" | "+format+" | %.2f | ≤ %.2f | %s |\n", l.title, figure, x, y, x/y, target, met(x/y <= target))
		}
		line("CPU s/GiB", "%.2f", cpu, l.cpuRatio)
		fmt.Fprintf(w, "| | the same, absolute | %.2f | | | ≤ %.1f (stretch %.1f) | %s |\n", median(a, cpu), l.cpu, l.cpuStretch, met(median(a, cpu) <= l.cpu))
		line("wall s", "%.2f", wall, l.wallRatio)
		target, verdict := "", ""
		if l.peakMiB != 0 {
			target, verdict = fmt.Sprintf("≤ %.0f", l.peakMiB), met(median(a, peak) <= l.peakMiB)
		}
		fmt.Fprintf(w, "| | peak RSS MiB | %.0f | %.0f | | %s | %s |\n", median(a, peak), median(b, peak), target, verdict)
	}
}

func median(all []figures, of func(figures) float64) float64 {
	values := make([]float64, 0, len(all))
	for _, f := range all {
		values = append(values, of(f))
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

func met(yes bool) string {
	if yes {
		return "met"
	}
	return "missed"
}
