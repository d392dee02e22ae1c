package sftpclients

import "math/rand/v2"

// The lengths of Node's ssh2: what it reads from a disk at a time, and how much of that fits into its packets.
const (
	ssh2Chunk  = 32 << 10
	ssh2Packet = 34000 - 2048
	ssh2Window = 64
	ssh2Late   = 8        // this many chunks go before the first one
	ssh2Stream = 64 << 10 // what a piped file is read by
)

// FastPut uploads as fastPut of Node's ssh2 does. 64 chunks of 32 KiB are read from the disk at once and written as they
// come, so most WRITEs are out of order and the beginning of the file is late; a chunk does not fit into a packet, and its
// last 816 bytes go when the others were answered. The order depends on seed alone, and on the server's answers.
func (c *Conn) FastPut(f File, name string, seed uint64) error {
	handle, err := c.open(name, flagWrite|flagCreate|flagTrunc, attrs{})
	if err != nil {
		return err
	}
	p := fastPut{
		conn: c, handle: handle, file: f, heard: make(chan *call, ssh2Window), running: make(map[*call]span),
		chunks: int((f.Size + ssh2Chunk - 1) / ssh2Chunk), random: rand.New(rand.NewPCG(seed, 0)),
	}
	err = p.run()
	if closed := c.close(handle); err == nil {
		err = closed
	}
	return err
}

type span struct{ from, to int64 }

type fastPut struct {
	conn    *Conn
	handle  string
	file    File
	heard   chan *call
	running map[*call]span // what is left of the chunk behind each WRITE
	read    []int          // chunks that the disk has given and that were not written
	next    int
	chunks  int
	random  *rand.Rand
}

func (p *fastPut) run() error {
	var first error
	for range min(ssh2Window, p.chunks) {
		if first = p.begin(); first != nil {
			break
		}
	}
	for len(p.running) > 0 {
		r := <-p.heard
		rest := p.running[r]
		delete(p.running, r)
		err := r.ok()
		switch {
		case first != nil: // only the answers are waited for
		case err != nil:
			first = err
		case rest.from < rest.to:
			first = p.write(rest)
		default:
			first = p.begin()
		}
	}
	return first
}

// begin writes the next chunk that the disk gives: one of the next few, but never the first of the file among the first.
func (p *fastPut) begin() error {
	for len(p.read)+len(p.running) < ssh2Window && p.next < p.chunks {
		p.read = append(p.read, p.next)
		p.next++
	}
	if len(p.read) == 0 {
		return nil
	}
	i := p.random.IntN(len(p.read))
	if p.read[i] == 0 && len(p.running) < ssh2Late && len(p.read) > 1 {
		i = (i + 1) % len(p.read)
	}
	chunk := p.read[i]
	p.read = append(p.read[:i], p.read[i+1:]...)
	from := int64(chunk) * ssh2Chunk
	return p.write(span{from, min(from+ssh2Chunk, p.file.Size)})
}

func (p *fastPut) write(s span) error {
	b, err := p.file.piece(s.from, int(min(s.to-s.from, ssh2Packet)))
	if err != nil {
		return err
	}
	r := p.conn.sendTo(p.heard, fxpWrite, p.handle, uint64(s.from), b)
	p.running[r] = span{s.from + int64(len(b)), s.to}
	return nil
}

// PutStream uploads as Node's ssh2 does when a file is piped into createWriteStream: the permissions are set on the handle
// before the first byte, and one WRITE waits for the other.
func (c *Conn) PutStream(f File, name string) error {
	const perm = 0o100644
	handle, err := c.open(name, flagWrite|flagCreate|flagTrunc, attrs{perm: perm})
	if err != nil {
		return err
	}
	err = c.send(fxpFsetstat, handle, attrs{perm: perm}).ok()
	for off := int64(0); err == nil && off < f.Size; off += ssh2Stream {
		for from, to := off, min(off+ssh2Stream, f.Size); err == nil && from < to; from += ssh2Packet {
			var b []byte
			if b, err = f.piece(from, int(min(to-from, ssh2Packet))); err == nil {
				err = c.send(fxpWrite, handle, uint64(from), b).ok()
			}
		}
	}
	if closed := c.close(handle); err == nil {
		err = closed
	}
	return err
}
