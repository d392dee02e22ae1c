package sftpclients

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// The packets of SFTP version 3.
const (
	fxpInit     = 1
	fxpVersion  = 2
	fxpOpen     = 3
	fxpClose    = 4
	fxpWrite    = 6
	fxpLstat    = 7
	fxpFstat    = 8
	fxpSetstat  = 9
	fxpFsetstat = 10
	fxpOpendir  = 11
	fxpReaddir  = 12
	fxpRemove   = 13
	fxpMkdir    = 14
	fxpRealpath = 16
	fxpStat     = 17
	fxpRename   = 18
	fxpStatus   = 101
	fxpHandle   = 102
	fxpName     = 104
	fxpAttrs    = 105
	fxpExtended = 200
)

// The flags of OPEN.
const (
	flagWrite  = 0x02
	flagCreate = 0x08
	flagTrunc  = 0x10
	flagExcl   = 0x20
)

// The codes of STATUS that the programs tell apart.
const (
	codeOK         = 0
	codeEOF        = 1
	codeNoSuchFile = 2
)

// maxPacket bounds what a server can make us hold.
const maxPacket = 1 << 20

// Status is what a server answered instead of what was asked for: a code, and its own words.
type Status struct {
	Code uint32
	Text string
}

func (s *Status) Error() string { return fmt.Sprintf("%s (status %d)", s.Text, s.Code) }

// NotFound reports whether a server answered that there is no such file.
func NotFound(err error) bool { return hasCode(err, codeNoSuchFile) }

func hasCode(err error, code uint32) bool {
	var s *Status
	return errors.As(err, &s) && s.Code == code
}

// attrs are the attributes of a file; what is zero is not sent. A size of 0 is sent by withSize.
type attrs struct {
	size     int64
	withSize bool
	perm     uint32
	modified time.Time
}

const (
	attrSize = 0x1
	attrIDs  = 0x2
	attrPerm = 0x4
	attrTime = 0x8
)

func (a attrs) flags() (flags uint32) {
	if a.withSize {
		flags |= attrSize
	}
	if a.perm != 0 {
		flags |= attrPerm
	}
	if !a.modified.IsZero() {
		flags |= attrTime
	}
	return flags
}

// put appends fields to a packet: numbers, strings, bytes (with their length) and attributes.
func put(b []byte, fields ...any) []byte {
	for _, field := range fields {
		switch v := field.(type) {
		case uint32:
			b = binary.BigEndian.AppendUint32(b, v)
		case uint64:
			b = binary.BigEndian.AppendUint64(b, v)
		case string:
			b = append(put(b, uint32(len(v))), v...)
		case []byte:
			b = append(put(b, uint32(len(v))), v...)
		case attrs:
			b = put(b, v.flags())
			if v.withSize {
				b = put(b, uint64(v.size))
			}
			if v.perm != 0 {
				b = put(b, v.perm)
			}
			if !v.modified.IsZero() {
				b = put(b, uint32(v.modified.Unix()), uint32(v.modified.Unix()))
			}
		default:
			panic(fmt.Sprintf("sftpclients: a %T in a packet", field))
		}
	}
	return b
}

// packet is what a server sent: its kind, and what follows the request's number.
type packet struct {
	kind byte
	body []byte
	bad  bool // it was shorter than it said
}

func (p *packet) take(n int) []byte {
	if n < 0 || n > len(p.body) {
		p.bad, p.body = true, nil
		return make([]byte, min(max(n, 0), 8))
	}
	b := p.body[:n]
	p.body = p.body[n:]
	return b
}

func (p *packet) number() uint32 { return binary.BigEndian.Uint32(p.take(4)) }
func (p *packet) long() uint64   { return binary.BigEndian.Uint64(p.take(8)) }
func (p *packet) text() string   { return string(p.take(int(p.number()))) }

func (p *packet) attrs() (a attrs) {
	flags := p.number()
	if flags&attrSize != 0 {
		a.withSize, a.size = true, int64(p.long())
	}
	if flags&attrIDs != 0 {
		p.take(8)
	}
	if flags&attrPerm != 0 {
		a.perm = p.number()
	}
	if flags&attrTime != 0 {
		p.number()
		a.modified = time.Unix(int64(p.number()), 0).UTC()
	}
	return a
}

// readPacket reads one packet whole.
func readPacket(r io.Reader) (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:4])
	if n < 1 || n > maxPacket {
		return 0, nil, fmt.Errorf("a packet of %d bytes", n)
	}
	body = make([]byte, n-1)
	_, err = io.ReadFull(r, body)
	return head[4], body, err
}
