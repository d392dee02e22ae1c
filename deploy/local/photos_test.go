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
			b := commented(pictures[n%different], fmt.Appendf(nil, "photo %d", n))
			for len(b) < padding {
				b = commented(b, make([]byte, min(60_000, padding-len(b))))
			}
			sum := sha256.Sum256(b)
			f := photoFile{name: fmt.Sprintf("IMG_%04d.jpg", n), sha256: hex.EncodeToString(sum[:])}
			f.path = filepath.Join(folder, f.name)
			must(t, os.WriteFile(f.path, b, 0o600))
			all[i] = append(all[i], f)
		}
	}
	return all
}

// commented adds a comment to a JPEG.
func commented(b, comment []byte) []byte {
	n := len(comment) + 2
	return slices.Concat(b[:2], []byte{0xff, 0xfe, byte(n >> 8), byte(n)}, comment, b[2:])
}
