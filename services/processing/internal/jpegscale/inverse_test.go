package jpegscale

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Every scale is what T.81 A.3.3 defines, with the cosines of that many points.
func TestInverseByItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Scale{rapid.SampledFrom(Scales).Draw(t, "x"), rapid.SampledFrom(Scales).Draw(t, "y")}
		var b block
		for range rapid.IntRange(0, 12).Draw(t, "coefficients") {
			b[rapid.IntRange(0, 63).Draw(t, "place")] = rapid.Int16Range(-300, 300).Draw(t, "value")
		}
		var want [64]float64
		for y := range s.Y {
			for x := range s.X {
				var sum float64
				for v := range s.Y {
					for u := range s.X {
						sum += float64(b[8*v+u]) * cosine(u, x, s.X) * cosine(v, y, s.Y)
					}
				}
				want[8*y+x] = math.Round(min(max(sum/4+128, 0), 255))
			}
		}
		got := make([]byte, 64)
		inverse(s)(got, 8, &b)
		if b != (block{}) {
			t.Fatal("something is left in the block")
		}
		for y := range s.Y {
			for x := range s.X {
				if d := float64(got[8*y+x]) - want[8*y+x]; math.Abs(d) > 1 {
					t.Fatalf("%v: sample %d %d is %d, and not %.0f", s, x, y, got[8*y+x], want[8*y+x])
				}
			}
		}
	})
}

func cosine(k, i, n int) float64 {
	if k == 0 {
		return math.Sqrt2 / 2
	}
	return math.Cos(float64((2*i+1)*k) * math.Pi / float64(2*n))
}

// The one for three points is the general one.
func TestThreePoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a block
		most := rapid.SampledFrom([]int16{100, 2000, 32767}).Draw(t, "most")
		for i := range a {
			a[i] = rapid.Int16Range(-most-1, most).Draw(t, "coefficient")
		}
		b, stride := a, rapid.IntRange(3, 7).Draw(t, "stride")
		x, y := make([]byte, 3*stride), make([]byte, 3*stride)
		inverse3(x, stride, &a)
		inverseGo(y, stride, &b, Scale{3, 3})
		if !bytes.Equal(x, y) || a != b || a != (block{}) {
			t.Fatalf("%v\n%v", x, y)
		}
	})
}

// What is skipped many symbols at a time is what would be read one by one.
func TestSkippingIsReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var counts [16]byte
		room, symbols := 1, []byte{}
		for i := range counts {
			room *= 2
			n := rapid.IntRange(0, min(room-1, 200-len(symbols), 60)).Draw(t, "codes")
			counts[i], room = byte(n), room-n
			for range n {
				symbols = append(symbols, rapid.Byte().Draw(t, "symbol"))
			}
		}
		c, err := newCode(counts[:], symbols)
		if err != nil {
			t.Fatal(err)
		}
		tables := c.coefficients()
		next := rapid.Uint64().Draw(t, "bits")
		e := tables.skip[next>>(64-skipBits)]
		if e == skipNothing {
			length, symbol := c.find(uint32(next >> 48))
			if _, size := step(symbol); length <= skipBits && size <= mostAC {
				t.Fatalf("a prefix of %d bits is not found", length)
			}
			return
		}
		bits, advance := int(e&(1<<skipAdvance-1)), int(e>>skipAdvance)
		at, k := 0, 0
		for at < bits && k < pastEnd {
			length, symbol := c.find(uint32(next << at >> 48))
			if length > 16 {
				t.Fatalf("no symbol at %d of %d", at, bits)
			}
			a, size := step(symbol)
			at, k = at+length+size, k+a
		}
		if at != bits || k != advance {
			t.Fatalf("%d bits and %d coefficients, not %d and %d", bits, advance, at, k)
		}
	})
}
