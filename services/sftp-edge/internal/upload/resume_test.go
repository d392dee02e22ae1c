package upload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"filmgate.dev/pkg/fault"
)

// TestResumedAnywhere breaks an upload off again and again, at any byte, by a lost connection or by the death of the process,
// under any shortage of memory. What was told to be there is there, and in the end the file is the file.
func TestResumedAnywhere(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 0))
		file := count(rapid.SampledFrom([]int{1, 16, 40, 64, 65, 100, 128, 192, 300, 600}).Draw(r, "bytes"))
		for i := range file {
			file[i] = byte(dice.Uint32())
		}
		memory := rapid.SampledFrom([]int64{96, 160, 1 << 10}).Draw(r, "memory")
		var problem error
		synctest.Test(t, func(t *testing.T) { problem = resumeUntilDone(dice, file, memory) })
		if problem != nil {
			r.Fatal(problem)
		}
	})
}

func resumeUntilDone(dice *rand.Rand, file []byte, memoryBytes int64) error {
	budget := NewBudget(memoryBytes, int(small.Slab))
	object, kept := &memory{}, int64(0)
	for round := 0; ; round++ {
		shown := kept
		stop := int64(len(file))
		if round < 6 && dice.IntN(5) > 0 {
			stop = kept + dice.Int64N(int64(len(file))-kept+1)
		}
		u := New(context.Background(), small, object, budget)
		if kept > 0 {
			from := kept - dice.Int64N(2) // what the client is shown may be a byte less
			if from == 0 {
				from = kept
			}
			u.Offer(&Choice{Size: from, Object: object, From: object.saved})
			shown = from
		}
		if err := u.Reserve(context.Background()); err != nil {
			return err
		}
		for off := shown; off < stop; {
			n := min(stop-off, 1+dice.Int64N(20))
			if _, err := u.WriteAt(file[off:off+n], off); err != nil {
				return err
			}
			off += n
			switch dice.IntN(8) {
			case 0:
				time.Sleep(time.Minute) // whoever sends so slowly does not hold its memory
			case 1:
				u.Relax(0)
			}
		}
		switch {
		case stop == int64(len(file)) && dice.IntN(4) > 0:
			result, err := u.Finish(context.Background())
			sum := sha256.Sum256(file)
			switch {
			case err != nil:
				return err
			case !bytes.Equal(object.whole, file) || result.SHA256 != hex.EncodeToString(sum[:]) || result.Bytes != int64(len(file)):
				return errors.New("the file differs")
			case budget.Free() != memoryBytes:
				return errors.New("memory was not given back")
			}
			return nil
		case dice.IntN(3) == 0 && object.kept().Bytes(small.Part) > 0: // the process dies
			saved := object.kept()
			u.Fail(ErrTaken)
			u.work.Wait()
			u.end()
			object.saved, object.lost = saved, false
			kept = saved.Bytes(small.Part)
		default:
			n, err := u.Suspend(context.Background())
			switch {
			case err == nil && stop < least && n == 0:
				object = &memory{}
			case err == nil && stop == kept && object.saved.Bytes(small.Part) == kept: // nothing came: it is as it was
			case err != nil || n != stop || object.saved.Bytes(small.Part) != n || !object.broken:
				return errors.Join(err, errors.New("less is kept than had arrived"))
			default:
				kept = n
			}
		}
		if budget.Free() != memoryBytes {
			return errors.New("memory was not given back")
		}
	}
}

// kept answers what the object remembers once nothing moves any more.
func (m *memory) kept() Checkpoint {
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saved
}

// partial is an upload that was broken off after n bytes.
func partial(t *testing.T, file []byte, n int, budget *Budget) *memory {
	t.Helper()
	object := &memory{}
	u := New(context.Background(), small, object, budget)
	for off := 0; off < n; off += 10 {
		write(t, u, file[off:min(n, off+10)], off)
	}
	if kept, err := u.Suspend(t.Context()); err != nil || kept != int64(n) {
		t.Fatal(kept, err)
	}
	return object
}

