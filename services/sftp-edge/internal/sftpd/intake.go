package sftpd

import (
	"encoding/binary"
	"io"
	"math"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"
)

const (
	packetOpen   = 3
	packetClose  = 4
	packetWrite  = 6
	packetStatus = 101
	packetHandle = 102

	// longestHandle is more than the library counts up to.
	longestHandle = 8
	// The fields of a WRITE before its bytes: type, id, handle, offset, length of the bytes.
	writeFields = 1 + 4 + 4 + 8 + 4
	shortestOf  = writeFields + 1
)

// taker is a file that takes what a WRITE brings, if it can at once; else it answers false, and nothing has happened.
type taker interface {
	take(p []byte, off int64) bool
}

// intake is an SFTP channel whose WRITEs are taken before the library reads them, where nothing has to be waited for or
// refused. The library would make a buffer for each and hand it to one of eight goroutines, which costs more than all else
// that is done with the bytes before they are hashed. Everything else is the library's, which also orders the answers to it.
type intake struct {
	ssh.Channel

	// What the library is to read next: said, and then rest more bytes of the channel.
	said []byte
	rest int64
	loan *[]byte // where said stands, if that is to be given back

	mu    sync.Mutex
	asked []bool           // requests that the library has not answered yet, oldest first: is it an OPEN?
	begun []taker          // files that such OPENs have made, oldest first; nil: one that takes nothing
	files map[string]taker // by handle

	answering sync.Mutex // from the first byte of an answer to its last
	left      int64      // bytes of the library's answer that are still to come
}

// newIntake makes an intake of a channel of which the first packet was read already.
func newIntake(channel ssh.Channel, p *pending, first []byte) *intake {
	return &intake{Channel: &heard{channel, p, first}, files: make(map[string]taker)}
}

// heard is a channel that notes when its client asks for something.
type heard struct {
	ssh.Channel
	pending *pending
	read    []byte // by hello, and not for it
}

func (h *heard) Read(b []byte) (n int, err error) {
	if len(h.read) > 0 {
		n = copy(b, h.read)
		h.read = h.read[n:]
	} else {
		n, err = h.Channel.Read(b)
	}
	if n > 0 {
		h.pending.hear()
	}
	return n, err
}

// begin notes what an OPEN has made; nil for what takes no WRITE here. The library makes one OPEN after the other.
func (i *intake) begin(file taker) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.begun = append(i.begun, file)
}

// Read is the library's.
func (i *intake) Read(b []byte) (int, error) {
	for len(i.said) == 0 && i.rest == 0 {
		if err := i.next(); err != nil {
			return 0, err
		}
	}
	if len(i.said) == 0 {
		n, err := i.Channel.Read(b[:min(int64(len(b)), i.rest)])
		i.rest -= int64(n)
		return n, err
	}
	n := copy(b, i.said)
	if i.said = i.said[n:]; len(i.said) == 0 && i.loan != nil {
		giveBack(i.loan)
		i.loan = nil
	}
	return n, nil
}

