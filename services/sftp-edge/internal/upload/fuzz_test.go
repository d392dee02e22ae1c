package upload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
	"testing"
	"testing/synctest"

	"filmgate.dev/pkg/fault"
)

// script is what the fuzzer's bytes say: a writer that shuffles, overlaps and breaks off.
type script struct{ rest []byte }

func (s *script) next() int {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return int(b)
}

// oracle is the file as the writer means it, in memory.
type oracle struct {
	cfg      Config
	file     [1 << 10]byte
	have     [1 << 10]bool
	declared int64
	failed   bool // a write was refused
}

// reach answers how much stands in one row, and the end of everything.
func (o *oracle) reach() (reach, end int64) {
	row := true
	for i, have := range o.have {
		if have {
			end = int64(i) + 1
		}
		if row = row && have; row {
			reach = end
		}
	}
	return reach, end
}

// may answers whether a write may be refused, and whether it must be. Between the two lies what depends on how far the
// parts before it have been handed on.
func (o *oracle) may(off, n int64) (refused, must bool) {
	reach, _ := o.reach()
	start := reach / o.cfg.Part * o.cfg.Part
	must = o.failed || off < 0 || n > o.cfg.Part || off > reach && off+n > start+o.cfg.Part+o.cfg.Slack
	return must || n > 0 && off < start, must
}

// outcome answers the file that a Finish may leave, and whether it may leave one, or none.
func (o *oracle) outcome() (file []byte, success, failure bool) {
	reach, end := o.reach()
	whole := reach == end
	switch {
	case o.failed:
		return nil, false, true
	case o.declared > reach:
		return nil, false, true
	case o.declared > 0 && o.declared < reach:
		// Stored parts cannot be taken back, and a file longer than a part has some.
		return o.file[:o.declared], true, end > o.cfg.Part
	case !whole && o.declared == reach && o.declared > 0: // what lies beyond the announced size is not known to be meant
		return o.file[:reach], true, true
	case !whole:
		return nil, false, true
	}
	return o.file[:reach], true, false
}

func FuzzReassembler(f *testing.F) {
	f.Add([]byte{0, 0})                                                                      // an empty file
	f.Add([]byte{0, 0, 0, 40, 0, 40, 0, 40, 0, 40, 0, 40})                                   // in order
	f.Add([]byte{0, 0, 3, 8, 8, 3, 16, 8, 3, 24, 8, 3, 32, 8, 3, 0, 8})                      // offset 0 last
	f.Add([]byte{1, 0, 0, 16, 0, 16, 0, 16, 3, 0, 1})                                        // into a stored part
	f.Add([]byte{0, 0, 0, 30, 4, 20, 0, 30})                                                 // announced size, cut
	f.Add([]byte{0x10, 0, 0x83, 200, 20, 0x80, 60, 0x80, 60, 0x80, 60, 0x80, 20})            // several writers, a gap
	f.Add([]byte{2, 1, 0, 30, 0, 30, 0, 30})                                                 // the bucket fails
	f.Add([]byte{0, 2, 0, 60, 0, 60, 0, 60, 0, 60, 0, 60, 0, 60, 6, 0})                      // and is slow, until the client goes
	f.Add([]byte{0x22, 0, 0, 20, 1, 12, 3, 5, 30, 0, 9, 0, 9, 0, 9, 0, 9, 4, 255, 0, 20, 5}) // overlaps, other bytes
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 600 {
			return
		}
		var problem error
		synctest.Test(t, func(t *testing.T) { problem = perform(t, &script{data}) })
		if problem != nil {
			t.Fatal(problem)
		}
	})
}

