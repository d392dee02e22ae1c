package testphotos

import (
	"bytes"
	"encoding/binary"
)

// Truncated is a photograph whose second half was lost on the way from the card.
func Truncated() []byte {
	whole := JPEG(Options{Width: 800, Height: 600, Seed: 7, Camera: Studio()})
	return whole[:len(whole)/2]
}

// TextNamedJPG is what someone renamed to .jpg.
func TextNamedJPG() []byte {
	return []byte("Class 1, Monday: 24 pupils, 2 absent.\r\nRetake for Mia and Ben on Thursday.\r\n")
}

// HTML is what a web page saves when the login had ended.
func HTML() []byte {
	return []byte("<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Your session has ended.</body></html>\n")
}

// Bomb is a JPEG of 45 kB whose header claims 65,500 × 65,500 pixels: 17 GB once decoded.
func Bomb() []byte {
	bomb := JPEG(Options{Width: 320, Height: 240})
	at := bytes.Index(bomb, []byte{0xFF, 0xC0})
	binary.BigEndian.PutUint16(bomb[at+5:], 65500)
	binary.BigEndian.PutUint16(bomb[at+7:], 65500)
	return append(bomb[:len(bomb)-2], append(make([]byte, 45000-len(bomb)%1000), 0xFF, 0xD9)...)
}

// PNGBomb is a PNG of some hundred bytes whose header claims 50,000 × 50,000 pixels.
func PNGBomb() []byte {
	bomb := PNG(Options{Width: 8, Height: 8})
	header := binary.BigEndian.AppendUint32(nil, 50000)
	header = append(binary.BigEndian.AppendUint32(header, 50000), 8, 6, 0, 0, 0)
	return append(append(bomb[:8:8], chunk("IHDR", header)...), bomb[33:]...)
}

// ManyScans is a JPEG that asks to go over the picture n times.
func ManyScans(n int) []byte {
	whole := encodePlanes(Scene(64, 48, 1), Full, 80)
	at := bytes.Index(whole, []byte{0xFF, 0xDA})
	scans := whole[at : len(whole)-2]
	return append(append(whole[:at:at], bytes.Repeat(scans, (n+2)/3)...), 0xFF, 0xD9)
}
