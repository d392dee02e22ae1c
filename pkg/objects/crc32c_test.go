package objects_test

import (
	"testing"

	"pgregory.net/rapid"

	"filmgate.dev/pkg/objects"
)

func TestCombinedChecksumIsThatOfTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SliceOf(rapid.Byte()).Draw(t, "a"), rapid.SliceOf(rapid.Byte()).Draw(t, "b")
		got := objects.CombineCRC32C(objects.CRC32C(a), objects.CRC32C(b), int64(len(b)))
		if want := objects.CRC32C(append(a, b...)); got != want {
			t.Fatalf("got %08x, want %08x", got, want)
		}
	})
}

func TestCombinedChecksumOfLargePieces(t *testing.T) {
	body := noise(20 << 20)
	for _, cut := range []int{0, 1, 8 << 20, 20<<20 - 1, 20 << 20} {
		got := objects.CombineCRC32C(objects.CRC32C(body[:cut]), objects.CRC32C(body[cut:]), int64(len(body)-cut))
		if want := objects.CRC32C(body); got != want {
			t.Errorf("cut at %d: got %08x, want %08x", cut, got, want)
		}
	}
}

func TestCombiningIsAssociativeBeyondMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sum, size := rapid.Uint32(), rapid.Int64Range(0, 1<<45)
		a, b, c := sum.Draw(t, "a"), sum.Draw(t, "b"), sum.Draw(t, "c")
		lenB, lenC := size.Draw(t, "lenB"), size.Draw(t, "lenC")
		left := objects.CombineCRC32C(objects.CombineCRC32C(a, b, lenB), c, lenC)
		right := objects.CombineCRC32C(a, objects.CombineCRC32C(b, c, lenC), lenB+lenC)
		if left != right {
			t.Fatalf("left %08x, right %08x", left, right)
		}
	})
}

func BenchmarkCombineCRC32C(b *testing.B) {
	for b.Loop() {
		objects.CombineCRC32C(1, 2, 8<<20)
	}
}