// perform plays a script. A hang is noticed by synctest: nobody in the bubble can go on.
func perform(t *testing.T, s *script) error {
	how := s.next()
	cfg := []Config{small, {Part: 16, Slack: 16, Slab: 16}, {Part: 32, Slack: 8, Slab: 8, InFlight: 1}, {Part: 64, Slack: 100, Slab: 32, InFlight: 3}}[how&3].Defaults()
	several := how&0x10 != 0 // writers; then a byte has one value, whoever writes it
	room := []int64{1 << 12, 200, 64}[how>>5%3]
	object, budget := &memory{}, NewBudget(room, int(cfg.Slab))
	bucket := s.next()
	switch bucket & 3 {
	case 1:
		object.err = errors.New("the bucket's own words")
	case 2:
		object.hold = make(chan struct{})
	}
	broken := bucket&3 == 1
	u := New(context.Background(), cfg, object, budget)
	o := &oracle{cfg: cfg, declared: -1}
	var writers sync.WaitGroup
	var lock sync.Mutex // the oracle's, where there are several writers
	var cursor int64
	var wrong error
	dropped := false
	for round := byte(1); len(s.rest) > 0 && wrong == nil && !dropped; round++ {
		op := s.next()
		var off, n int64
		switch op & 7 {
		case 0, 7: // goes on
			off, n = cursor, int64(s.next())
		case 1: // a little back
			n = int64(s.next())
			off = max(0, cursor-n/2)
		case 2: // leaves something out
			n = int64(s.next())
			off = cursor + n%7
		case 3: // anywhere
			off, n = int64(s.next())*3, int64(s.next())
		case 4:
			o.declared = int64(s.next())*2 - 1
			u.Declare(o.declared)
			continue
		case 5:
			if object.hold != nil {
				close(object.hold)
				object.hold = nil
			}
			continue
		case 6:
			if s.next()&3 != 0 {
				off, n = -1, 1
				break
			}
			dropped = true
			continue
		}
		if off+n > int64(len(o.file)) {
			continue
		}
		p := make([]byte, n)
		for i := range p {
			if p[i] = byte((off + int64(i)) * 7); !several {
				p[i] += round
			}
		}
		cursor = off + n
		write := func() {
			lock.Lock()
			refused, must := o.may(off, n)
			lock.Unlock()
			own := bytes.Clone(p)
			_, err := u.WriteAt(own, off)
			clear(own) // the caller may use its memory again
			lock.Lock()
			defer lock.Unlock()
			switch {
			case err == nil && !several && must:
				wrong = fmt.Errorf("%d bytes at %d were taken", n, off)
			case err != nil && !several && !refused && !broken && object.hold == nil:
				wrong = fmt.Errorf("%d bytes at %d were refused: %w", n, off, err)
			case err != nil && (fault.KindOf(err) == fault.Internal || fault.Message(err) == ""):
				wrong = fmt.Errorf("refused without words: %w", err)
			}
			if err != nil {
				o.failed = true
				return
			}
			copy(o.file[max(0, off):], p)
			for i := range n {
				o.have[off+i] = true
			}
			if reach, _ := o.reach(); !several && !broken && n > 0 && u.Reach() != reach {
				wrong = fmt.Errorf("%d bytes stand in one row, not %d", u.Reach(), reach)
			}
		}
		if several && op&0x80 != 0 {
			writers.Go(write)
			synctest.Wait() // it is done, or waits for something: the same each time
		} else {
			write()
		}
	}
	if dropped {
		err := u.Drop(t.Context())
		writers.Wait()
		if err != nil || object.stored || !object.aborted || budget.Free() != room {
			return fmt.Errorf("dropped: %w, stored: %v, %d of %d bytes are free", err, object.stored, budget.Free(), room)
		}
		return wrong
	}
	writers.Wait()
	if object.hold != nil {
		close(object.hold)
	}
	result, err := u.Finish(t.Context())
	want, success, failure := o.outcome()
	sum := sha256.Sum256(want)
	switch {
	case wrong != nil:
		return wrong
	case budget.Free() != room:
		return fmt.Errorf("%d of %d bytes are free", budget.Free(), room)
	case err == nil && (!success || broken && len(want) > 0 && object.err != nil):
		return fmt.Errorf("stored %d bytes of a broken upload", len(object.whole))
	case err == nil && (!object.stored || !bytes.Equal(object.whole, want)):
		return fmt.Errorf("stored %x instead of %x", object.whole, want)
	case err == nil && (result.SHA256 != hex.EncodeToString(sum[:]) || result.Bytes != int64(len(want)) ||
		result.CRC32C != fmt.Sprintf("%08x", crc32.Checksum(want, castagnoli))):
		return fmt.Errorf("the result %+v is wrong", result)
	case err != nil && (object.stored || !object.aborted):
		return fmt.Errorf("something of a failed upload stayed: %w", err)
	case err != nil && !failure && !broken:
		return fmt.Errorf("%d whole bytes were refused: %w", len(want), err)
	}
	return nil
}
