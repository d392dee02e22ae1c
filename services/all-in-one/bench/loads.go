package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// load is what one run uploads. The targets are the issue's: as ratios to OpenSSH's sftp-server in the same run, and in CPU
// seconds per GiB on the machine that they were set on.
type load struct {
	name        string
	title       string
	files       int
	bytes       int64 // each
	connections int

	cpuRatio, wallRatio float64
	cpu, cpuStretch     float64
	peakMiB             float64 // 0 = no target
	paths               []string
}

// loads are the three shapes that a day's work has: one huge file, a card from one camera, a studio's many stations.
func loads() []*load {
	return []*load{
		{name: "one", title: "one file of 1 GiB", files: 1, bytes: 1 << 30, connections: 1, cpuRatio: 1.40, wallRatio: 1.75, cpu: 3.3, cpuStretch: 2.8},
		{name: "many", title: "200 × 6 MB, one connection", files: 200, bytes: 6_000_000, connections: 1, cpuRatio: 0.72, wallRatio: 1.65, cpu: 4.0, cpuStretch: 3.4},
		{name: "eight", title: "200 × 6 MB, 8 connections", files: 200, bytes: 6_000_000, connections: 8, cpuRatio: 0.66, wallRatio: 1.65, cpu: 3.8, cpuStretch: 3.2, peakMiB: 180},
	}
}

func (l *load) gib() float64 { return float64(l.files) * float64(l.bytes) / (1 << 30) }

// write makes the load's files, of random bytes: no checksum, hole or compression has it easier than with photos.
func (l *load) write(dir string) error {
	dir = filepath.Join(dir, fmt.Sprintf("%dx%d", l.files, l.bytes))
	made := os.MkdirAll(dir, 0o700)
	for i := range l.files {
		path := filepath.Join(dir, fmt.Sprintf("IMG_%04d.jpg", i+1))
		l.paths = append(l.paths, path)
		if _, err := os.Stat(path); err == nil {
			continue // another load's, of the same shape
		}
		if err := random(path, l.bytes, uint64(i)); err != nil {
			return err
		}
	}
	return made
}

func random(path string, size int64, seed uint64) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(size >> 16)})
	if _, err := io.CopyN(w, source, size); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// batches are the commands of each connection, into a folder of the server.
func (l *load) batches(folder string) []string {
	all := make([]string, l.connections)
	for i := range all {
		var b strings.Builder
		for j := i; j < len(l.paths); j += l.connections {
			fmt.Fprintf(&b, "put %q %q\n", l.paths[j], folder)
		}
		all[i] = b.String()
	}
	return all
}
