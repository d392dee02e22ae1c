// Package icc turns pictures with an embedded colour profile into sRGB, which every screen shows right.
//
// It understands the profiles that cameras and editors embed in photos: a matrix and three curves, or one curve for grey.
// Profiles made of tables (printers, CMYK) are refused, so that the caller can say so instead of guessing.
package icc

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"unicode/utf16"
)

// Profile is a colour profile: how its numbers become light.
type Profile struct {
	Description string
	curves      [3]curve
	matrix      [3][3]float64 // to XYZ under D50: rows X, Y, Z; columns red, green, blue
	gray        bool
}

var (
	errBad    = errors.New("icc: not a readable profile")
	errTables = errors.New("icc: not a matrix profile")
)

// Parse reads a profile. Every offset and count in it is checked: it came from a stranger.
func Parse(data []byte) (*Profile, error) {
	if len(data) < 132 || string(data[36:40]) != "acsp" {
		return nil, errBad
	}
	p := &Profile{Description: describe(tag(data, "desc"))}
	space, pcs := string(data[16:20]), string(data[20:24])
	switch {
	case space == "GRAY":
		p.gray = true
		c, err := parseCurve(tag(data, "kTRC"))
		if err != nil {
			return p, err
		}
		p.curves = [3]curve{c, c, c}
		return p, nil
	case space != "RGB " || pcs != "XYZ ":
		return p, errTables
	}
	for i, colour := range []string{"r", "g", "b"} {
		column, ok := parseXYZ(tag(data, colour+"XYZ"))
		if !ok {
			return p, errTables
		}
		for row := range 3 {
			p.matrix[row][i] = column[row]
		}
		var err error
		if p.curves[i], err = parseCurve(tag(data, colour+"TRC")); err != nil {
			return p, err
		}
	}
	return p, nil
}

// AdobeRGB answers the profile of cameras that shoot Adobe RGB and say so in a word instead of embedding it.
func AdobeRGB() *Profile {
	gamma := curve{parameters: [7]float64{563.0 / 256, 1}}
	return &Profile{
		Description: "Adobe RGB (1998)",
		curves:      [3]curve{gamma, gamma, gamma},
		matrix:      [3][3]float64{{0.60974, 0.20528, 0.14919}, {0.31111, 0.62567, 0.06322}, {0.01947, 0.06087, 0.74457}},
	}
}

// tag answers the bytes of a tag, nil when it is not there or reaches out of the profile.
func tag(data []byte, name string) []byte {
	count := binary.BigEndian.Uint32(data[128:])
	for i := range min(int64(count), 100) {
		at := 132 + 12*i
		if at+12 > int64(len(data)) {
			return nil
		}
		if string(data[at:at+4]) != name {
			continue
		}
		from := int64(binary.BigEndian.Uint32(data[at+4:]))
		size := int64(binary.BigEndian.Uint32(data[at+8:]))
		if from+size > int64(len(data)) {
			return nil
		}
		return data[from : from+size]
	}
	return nil
}

func parseXYZ(b []byte) (v [3]float64, ok bool) {
	if len(b) < 20 || string(b[:4]) != "XYZ " {
		return v, false
	}
	for i := range v {
		v[i] = fixed(b[8+4*i:])
	}
	return v, true
}

// fixed reads a number of 16 bits before and 16 behind the point.
func fixed(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }

// describe answers the profile's name, of either version of the format.
func describe(b []byte) string {
	if len(b) < 12 {
		return ""
	}
	var name string
	switch string(b[:4]) {
	case "desc":
		size := min(int64(binary.BigEndian.Uint32(b[8:])), int64(len(b)-12), 100)
		name = string(b[12 : 12+size])
	case "mluc":
		if len(b) < 28 {
			return ""
		}
		size, from := int64(binary.BigEndian.Uint32(b[20:])), int64(binary.BigEndian.Uint32(b[24:]))
		if size = min(size, 200); from+size > int64(len(b)) {
			return ""
		}
		units := make([]uint16, size/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(b[from+2*int64(i):])
		}
		name = string(utf16.Decode(units))
	}
	name, _, _ = strings.Cut(strings.ToValidUTF8(name, ""), "\x00")
	return strings.TrimSpace(name)
}

// curve is how one colour's numbers become light: a table, or ICC's parametric formula.
type curve struct {
	table      []uint16
	parameters [7]float64 // g a b c d e f: (aX+b)^g+e from d on, cX+f below
}

func parseCurve(b []byte) (curve, error) {
	if len(b) < 12 {
		return curve{}, errTables
	}
	switch string(b[:4]) {
	case "curv":
		count := int64(binary.BigEndian.Uint32(b[8:]))
		if count > 65536 || 12+2*count > int64(len(b)) {
			return curve{}, errBad
		}
		switch count {
		case 0:
			return curve{parameters: [7]float64{1, 1}}, nil
		case 1:
			return curve{parameters: [7]float64{float64(binary.BigEndian.Uint16(b[12:])) / 256, 1}}, nil
		}
		table := make([]uint16, count)
		for i := range table {
			table[i] = binary.BigEndian.Uint16(b[12+2*i:])
		}
		return curve{table: table}, nil
	case "para":
		kind := binary.BigEndian.Uint16(b[8:])
		if kind > 4 {
			return curve{}, errBad
		}
		count := [...]int{1, 3, 4, 5, 7}[kind]
		if 12+4*count > len(b) {
			return curve{}, errBad
		}
		var p [7]float64
		for i := range count {
			p[i] = fixed(b[12+4*i:])
		}
		g, x, y, z, w := p[0], p[1], p[2], p[3], p[4]
		switch kind {
		case 0:
			p = [7]float64{g, 1}
		case 1, 2: // the bend is where the formula reaches zero; z lifts both sides
			if x == 0 {
				return curve{}, errBad
			}
			p = [7]float64{g, x, y, 0, -y / x, z, z}
		case 3:
			p = [7]float64{g, x, y, z, w}
		}
		return curve{parameters: p}, nil
	}
	return curve{}, errTables
}

// light answers the light of a number, both from 0 to 1.
func (c curve) light(v float64) float64 {
	var out float64
	if n := len(c.table); n > 0 {
		at := v * float64(n-1)
		i := min(int(at), n-2)
		low, high := float64(c.table[i]), float64(c.table[i+1])
		out = (low + (high-low)*(at-float64(i))) / 65535
	} else {
		p := &c.parameters
		if v >= p[4] {
			out = math.Pow(max(0, p[1]*v+p[2]), p[0]) + p[5]
		} else {
			out = p[3]*v + p[6]
		}
	}
	if math.IsNaN(out) {
		return 0
	}
	return max(0, min(1, out))
}
