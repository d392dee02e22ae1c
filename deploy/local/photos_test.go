package local

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"filmgate.dev/pkg/testphotos"
)

// makePhotos writes n camera photos into folders, one of each share's size: a few different pictures, each file with bytes
// of its own.
func makePhotos(t *testing.T, dir string, o testphotos.Options, padding int, shares ...int) [][]photoFile {
	t.Helper()
	const different = 6
	pictures := make([][]byte, different)
	for i := range pictures {
		o.Seed, o.Camera = uint64(i+1), testphotos.Studio()
		pictures[i] = testphotos.JPEG(o)
	}
	all := make([][]photoFile, len(shares))
	n := 0
	for i, share := range shares {
		folder := filepath.Join(dir, fmt.Sprint("share", i))
		must(t, os.MkdirAll(folder, 0o700))
		for range share {
			n++
			b := commented(pictures[n%different], fmt.Appendf(nil, "photo %d", n), padding)
			sum := sha256.Sum256(b)
			f := photoFile{name: fmt.Sprintf("IMG_%04d.jpg", n), sha256: hex.EncodeToString(sum[:])}
			f.path = filepath.Join(folder, f.name)
			must(t, os.WriteFile(f.path, b, 0o600))
			all[i] = append(all[i], f)
		}
	}
	return all
}

// commented adds a comment to a JPEG, and as many empty ones as it takes to make it so long.
func commented(b, comment []byte, length int) []byte {
	out := slices.Grow(slices.Clone(b[:2]), length+len(b))
	add := func(words []byte) {
		n := len(words) + 2
		out = append(append(out, 0xff, 0xfe, byte(n>>8), byte(n)), words...)
	}
	add(comment)
	for missing := length - len(out) - len(b); missing > 0; missing = length - len(out) - len(b) {
		add(make([]byte, min(60_000, missing)))
	}
	return append(out, b[2:]...)
}
