package upload

import (
	"bytes"
	"context"
	"hash/crc32"
	"io"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a bucket object in memory.
type memory struct {
	mu       sync.Mutex
	parts    map[int][]byte
	whole    []byte
	stored   bool
	aborted  bool
	begun    bool
	inFlight int
	most     int
	hold     chan struct{} // if set, parts wait for it
	err      error         // what the next Put or Part fails with
	pieces   map[int][]byte
	saved    Checkpoint
	sealed   bool
	left     bool
	broken   bool // saved as broken off
	lost     bool // somebody else goes on
}

func (m *memory) Spill(_ context.Context, piece files.Piece, body Body) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	if m.pieces == nil {
		m.pieces = map[int][]byte{}
	}
	m.pieces[piece.Number] = read(body, piece.CRC32C)
	return nil
}

func (m *memory) Tail(_ context.Context, piece files.Piece) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.pieces[piece.Number]
	if !ok || int64(len(b)) != piece.Bytes {
		panic("a piece of the tail is not there")
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *memory) Save(_ context.Context, c Checkpoint, brokenOff bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lost {
		return fault.New(fault.Conflict, "somebody else goes on")
	}
	for n := range c.Parts {
		if len(m.parts[n+1]) == 0 {
			panic("a part is saved that is not stored")
		}
	}
	keep := map[int]bool{}
	for _, piece := range c.Tail {
		if int64(len(m.pieces[piece.Number])) != piece.Bytes || piece.Number >= c.Next {
			panic("a piece is saved that is not stored")
		}
		keep[piece.Number] = true
	}
	for n := range m.pieces {
		if n < c.Next && !keep[n] {
			delete(m.pieces, n)
		}
	}
	m.saved, m.broken = c, brokenOff
	return nil
}

func (m *memory) Seal(context.Context, Result) (kept bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lost {
		return false, fault.New(fault.Conflict, "somebody else goes on")
	}
	m.sealed = true
	return m.begun || len(m.pieces) > 0, nil
}

func (m *memory) Leave(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = true
	return nil
}

func (m *memory) Put(_ context.Context, body Body, crc uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	if !m.sealed {
		panic("stored before it was announced")
	}
	m.whole = read(body, crc)
	m.stored = true
	return nil
}

func (m *memory) Begin(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.begun {
		panic("begun twice")
	}
	m.begun = true
	m.parts = map[int][]byte{}
	return nil
}

func (m *memory) Part(ctx context.Context, n int, body Body, crc uint32) error {
	m.mu.Lock()
	m.inFlight++
	m.most = max(m.most, m.inFlight)
	hold, err := m.hold, m.err
	m.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inFlight--
	if err == nil {
		m.parts[n] = read(body, crc)
	}
	return err
}

func (m *memory) Complete(_ context.Context, crc uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := range len(m.parts) {
		m.whole = append(m.whole, m.parts[n+1]...)
	}
	if !m.sealed {
		panic("completed before it was announced")
	}
	if crc32.Checksum(m.whole, castagnoli) != crc {
		panic("the whole file's checksum is wrong")
	}
	m.stored = true
	return nil
}

func (m *memory) Abort(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.aborted, m.stored, m.whole, m.parts, m.pieces, m.saved = true, false, nil, nil, nil, Checkpoint{}
	return nil
}

// read reads body twice, as a repeated request does, and checks its checksum.
func read(body Body, crc uint32) []byte {
	first, _ := io.ReadAll(body)
	body.Seek(0, io.SeekStart)
	again, err := io.ReadAll(body)
	if err != nil || !bytes.Equal(first, again) || int64(len(first)) != body.Len() {
		panic("a body reads differently the second time")
	}
	if crc32.Checksum(first, castagnoli) != crc {
		panic("a part's checksum is wrong")
	}
	return first
}
