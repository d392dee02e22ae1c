package exif

import (
	"encoding/binary"
	"strings"
)

// Orientation answers the orientation that a TIFF block names, or 0 when it names none that exists.
func Orientation(block []byte) int {
	order, at := directory(block)
	entry := find(block, order, at, 0x0112)
	if entry == nil || order.Uint16(entry[2:]) != 3 {
		return 0
	}
	if v := int(order.Uint16(entry[8:])); v <= 8 {
		return v
	}
	return 0
}

// asciiInExif answers a short text from the Exif directory.
func asciiInExif(block []byte, id uint16) string {
	order, at := directory(block)
	pointer := find(block, order, at, 0x8769)
	if pointer == nil {
		return ""
	}
	entry := find(block, order, int64(order.Uint32(pointer[8:])), id)
	if entry == nil || order.Uint16(entry[2:]) != 2 {
		return ""
	}
	size := int64(order.Uint32(entry[4:]))
	value := entry[8:12]
	if size > 4 {
		from := int64(order.Uint32(entry[8:]))
		if size > 64 || from+size > int64(len(block)) {
			return ""
		}
		value = block[from : from+size]
	} else {
		value = value[:size]
	}
	return strings.Trim(string(value), " \x00")
}

// directory answers a TIFF block's byte order and where its first directory stands, 0 when it is no TIFF block.
func directory(block []byte) (binary.ByteOrder, int64) {
	if len(block) < 8 {
		return nil, 0
	}
	switch string(block[:4]) {
	case "II\x2A\x00":
		return binary.LittleEndian, int64(binary.LittleEndian.Uint32(block[4:]))
	case "MM\x00\x2A":
		return binary.BigEndian, int64(binary.BigEndian.Uint32(block[4:]))
	}
	return nil, 0
}

// find answers the 12 bytes of a directory's entry, or nil.
func find(block []byte, order binary.ByteOrder, at int64, id uint16) []byte {
	if order == nil || at < 8 || at+2 > int64(len(block)) {
		return nil
	}
	count := int64(order.Uint16(block[at:]))
	for i := range count {
		entry := at + 2 + 12*i
		if entry+12 > int64(len(block)) {
			return nil
		}
		if order.Uint16(block[entry:]) == id {
			return block[entry : entry+12]
		}
	}
	return nil
}