// next reads the head of the next packet, and takes it or leaves it to the library.
func (i *intake) next() error {
	head := make([]byte, 4, 4+writeFields+longestHandle)
	if _, err := io.ReadFull(i.Channel, head); err != nil {
		return err
	}
	length := int64(binary.BigEndian.Uint32(head))
	if length == 0 || length > longestPacket {
		i.said = head // the library ends the session
		return nil
	}
	head, err := i.more(head, min(length, shortestOf))
	if err != nil {
		return err
	}
	switch head[4] {
	case packetWrite:
		var taken bool
		if head, taken, err = i.write(head, length); taken || err != nil {
			return err
		}
	case packetClose:
		i.forget(head)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked = append(i.asked, head[4] == packetOpen)
	i.said, i.rest = head, 4+length-int64(len(head))
	return nil
}

// more reads n more bytes of a packet.
func (i *intake) more(packet []byte, n int64) ([]byte, error) {
	at := len(packet)
	packet = packet[:at+int(n)]
	_, err := io.ReadFull(i.Channel, packet[at:])
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return packet, err
}

// write takes a WRITE, if its file does. It answers what it has read of the packet.
func (i *intake) write(head []byte, length int64) (read []byte, taken bool, err error) {
	if length < shortestOf {
		return head, false, nil
	}
	n := int64(binary.BigEndian.Uint32(head[9:]))
	if n == 0 || n > longestHandle || length < writeFields+n {
		return head, false, nil
	}
	if head, err = i.more(head, n-1); err != nil {
		return head, false, err
	}
	fields := head[13+n:]
	off, bytes := binary.BigEndian.Uint64(fields), int64(binary.BigEndian.Uint32(fields[8:]))
	file := i.file(string(head[13 : 13+n]))
	if file == nil || bytes == 0 || bytes != length-writeFields-n || off > math.MaxInt64-longestPacket {
		return head, false, nil
	}
	loan := lend(4 + length)
	defer func() {
		if taken || err != nil {
			giveBack(loan)
		} else {
			i.loan = loan
		}
	}()
	packet, err := i.more(append((*loan)[:0], head...), bytes)
	if err != nil || !file.take(packet[len(head):], int64(off)) { //nolint:gosec // it is no more than MaxInt64, see above
		return packet, false, err
	}
	return packet, true, i.acknowledge(head[5:9])
}

func (i *intake) file(handle string) taker {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.files[handle]
}

// forget leaves all that may still come for a handle to the library, because the client closes it.
func (i *intake) forget(head []byte) {
	if len(head) < 13 {
		return
	}
	n := int(min(binary.BigEndian.Uint32(head[9:]), longestHandle+1))
	if len(head) >= 13+n {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.files, string(head[13:13+n]))
	}
}

// acknowledge answers OK.
func (i *intake) acknowledge(id []byte) error {
	answer := append([]byte{0, 0, 0, 17, packetStatus}, id...)
	answer = append(answer, make([]byte, 12)...) // the code 0, no words, in no language
	i.answering.Lock()
	defer i.answering.Unlock()
	_, err := i.Channel.Write(answer)
	return err
}

// Write is the library's. It writes one answer after the other, but the longer ones in two pieces.
func (i *intake) Write(b []byte) (int, error) {
	if i.left == 0 {
		i.answering.Lock()
		i.answered(b)
		i.left = 4 + int64(binary.BigEndian.Uint32(b))
	}
	n, err := i.Channel.Write(b)
	if i.left -= int64(n); i.left <= 0 || err != nil {
		i.left = 0
		i.answering.Unlock()
	}
	return n, err
}

// answered learns from an answer which file a handle is.
func (i *intake) answered(b []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	open := pop(&i.asked)
	if !open || len(b) <= 13 || b[4] != packetHandle {
		return
	}
	if file := pop(&i.begun); file != nil {
		i.files[string(b[13:])] = file
	}
}

func pop[T any](queue *[]T) (first T) {
	if len(*queue) > 0 {
		first = (*queue)[0]
		*queue = slices.Delete(*queue, 0, 1)
	}
	return first
}

// The buffers of WRITEs: a client that never heard of the limits writes 32 KiB at a time, and a slow one holds a buffer
// nearly all the time.
const shortWrite = 32<<10 + 1<<10

var (
	shortWrites = sync.Pool{New: func() any { b := make([]byte, shortWrite); return &b }}
	longWrites  = sync.Pool{New: func() any { b := make([]byte, 4+longestPacket); return &b }}
)

func lend(n int64) *[]byte {
	if n <= shortWrite {
		return shortWrites.Get().(*[]byte)
	}
	return longWrites.Get().(*[]byte)
}

func giveBack(loan *[]byte) {
	if len(*loan) == shortWrite {
		shortWrites.Put(loan)
	} else {
		longWrites.Put(loan)
	}
}
