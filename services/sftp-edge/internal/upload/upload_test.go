package upload

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"filmgate.dev/pkg/fault"
)

func write(t *testing.T, u *Upload, p []byte, off int) {
	t.Helper()
	if _, err := u.WriteAt(p, int64(off)); err != nil {
		t.Fatalf("WriteAt %d: %v", off, err)
	}
}

func begin(t *testing.T) (*Upload, *memory, *Budget) {
	object, budget := &memory{}, NewBudget(1<<10, int(small.Slab))
	return New(context.Background(), small, object, budget), object, budget
}

func count(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// Eight or more writes stand ahead of the one at offset 0, as ssh2's fastPut sends them: none of them may block.
func TestR1_OffsetZeroComesLate(t *testing.T) {
	u, object, _ := begin(t)
	file := count(96)
	for off := 8; off < 96; off += 8 {
		write(t, u, file[off:off+8], off)
	}
	write(t, u, file[:8], 0)
	if _, err := u.Finish(t.Context()); err != nil || !bytes.Equal(object.whole, file) {
		t.Fatalf("Finish: %v, stored %x", err, object.whole)
	}
}

func TestR2_WriteCopies(t *testing.T) {
	u, object, _ := begin(t)
	p := []byte("photo")
	write(t, u, p, 0)
	clear(p)
	if _, err := u.Finish(t.Context()); err != nil || string(object.whole) != "photo" {
		t.Fatalf("stored %q, %v", object.whole, err)
	}
}

func TestR3_OverlapsAndRepeatsInMemory(t *testing.T) {
	u, object, _ := begin(t)
	file := count(60)
	for _, c := range []chunk{{0, 1}, {1, 30}, {1, 30}, {20, 50}, {0, 60}, {59, 60}} {
		write(t, u, file[c.lo:c.hi], c.lo)
	}
	if _, err := u.Finish(t.Context()); err != nil || !bytes.Equal(object.whole, file) {
		t.Fatal(err)
	}
}

func TestR4_WriteIntoStoredPartPoisons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, object, budget := begin(t)
		write(t, u, count(64), 0)
		write(t, u, count(8), 64)
		synctest.Wait() // the first part is handed on
		if _, err := u.WriteAt([]byte{1}, 10); !fault.Is(err, fault.Invalid) {
			t.Fatalf("a stored byte was overwritten: %v", err)
		}
		stillPoisoned(t, u, object, budget)
	})
}

func TestR4_FarBeyondGapPoisonsAfterTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, object, budget := begin(t)
		write(t, u, count(8), 8)
		began := time.Now()
		_, err := u.WriteAt(count(8), small.Part+small.Slack)
		if err == nil || time.Since(began) != 2*time.Second {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		stillPoisoned(t, u, object, budget)
	})
}

func TestR4_GapFilledInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, object, _ := begin(t)
		file := count(104)
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := u.WriteAt(file[96:], 96); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Second) // a fake second: the other write waits
		write(t, u, file[:48], 0)
		write(t, u, file[48:96], 48)
		group.Wait()
		if _, err := u.Finish(t.Context()); err != nil || !bytes.Equal(object.whole, file) {
			t.Fatal(err)
		}
	})
}

// R5: after a failed write neither another write nor a clean close yields a file.
func stillPoisoned(t *testing.T, u *Upload, object *memory, budget *Budget) {
	t.Helper()
	if _, err := u.WriteAt([]byte{1}, 70); err == nil {
		t.Error("a poisoned upload takes writes")
	}
	if _, err := u.Finish(t.Context()); err == nil || object.stored || !object.aborted {
		t.Errorf("a poisoned upload was stored: %v", err)
	}
	if budget.Free() != 1<<10 {
		t.Errorf("%d bytes free", budget.Free())
	}
}

func TestR5_BucketFailurePoisons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, object, budget := begin(t)
		object.err = errors.New("the bucket's own words")
		write(t, u, count(64), 0)
		write(t, u, count(8), 64)
		synctest.Wait()
		_, err := u.WriteAt(count(8), 72)
		if !fault.Is(err, fault.Unavailable) || strings.Contains(fault.Message(err), "own words") {
			t.Fatal(err)
		}
		stillPoisoned(t, u, object, budget)
	})
}

func TestR8_NothingWritten(t *testing.T) {
	u, object, _ := begin(t)
	result, err := u.Finish(t.Context())
	if err != nil || result.Integrity != "empty" || result.Bytes != 0 || !object.stored {
		t.Fatalf("%+v, %v", result, err)
	}
}

