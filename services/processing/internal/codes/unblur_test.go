package codes

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
)

func encoded(t *testing.T, text string) modules {
	t.Helper()
	code, err := encoder.Encoder_encode(text, decoder.ErrorCorrectionLevel_M, nil)
	if err != nil {
		t.Fatal(err)
	}
	matrix := code.GetMatrix()
	m := modules{n: matrix.GetWidth(), v: make([]float32, matrix.GetWidth()*matrix.GetHeight())}
	for i := range m.v {
		m.v[i] = 1 - 2*float32(matrix.Get(i%m.n, i/m.n))
	}
	return m
}

// Blur that no threshold reads through is taken off, along any direction, at half contrast and with noise.
func TestUnblur(t *testing.T) {
	const text = "https://photos.example/c/QWERTZ"
	sharp := encoded(t, text)
	if got, ok := decode(sharp); !ok || got != text {
		t.Fatalf("read %q without blur", got)
	}
	for name, k := range map[string][spreadSide * spreadSide]float64{"round": bell(0.72, 0.72, 0), "moved": bell(1.2, 0.5, math.Pi/5)} {
		r := rand.New(rand.NewPCG(1, 1))
		mixed := make([]float64, len(sharp.v))
		in := make([]float64, len(sharp.v))
		for i, v := range sharp.v {
			in[i] = float64(v)
		}
		mix(mixed, in, sharp.n, k, 1)
		seen := modules{n: sharp.n, v: make([]float32, len(mixed))}
		for i, v := range mixed {
			seen.v[i] = float32(0.5*v + 0.1 + 0.01*r.NormFloat64())
		}
		if _, ok := decode(seen); ok {
			t.Errorf("%s: read without unblurring: the test proves nothing", name)
		}
		g := &sheet{n: sharp.n, fixed: fixedModules(sharp.n), work: new(int)}
		if got, ok := g.unblur(seen); !ok || got != text {
			t.Errorf("%s: read %q", name, got)
		}
	}
}

// What is the same in every code is the same in the encoder's.
func TestFixedModules(t *testing.T) {
	for _, text := range []string{"A", "https://photos.example/c/QWERTZ", string(make([]byte, 300)), string(make([]byte, 1500))} {
		m := encoded(t, text)
		fixed := fixedModules(m.n)
		timing := 0
		for _, f := range fixed {
			if m.v[f.y*m.n+f.x] != f.want {
				t.Errorf("%d modules: (%d, %d) is %v", m.n, f.x, f.y, m.v[f.y*m.n+f.x])
			}
			if f.timing {
				timing++
			}
		}
		if want := 3 * 64; len(fixed) < want || timing < m.n/2 {
			t.Errorf("%d modules: %d are fixed, %d of them timing", m.n, len(fixed), timing)
		}
	}
}