// R20: what the first row of bytes begins with decides, in whatever order its packets are handled.
func TestR20_TheFirstRowDecides(t *testing.T) {
	file := count(300)
	for _, c := range []struct {
		name   string
		writes []chunk
		want   string // "resumed", "anew", or words of the failure
	}{
		{"goes on", []chunk{{80, 130}, {130, 300}}, "resumed"},
		{"goes on, out of order", []chunk{{150, 160}, {130, 150}, {80, 130}, {160, 300}}, "resumed"},
		{"anew", []chunk{{0, 50}, {50, 300}}, "anew"},
		{"anew, with a packet that begins where the file ended first", []chunk{{80, 130}, {50, 80}, {0, 50}, {130, 300}}, "anew"},
		{"neither", []chunk{{40, 90}}, "byte 40 arrived, but the file goes on at 80"},
		{"behind a gap", []chunk{{90, 300}}, "byte 90 arrived, but the file goes on at 80"},
		{"nothing more", nil, "resumed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := NewBudget(1<<10, int(small.Slab))
				old, fresh := partial(t, file, 80, budget), &memory{}
				u := New(context.Background(), small, fresh, budget)
				u.Offer(&Choice{Size: 80, Object: old, From: old.saved})
				for _, w := range c.writes {
					for lo := w.lo; lo < w.hi; lo += 30 {
						hi := min(w.hi, lo+30)
						if _, err := u.WriteAt(file[lo:hi], int64(lo)); err != nil && c.want != "anew" && c.want != "resumed" {
							break
						} else if err != nil {
							t.Fatal(err)
						}
					}
				}
				_, err := u.Finish(t.Context())
				switch {
				case c.want == "resumed":
					if err != nil || !u.Resumed() || !old.stored || fresh.stored || len(c.writes) > 0 && !bytes.Equal(old.whole, file) {
						t.Fatalf("%v, %d bytes", err, len(old.whole))
					}
				case c.want == "anew":
					if err != nil || u.Resumed() || old.stored || !bytes.Equal(fresh.whole, file) {
						t.Fatalf("%v, %d bytes", err, len(fresh.whole))
					}
				case err == nil || !strings.Contains(fault.Message(err), c.want):
					t.Fatal(err)
				default: // what was there is as it was
					if old.stored || fresh.stored || old.aborted || old.saved.Bytes(small.Part) != 80 {
						t.Fatalf("%+v", old)
					}
				}
				if budget.Free() != 1<<10 {
					t.Errorf("%d bytes free", budget.Free())
				}
			})
		})
	}
}

// R19: a client goes on behind a file that had landed. The new version is the old bytes and what follows them.
func TestR19_BehindAWholeFile(t *testing.T) {
	for _, size := range []int{1, 60, 64, 100, 300} {
		for _, more := range []int{1, 40, 300} {
			synctest.Test(t, func(t *testing.T) {
				file := count(size + more)
				budget := NewBudget(1<<10, int(small.Slab))
				object := &memory{}
				u := New(context.Background(), small, object, budget)
				u.Offer(&Choice{
					Size: int64(size), PrefixCRC32C: crc32.Checksum(file[:size], castagnoli),
					Prefix: func(context.Context) (io.ReadCloser, error) {
						time.Sleep(time.Minute)
						return io.NopCloser(bytes.NewReader(file[:size])), nil
					},
				})
				for off := size; off < len(file); off += 7 {
					write(t, u, file[off:min(len(file), off+7)], off)
				}
				if _, err := u.Finish(t.Context()); err != nil || !bytes.Equal(object.whole, file) || budget.Free() != 1<<10 {
					t.Fatalf("%d+%d: %v, %d bytes, %d free", size, more, err, len(object.whole), budget.Free())
				}
			})
		}
	}
}

func TestADamagedPrefixIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		object := &memory{}
		u := New(context.Background(), small, object, NewBudget(1<<10, int(small.Slab)))
		u.Offer(&Choice{Size: 100, PrefixCRC32C: 1, Prefix: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(count(100))), nil
		}})
		write(t, u, count(10), 100)
		if _, err := u.Finish(t.Context()); !fault.Is(err, fault.Unavailable) || object.stored {
			t.Fatal(err)
		}
	})
}

// Many slow uploads share memory for a few: all of them finish, none fails once a byte of it was taken, because their bytes
// wait in the bucket.
func TestSlowUploadsDoNotNeedTheirMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const uploads = 12
		budget := NewBudget(uploads*5*small.Slab, int(small.Slab)) // the floor of each, and no byte more
		objects := make([]*memory, uploads)
		done := make(chan error)
		for i := range uploads {
			objects[i] = &memory{}
			go func() {
				u := New(context.Background(), small, objects[i], budget)
				err := u.Reserve(context.Background())
				for off := int64(0); err == nil && off < 200; off += 4 {
					time.Sleep(time.Minute)
					_, err = u.WriteAt(count(200)[off:off+4], off)
				}
				if err == nil {
					_, err = u.Finish(context.Background())
				}
				done <- err
			}()
		}
		for range uploads {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		for _, o := range objects {
			if !bytes.Equal(o.whole, count(200)) {
				t.Error("another file was stored")
			}
		}
		if budget.Free() != uploads*5*small.Slab {
			t.Errorf("%d bytes free", budget.Free())
		}
	})
}

