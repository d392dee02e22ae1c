package engine_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/engine"
	"filmgate.dev/services/processing/internal/plane"
)

const signature = "\x89PNG\r\n\x1a\n"

// chunk writes one with a right checksum.
func chunk(kind string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body))) //nolint:gosec // short
	out = append(append(out, kind...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// summed answers a file as a PNG whose chunks end where the file does at the latest, and whose checksums are right: with wrong ones a
// decoder looks no further.
func summed(file []byte) []byte {
	out := []byte(signature)
	for b := file[min(len(file), len(signature)):]; len(b) >= 8; {
		size := min(int(binary.BigEndian.Uint32(b)), len(b)-8)
		out = append(out, chunk(string(b[4:8]), b[8:8+size])...)
		b = b[min(8+size+4, len(b)):]
	}
	return out
}

// FuzzPNG changes whole files.
func FuzzPNG(f *testing.F) {
	o := testphotos.Options{Width: 20, Height: 12, Orientation: 6, Camera: testphotos.Studio(), ICC: testphotos.AdobeRGB(), Artist: "A"}
	f.Add(testphotos.PNG(o))
	o.Transparent = true
	f.Add(testphotos.PNG(o))
	f.Add(testphotos.EncodePNG(image.NewGray16(image.Rect(0, 0, 9, 7)), testphotos.Options{}))
	f.Add(interlaced(9, 7))
	f.Fuzz(func(t *testing.T, data []byte) {
		src := summed(data)
		info, err := engine.Imaging{}.Probe(t.Context(), src, int64(len(src)))
		if err == nil && info.Width*info.Height > 1<<18 {
			return // fine, but slow
		}
		for _, e := range engines() {
			check(t, e, src)
		}
	})
}

// FuzzPixels changes what is within: every kind of pixel, filter and pass gets data. Both engines make the same of it.
func FuzzPixels(f *testing.F) {
	for kind, depths := range [][]byte{{1, 2, 4, 8, 16}, nil, {8, 16}, {1, 2, 4, 8}, {8, 16}, nil, {8, 16}} {
		for _, depth := range depths {
			clear := [][]byte{{0, 10}, nil, {0, 1, 0, 2, 0, 3}, {128, 0}}[kind%4]
			f.Add(uint8(30), uint8(20), byte(kind), depth, depth%3 == 1, []byte{1, 2, 3, 4, 0, 255, 128}, []byte{10, 200, 30, 255, 0, 0}, clear)
		}
	}
	f.Fuzz(func(t *testing.T, width, height, kind, depth uint8, passes bool, rows, colours, clear []byte) {
		w, h := 1+int(width)%64, 1+int(height)%64
		header := []byte{0, 0, 0, byte(w), 0, 0, 0, byte(h), depth, kind, 0, 0, 0}
		if passes {
			header[12] = 1
		}
		src := append([]byte(signature), chunk("IHDR", header)...)
		if len(colours) > 0 && kind != 0 && kind != 4 {
			src = append(src, chunk("PLTE", colours)...)
		}
		if len(clear) > 0 && kind < 4 {
			src = append(src, chunk("tRNS", clear)...)
		}
		src = append(append(src, chunk("IDAT", deflated(w, h, int(depth)*map[uint8]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind], passes, rows))...), chunk("IEND", nil)...)
		reference, err := process(t.Context(), engine.Imaging{}, src)
		for _, e := range engines() {
			check(t, e, src)
		}
		if err != nil {
			return
		}
		result := must(t, engine.Planar{}, src)
		for i, d := range result.Derivatives {
			// Of a few samples only, another rounding of one coefficient is seen.
			if got, want := luma(t, d), luma(t, reference.Derivatives[i]); apart(got, want) > 4+100/float64(w*h) {
				t.Fatalf("%s is %.1f steps away from the reference", d.Name, apart(got, want))
			}
		}
	})
}

// deflated answers the data of a picture with these rows, again and again, each with a filter that there is.
func deflated(w, h, bits int, passes bool, rows []byte) []byte {
	sizes := [][2]int{{w, h}}
	if passes {
		sizes = nil
		for _, p := range adam7 {
			sizes = append(sizes, [2]int{(w - p[0] + p[2] - 1) / p[2], (h - p[1] + p[3] - 1) / p[3]})
		}
	}
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	at := 0
	next := func() byte {
		if len(rows) == 0 {
			return 0
		}
		at++
		return rows[at%len(rows)]
	}
	for _, s := range sizes {
		if s[0] <= 0 || s[1] <= 0 {
			continue
		}
		for range s[1] {
			row := make([]byte, 1+(bits*s[0]+7)/8)
			for i := range row {
				row[i] = next()
			}
			row[0] %= 5
			_, _ = z.Write(row) // to a buffer: it cannot fail
		}
	}
	_ = z.Close()
	return out.Bytes()
}

// apart answers the mean difference of samples.
func apart(a, b plane.Plane) float64 {
	if a.Width != b.Width || a.Height != b.Height {
		return 256
	}
	sum := 0
	for y := range a.Height {
		for x, v := range a.Row(y) {
			d := int(v) - int(b.Row(y)[x])
			sum += max(d, -d)
		}
	}
	return float64(sum) / float64(a.Width*a.Height)
}
