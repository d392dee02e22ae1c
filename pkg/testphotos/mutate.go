package testphotos

import (
	"bytes"
	"math/rand/v2"
)

// Mutate answers a copy of a file that something happened to, as it happens to files on cards, in copies and on the way: each seed
// is another accident. Some leave a picture, and some do not.
func Mutate(file []byte, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 0xACC1DE47)) //nolint:gosec // the same each time
	out := bytes.Clone(file)
	at := func() int { return random.IntN(len(out)) }
	for range 1 + random.IntN(3) {
		if len(out) < 600 {
			break
		}
		switch random.IntN(8) {
		case 0: // cut off
			out = out[:at()]
		case 1, 2: // bits that flipped
			for range 1 + random.IntN(20) {
				out[at()] ^= 1 << random.IntN(8)
			}
		case 3: // a sector that was never written
			i := at() &^ 511
			clear(out[i:min(i+512*(1+random.IntN(8)), len(out))])
		case 4: // a sector from elsewhere
			i, j := at()&^511, at()&^511
			copy(out[i:min(i+512, len(out))], file[min(j, len(file)):min(j+512, len(file))])
		case 5: // bytes that were lost
			i := at()
			out = append(out[:i], out[min(i+1+random.IntN(100), len(out)):]...)
		case 6: // bytes that came from nowhere
			noise := make([]byte, 1+random.IntN(100))
			for i := range noise {
				noise[i] = byte(random.Uint32())
			}
			i := at()
			out = append(out[:i], append(noise, out[i:]...)...)
		case 7: // a marker where none belongs, or a length that is wrong
			i := random.IntN(min(len(out)-4, 2000))
			copy(out[i:], []byte{0xFF, 0xC0 + byte(random.IntN(0x40)), byte(random.Uint32()), byte(random.Uint32())})
		}
	}
	return out
}
