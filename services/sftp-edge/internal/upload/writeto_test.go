package upload

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// breaking takes some bytes and then no more.
type breaking struct{ left int }

func (b *breaking) Write(p []byte) (int, error) {
	n := min(b.left, len(p))
	b.left -= n
	if n < len(p) {
		return n, io.ErrClosedPipe
	}
	return n, nil
}

func TestPiecesWriteThemselves(t *testing.T) {
	body := &pieces{slabs: [][]byte{[]byte("abcd"), []byte("efgh"), []byte("ij..")}, size: 10}
	for from := range 11 {
		if _, err := body.Seek(int64(from), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		n, err := body.WriteTo(&got)
		if want := "abcdefghij"[from:]; err != nil || n != int64(len(want)) || got.String() != want {
			t.Errorf("from %d: %q, %d, %v", from, &got, n, err)
		}
	}
	// A request that broke off is rewound and sent again.
	body.Seek(0, io.SeekStart) //nolint:errcheck // it cannot fail
	if n, err := body.WriteTo(&breaking{left: 6}); n != 6 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("broken off: %d, %v", n, err)
	}
	if rest, err := io.ReadAll(body); string(rest) != "ghij" || err != nil {
		t.Errorf("after it: %q, %v", rest, err)
	}
}
