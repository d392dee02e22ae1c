package upload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// small measures, so that every boundary is met often.
var small = Config{Part: 64, Slack: 32, Slab: 16}

type chunk struct{ lo, hi int }

// TestAnyOrder sends a file in pieces of any length, duplicated, overlapping and displaced, from eight goroutines, and
// holds the outcome against the file itself: it is exactly the file, or an error and nothing.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 0)) // rapid's own numbers are mostly tiny
		file := make([]byte, rapid.SampledFrom([]int{0, 1, 40, 63, 64, 65, 96, 128, 129, 300, 600}).Draw(r, "bytes"))
		for i := range file {
			file[i] = byte(dice.Uint32())
		}
		displace := rapid.SampledFrom([]int{0, 8, 16, 40, 150}).Draw(r, "displace")
		chunks := cutUp(dice, file, displace)
		truncated := len(file) > 0 && dice.IntN(10) == 0
		if truncated { // the last bytes never come, though they were announced
			for i := range chunks {
				chunks[i].hi = min(chunks[i].hi, len(file)-1)
				chunks[i].lo = min(chunks[i].lo, chunks[i].hi)
			}
		}
		declared := truncated || dice.IntN(2) == 0
		workers := rapid.SampledFrom([]int{1, 2, 8}).Draw(r, "workers")
		var problem error
		synctest.Test(t, func(t *testing.T) {
			problem = play(t, file, chunks, workers, declared, truncated, displace <= int(small.Slack)/2 && workers == 1)
		})
		if problem != nil {
			r.Fatal(problem)
		}
	})
}

// cutUp cuts file into chunks, repeats some and moves each by less than displace bytes of its place in the row.
func cutUp(dice *rand.Rand, file []byte, displace int) []chunk {
	type placed struct {
		chunk
		at int
	}
	var row []placed
	put := func(c chunk) {
		p := placed{c, c.lo}
		if displace > 0 {
			p.at += dice.IntN(displace)
		}
		i := len(row)
		for i > 0 && row[i-1].at > p.at {
			i--
		}
		row = append(row, placed{})
		copy(row[i+1:], row[i:])
		row[i] = p
	}
	for lo := 0; lo < len(file); {
		hi := min(len(file), lo+1+dice.IntN(40))
		put(chunk{lo, hi})
		if displace <= 16 && dice.IntN(5) == 0 { // soon enough to be in memory or refused
			put(chunk{max(0, lo-dice.IntN(8)), hi})
		}
		lo = hi
	}
	chunks := make([]chunk, len(row))
	for i, p := range row {
		chunks[i] = p.chunk
	}
	return chunks
}

func play(t *testing.T, file []byte, chunks []chunk, workers int, declared, truncated, orderly bool) error {
	object, budget := &memory{}, NewBudget(1<<10, int(small.Slab))
	u := New(context.Background(), small, object, budget)
	queue := make(chan chunk)
	var group sync.WaitGroup
	var lock sync.Mutex
	var failed error
	for range workers {
		group.Go(func() {
			for c := range queue {
				own := bytes.Clone(file[c.lo:c.hi])
				if _, err := u.WriteAt(own, int64(c.lo)); err != nil {
					lock.Lock()
					failed = err
					lock.Unlock()
				}
				clear(own) // the caller may use its memory again
			}
		})
	}
	for _, c := range chunks {
		queue <- c
	}
	close(queue)
	group.Wait()
	if declared {
		u.Declare(int64(len(file)))
	}
	result, err := u.Finish(t.Context())
	sum := sha256.Sum256(file)
	switch {
	case budget.Free() != 1<<10:
		return errors.New("memory was not given back")
	case err == nil && (truncated || failed != nil):
		return errors.New("a broken upload was stored")
	case err == nil && (!object.stored || !bytes.Equal(object.whole, file)):
		return errors.New("other bytes were stored")
	case err == nil && (result.SHA256 != hex.EncodeToString(sum[:]) || result.Bytes != int64(len(file))):
		return errors.New("the result is wrong")
	case err == nil && object.begun && len(file) <= int(small.Part):
		return errors.New("a small file went in parts")
	case err != nil && (object.stored || !object.aborted):
		return errors.New("something of a failed upload stayed")
	case err != nil && orderly && !truncated && !repeats(chunks):
		return err
	}
	return nil
}

// repeats reports whether any byte comes twice.
func repeats(chunks []chunk) bool {
	sum, end := 0, 0
	for _, c := range chunks {
		sum += c.hi - c.lo
		end = max(end, c.hi)
	}
	return sum != end
}

func TestSpansAgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var set spans
		var model [64]bool
		for range rapid.IntRange(0, 30).Draw(r, "steps") {
			at := rapid.IntRange(0, 63).Draw(r, "at")
			switch rapid.IntRange(0, 5).Draw(r, "op") {
			case 0:
				set = set.cut(int64(at))
				clear(model[:at])
			case 1:
				set = set.truncate(int64(at))
				clear(model[at:])
			default:
				hi := rapid.IntRange(at, 64).Draw(r, "hi")
				set = set.add(span{int64(at), int64(hi)})
				for i := at; i < hi; i++ {
					model[i] = true
				}
			}
			var got [64]bool
			for i, s := range set {
				if s.lo >= s.hi || i > 0 && set[i-1].hi >= s.lo {
					r.Fatalf("%v is not sorted and joined", set)
				}
				for j := s.lo; j < s.hi; j++ {
					got[j] = true
				}
			}
			if got != model {
				r.Fatalf("%v is not %v", set, model)
			}
		}
	})
}