func TestR10R11_DeclaredSize(t *testing.T) {
	for _, c := range []struct {
		name              string
		written, declared int
		want              int // -1: the close fails
	}{
		{"as many as arrived", 50, 50, 50},
		{"more than arrived", 50, 51, -1},
		{"fewer than arrived", 50, 20, 20},
		{"emptied before the first byte", 50, 0, 50},
		{"nothing", 0, 0, 0},
		{"something, but nothing arrived", 0, 10, -1},
		{"shorter than what is stored", 150, 20, -1},
		{"shorter, in the second part", 150, 140, 140},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u, object, budget := begin(t)
				u.Declare(int64(c.declared)) // it never holds up writes sent before it
				file := count(c.written)
				for off := 0; off < c.written; off += 10 {
					write(t, u, file[off:off+10], off)
				}
				synctest.Wait()
				_, err := u.Finish(t.Context())
				if c.want < 0 {
					if err == nil || object.stored {
						t.Fatalf("stored %d bytes", len(object.whole))
					}
				} else if err != nil || !bytes.Equal(object.whole, file[:c.want]) {
					t.Fatalf("%d bytes, %v", len(object.whole), err)
				}
				if budget.Free() != 1<<10 {
					t.Errorf("%d bytes free", budget.Free())
				}
			})
		})
	}
}

// The bucket is slow: writes wait for it, and never hold more than the window and two parts.
func TestSlowBucketHoldsTheClientBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, object, budget := begin(t)
		object.hold = make(chan struct{})
		file := count(10 * 64)
		var group sync.WaitGroup
		group.Go(func() {
			for off := 0; off < len(file); off += 8 {
				if _, err := u.WriteAt(file[off:off+8], int64(off)); err != nil {
					t.Error(err)
					return
				}
			}
		})
		time.Sleep(time.Minute)
		if held := 1<<10 - budget.Free(); held != 3*64+32 {
			t.Errorf("%d bytes are held", held)
		}
		close(object.hold)
		group.Wait()
		if _, err := u.Finish(t.Context()); err != nil || !bytes.Equal(object.whole, file) || object.most != 2 {
			t.Fatalf("%v, %d in flight", err, object.most)
		}
	})
}

// A part that the bucket never takes ends the upload, not the patience of everybody behind it.
func TestStuckPartFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, object, budget := begin(t)
		object.hold = make(chan struct{})
		write(t, u, count(64), 0)
		write(t, u, count(20), 64)
		time.Sleep(partWait + time.Second)
		if _, err := u.WriteAt(count(8), 84); !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
		stillPoisoned(t, u, object, budget)
	})
}

func TestDropLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, object, budget := begin(t)
		object.hold = make(chan struct{})
		write(t, u, count(64), 0)
		write(t, u, count(20), 64)
		synctest.Wait()
		if err := u.Drop(t.Context()); err != nil || object.stored || !object.aborted || budget.Free() != 1<<10 {
			t.Fatalf("%v %+v, %d bytes free", err, object, budget.Free())
		}
	})
}

func TestFinishGivesUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, object, _ := begin(t)
		object.hold = make(chan struct{})
		write(t, u, count(64), 0)
		write(t, u, count(20), 64)
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		if _, err := u.Finish(ctx); !fault.Is(err, fault.Unavailable) || !object.aborted {
			t.Fatal(err)
		}
	})
}

func TestIntegrity(t *testing.T) {
	jpeg := append([]byte{0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0}, bytes.Repeat([]byte{1}, 100)...)
	png := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{1}, 100)...)
	for _, c := range []struct {
		name, media, want string
		file              []byte
	}{
		{"whole JPEG", "image/jpeg", "ok", append(bytes.Clone(jpeg), 0xff, 0xd9)},
		{"padded JPEG", "image/jpeg", "ok", append(append(bytes.Clone(jpeg), 0xff, 0xd9), make([]byte, 40)...)},
		{"cut JPEG", "image/jpeg", "truncated", jpeg},
		{"whole PNG", "image/png", "ok", append(bytes.Clone(png), "IEND\xaeB`\x82"...)},
		{"cut PNG", "image/png", "truncated", png},
		{"text", "text/plain; charset=utf-8", "unknown", []byte("hello")},
		{"nothing", "application/octet-stream", "empty", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := New(context.Background(), Config{}, &memory{}, NewBudget(1<<20, 256<<10))
			write(t, u, c.file[:len(c.file)/2], 0)
			write(t, u, c.file[len(c.file)/2:], len(c.file)/2)
			got, err := u.Finish(t.Context())
			if err != nil || got.Integrity != c.want || got.MediaType != c.media {
				t.Fatalf("%+v, %v", got, err)
			}
		})
	}
}
