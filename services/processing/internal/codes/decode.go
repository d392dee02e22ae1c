package codes

import (
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// decode has gozxing correct the errors and read the text.
func decode(m modules) (text string, ok bool) {
	defer func() {
		if recover() != nil { // a library's mistake on hostile modules must not end the process
			text, ok = "", false
		}
	}()
	bits, err := gozxing.NewBitMatrix(m.n, m.n)
	if err != nil {
		return "", false
	}
	for i, v := range m.v {
		if v < 0 {
			bits.Set(i%m.n, i/m.n)
		}
	}
	result, err := decoder.NewDecoder().Decode(bits, nil)
	if err != nil {
		return "", false
	}
	return acceptable(result.GetText())
}
