package testphotos

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
)

// encodePlanes writes a JPEG that the standard library cannot write: it lets it write each component as a grey picture
// and puts their scans together under one header.
func encodePlanes(img image.Image, sampling Sampling, quality int) []byte {
	b := img.Bounds()
	planes := split(img, sampling)
	if sampling == Gray {
		return encode(planes[0], quality)
	}
	var out bytes.Buffer
	out.Write([]byte{0xFF, 0xD8})
	if sampling == CMYK {
		out.Write(segment(0xEE, []byte{'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0})) // transform 0: CMYK as it is
	}
	frame := []byte{8, 0, 0, 0, 0, byte(len(planes))}
	binary.BigEndian.PutUint16(frame[1:], uint16(b.Dy()))
	binary.BigEndian.PutUint16(frame[3:], uint16(b.Dx()))
	for i := range planes {
		frame = append(frame, byte(i+1), 0x11, 0)
	}
	for i, plane := range planes {
		gray := encode(plane, quality)
		tables, scan := cut(gray)
		if i == 0 {
			out.Write(tables)
			out.Write(segment(0xC0, frame))
		}
		out.Write(segment(0xDA, []byte{1, byte(i + 1), 0x00, 0, 63, 0}))
		out.Write(scan)
	}
	out.Write([]byte{0xFF, 0xD9})
	return out.Bytes()
}

// cut answers the tables (DQT, DHT) of a grey JPEG and the entropy-coded bytes of its only scan.
func cut(gray []byte) (tables, scan []byte) {
	for i := 2; ; {
		marker, size := gray[i+1], int(binary.BigEndian.Uint16(gray[i+2:]))
		end := i + 2 + size
		switch marker {
		case 0xDA:
			return tables, gray[end : len(gray)-2]
		case 0xDB, 0xC4:
			tables = append(tables, gray[i:end]...)
		}
		i = end
	}
}

func split(img image.Image, sampling Sampling) []*image.Gray {
	b := img.Bounds()
	count := map[Sampling]int{Full: 3, Gray: 1, CMYK: 4}[sampling]
	planes := make([]*image.Gray, count)
	for i := range planes {
		planes[i] = image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	}
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			var v [4]uint8
			switch sampling {
			case CMYK:
				c, m, y, k := color.RGBToCMYK(c.R, c.G, c.B)
				v = [4]uint8{255 - c, 255 - m, 255 - y, 255 - k} // Adobe stores ink inverted
			default:
				v[0], v[1], v[2] = color.RGBToYCbCr(c.R, c.G, c.B)
			}
			for i := range planes {
				planes[i].Pix[y*planes[i].Stride+x] = v[i]
			}
		}
	}
	return planes
}
