package embeds3

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkDurable compares the ways to keep an object through a power cut, on the disk under BENCH_DIR or else the temporary
// folder. The results and the choice are in services/DESIGN.md.
func BenchmarkDurable(b *testing.B) {
	ways := []struct {
		name string
		keep func(root, path string, f *os.File) error
	}{
		{"never", func(_, path string, f *os.File) error { return name(f, path) }},
		{"file-after-name", func(root, path string, f *os.File) error {
			return firstOf(name(f, path), fsync(path), disk{sync: fsync}.syncParents(path, root))
		}},
		{"file-before-name", func(root, path string, f *os.File) error {
			return firstOf(f.Sync(), name(f, path), fsync(path), disk{sync: fsync}.syncParents(path, root))
		}},
		{"file-system", func(root, path string, f *os.File) error { return firstOf(name(f, path), syncfs(root)) }},
	}
	for _, size := range []int{6 << 20, 30 << 10} {
		for _, writers := range []int{1, 4} { // per CPU
			for _, way := range ways {
				b.Run(fmt.Sprintf("%dKiB/%dwriters/%s", size>>10, writers, way.name), func(b *testing.B) {
					benchmarkWrites(b, size, writers, way.keep)
				})
			}
		}
	}
}

func benchmarkWrites(b *testing.B, size, writers int, keep func(root, path string, f *os.File) error) {
	root, err := os.MkdirTemp(os.Getenv("BENCH_DIR"), "bench-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(root) })
	dir := filepath.Join(root, "bucket", "o", "account", "job")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	body := make([]byte, size)
	_, _ = rand.Read(body) // never fails
	var count atomic.Int64
	b.SetBytes(int64(size))
	b.SetParallelism(writers)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f, err := os.CreateTemp(dir, "tmp-")
			if err != nil {
				b.Error(err)
				return
			}
			_, err = f.ReadFrom(bytes.NewReader(body))
			if err := firstOf(err, keep(root, filepath.Join(dir, strconv.FormatInt(count.Add(1), 10)), f), f.Close()); err != nil {
				b.Error(err)
			}
		}
	})
}

func name(f *os.File, path string) error { return os.Rename(f.Name(), path) }

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func syncfs(root string) error {
	f, err := os.Open(root)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}