// An upload whose client has come back elsewhere touches nothing any more.
func TestTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		object := &memory{}
		u := New(context.Background(), small, object, NewBudget(1<<10, int(small.Slab)))
		write(t, u, count(64), 0)
		synctest.Wait()
		object.mu.Lock()
		object.lost = true
		object.mu.Unlock()
		_, _ = u.WriteAt(count(64), 64) // it may be noticed already
		if _, err := u.Finish(t.Context()); !errors.Is(err, ErrTaken) || object.stored || object.aborted {
			t.Fatalf("%v, %+v", err, object)
		}
	})
}

// Somebody else wants to go on while the client's CLOSE is under way: the file is finished whole, and the other one waits.
func TestWhatIsFinishedIsNotBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		object := &memory{hold: make(chan struct{})}
		file := count(200)
		budget := NewBudget(1<<10, int(small.Slab))
		u := New(context.Background(), small, object, budget)
		for off := 0; off < len(file); off += 10 {
			write(t, u, file[off:off+10], off)
		}
		finished := make(chan error)
		go func() {
			_, err := u.Finish(context.Background())
			finished <- err
		}()
		synctest.Wait()
		if _, err := u.Suspend(t.Context()); !errors.Is(err, ErrEnding) {
			t.Error(err)
		}
		close(object.hold)
		if err := <-finished; err != nil || !bytes.Equal(object.whole, file) || budget.Free() != 1<<10 {
			t.Fatalf("%v, %d bytes", err, len(object.whole))
		}
		if _, err := u.Finish(t.Context()); err == nil {
			t.Error("it was finished twice")
		}
	})
}

// The bucket fails in the middle, the client closes: nothing lands, and what is stored can be gone on with.
func TestAFailedWriteKeepsWhatIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		object, budget := &memory{}, NewBudget(1<<10, int(small.Slab))
		file := count(300)
		u := New(context.Background(), small, object, budget)
		for off := 0; off < 140; off += 10 {
			write(t, u, file[off:off+10], off)
		}
		object.kept() // two parts
		object.mu.Lock()
		object.err = errors.New("503")
		object.mu.Unlock()
		for off := 140; off < 200; off += 10 {
			_, _ = u.WriteAt(file[off:off+10], int64(off))
		}
		if _, err := u.Finish(t.Context()); !fault.Is(err, fault.Unavailable) || object.aborted || !object.left {
			t.Fatalf("%v, %+v", err, object)
		}
		object.err = nil
		saved := object.kept()
		again := New(context.Background(), small, &memory{}, budget)
		again.Offer(&Choice{Size: saved.Bytes(small.Part) - 1, Object: object, From: saved})
		for off := 127; off < len(file); off += 20 {
			write(t, again, file[off:min(len(file), off+20)], off)
		}
		if _, err := again.Finish(t.Context()); err != nil || !bytes.Equal(object.whole, file) || budget.Free() != 1<<10 {
			t.Fatalf("%v, %d bytes", err, len(object.whole))
		}
	})
}

// A record whose digest makes no sense, or is another part's, is given up as well.
func TestARottenDigestIsGivenUp(t *testing.T) {
	for _, spoil := range []func(*Checkpoint){
		func(c *Checkpoint) { c.Sum = nil },
		func(c *Checkpoint) { c.Sum = []byte("{}") },
		func(c *Checkpoint) { c.Parts, c.Tail = 2, nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			budget := NewBudget(1<<10, int(small.Slab))
			file := count(200)
			object := partial(t, file, 90, budget)
			from := object.saved
			spoil(&from)
			u := New(context.Background(), small, &memory{}, budget)
			u.Offer(&Choice{Size: from.Bytes(small.Part) - 1, Object: object, From: from})
			write(t, u, file[from.Bytes(small.Part)-1:][:20], int(from.Bytes(small.Part)-1))
			if _, err := u.Finish(t.Context()); !fault.Is(err, fault.Invalid) || !object.aborted || budget.Free() != 1<<10 {
				t.Fatalf("%v, %+v", err, object)
			}
		})
	}
}

// What an upload would go on from is gone or damaged: it fails in words and is not offered again.
func TestARottenBeginningIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewBudget(1<<10, int(small.Slab))
		file := count(100)
		object := partial(t, file, 90, budget)
		for n := range object.pieces {
			object.pieces[n] = bytes.Repeat([]byte{7}, len(object.pieces[n]))
		}
		u := New(context.Background(), small, &memory{}, budget)
		u.Offer(&Choice{Size: 89, Object: object, From: object.saved})
		write(t, u, file[89:], 89)
		if _, err := u.Finish(t.Context()); !fault.Is(err, fault.Invalid) || !object.aborted || budget.Free() != 1<<10 {
			t.Fatalf("%v, %+v", err, object)
		}
	})
}
