package testphotos

import (
	"encoding/binary"
	"math"
)

// AdobeRGB answers a profile for Adobe RGB (1998): gamma 563/256 and wide greens.
func AdobeRGB() []byte {
	return profile("Adobe RGB (1998)", [3][3]float64{{0.60974, 0.31111, 0.01947}, {0.20528, 0.62567, 0.06087}, {0.14919, 0.06322, 0.74457}}, gamma(563))
}

// DisplayP3 answers a profile for the screens and cameras of telephones: sRGB's curve and wider primaries.
func DisplayP3() []byte {
	return profile("Display P3", [3][3]float64{{0.51512, 0.24120, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.15710, 0.06657, 0.78407}}, srgbCurve())
}

// ProPhoto answers a profile for editors that want all colours there are, and some that there are not.
func ProPhoto() []byte {
	return profile("ProPhoto RGB", [3][3]float64{{0.79767, 0.28804, 0.00000}, {0.13519, 0.71188, 0.00000}, {0.03134, 0.00009, 0.82490}}, gamma(461))
}

// SRGB answers a profile for sRGB itself.
func SRGB() []byte {
	return profile("sRGB IEC61966-2.1", [3][3]float64{{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.71410}}, srgbCurve())
}

func gamma(of256 uint16) []byte {
	return append([]byte{'c', 'u', 'r', 'v', 0, 0, 0, 0, 0, 0, 0, 1, byte(of256 >> 8), byte(of256)}, 0, 0)
}

// srgbCurve is ICC's parametric curve of type 3 with sRGB's numbers.
func srgbCurve() []byte {
	out := []byte{'p', 'a', 'r', 'a', 0, 0, 0, 0, 0, 3, 0, 0}
	for _, v := range []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045} {
		out = append(out, fixed(v)...)
	}
	return out
}

func fixed(v float64) []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(int32(math.Round(v*65536))))
}

// profile writes a display profile of version 2: a matrix to XYZ (D50), one column per colour, and one curve for all.
func profile(name string, columns [3][3]float64, curve []byte) []byte {
	type entry struct {
		id   string
		data []byte
	}
	description := append([]byte{'d', 'e', 's', 'c', 0, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, uint32(len(name)+1))...)
	description = append(append(description, name...), make([]byte, 1+78)...)
	entries := []entry{{"desc", description}, {"wtpt", xyz([3]float64{0.9642, 1, 0.8249})}}
	for i, id := range []string{"r", "g", "b"} {
		entries = append(entries, entry{id + "XYZ", xyz(columns[i])}, entry{id + "TRC", curve})
	}
	out := make([]byte, 128)
	copy(out[8:], []byte{2, 0x20, 0, 0})
	copy(out[12:], "mntrRGB XYZ ")
	copy(out[36:], "acsp")
	copy(out[68:], xyz([3]float64{0.9642, 1, 0.8249})[8:])
	out = binary.BigEndian.AppendUint32(out, uint32(len(entries)))
	at := len(out) + 12*len(entries)
	var data []byte
	for _, e := range entries {
		out = append(out, e.id...)
		out = binary.BigEndian.AppendUint32(out, uint32(at+len(data)))
		out = binary.BigEndian.AppendUint32(out, uint32(len(e.data)))
		data = append(data, e.data...)
		data = append(data, make([]byte, (4-len(data)%4)%4)...)
	}
	out = append(out, data...)
	binary.BigEndian.PutUint32(out, uint32(len(out)))
	return out
}

func xyz(v [3]float64) []byte {
	out := []byte{'X', 'Y', 'Z', ' ', 0, 0, 0, 0}
	for _, x := range v {
		out = append(out, fixed(x)...)
	}
	return out
}
