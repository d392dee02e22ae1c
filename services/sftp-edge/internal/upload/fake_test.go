package upload

import (
	"bytes"
	"context"
	"hash/crc32"
	"io"
	"sync"
	"testing"

	"go.uber.org/goleak"
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
}

func (m *memory) Put(_ context.Context, body Body, crc uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.whole = read(body, crc)
	m.stored = true
	return nil
}

func (m *memory) Begin(context.Context) error {
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
	if crc32.Checksum(m.whole, castagnoli) != crc {
		panic("the whole file's checksum is wrong")
	}
	m.stored = true
	return nil
}

func (m *memory) Abort(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.aborted, m.stored, m.whole, m.parts = true, false, nil, nil
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
