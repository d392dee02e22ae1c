package plane

import (
	"encoding/binary"
	"hash/fnv"
	"testing"
)

// Pictures are the same bytes on every processor, because weights are. Of these sizes some have samples that the last bit of a
// float64 decides about.
func TestWeightsAreTheSameEverywhere(t *testing.T) {
	sum := fnv.New64a()
	for _, have := range []int{1, 255, 381, 423, 623, 1059, 1152, 3648, 4335, 6000} {
		for _, want := range []int{1365, 640, 427, 320, 213} {
			a := lanczos(have, 0, float64(have), want, 2)
			for _, numbers := range []any{a.first, a.weights} {
				if err := binary.Write(sum, binary.LittleEndian, numbers); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if got := sum.Sum64(); got != 0xad0e8491018db9bb {
		t.Fatalf("the sum of all is %#x", got)
	}
}
