package sftpd

import (
	"encoding/binary"
	"io"

	"golang.org/x/crypto/ssh"
)

// What programs are told that ask for the limits. Without an answer OpenSSH writes 32 KiB at a time: eight times the packets
// and the answers to them.
const (
	longestPacket = 256 << 10 // the library's
	longestWrite  = 255 << 10 // OpenSSH's own server says the same
	longestRead   = 32 << 10  // the library's
)

const (
	packetInit          = 1
	packetVersion       = 2
	packetExtended      = 200
	packetExtendedReply = 201

	// longestHello is more than any program says in its first packet.
	longestHello = 16 << 10
)

const limitsExtension = "limits@openssh.com"

// extensions are names and versions, as the library serves them.
var extensions = [...]struct{ Name, Version string }{
	{"posix-rename@openssh.com", "1"}, {"statvfs@openssh.com", "2"}, {limitsExtension, "1"},
}

// hello speaks the first words of SFTP, because the library cannot tell its limits: it says what there is, and answers a
// program that then asks for them. What it does not know it leaves to the library: the packet, or as much as was read of it.
func hello(channel ssh.Channel, handles int) (rest []byte, err error) {
	first := true
	for {
		packet, whole, err := shortPacket(channel)
		if err != nil {
			return nil, err
		}
		var answer []byte
		switch {
		case !whole:
		case first && packet[4] == packetInit:
			answer = version()
		case packet[4] == packetExtended:
			answer = limits(packet[5:], handles)
		}
		if answer == nil {
			return packet, nil
		}
		if _, err := channel.Write(answer); err != nil {
			return nil, err
		}
		first = false
	}
}

// shortPacket reads the next packet, or only its length if nothing that hello answers is so long, or so short.
func shortPacket(r io.Reader) (packet []byte, whole bool, err error) {
	packet = make([]byte, 4)
	if _, err := io.ReadFull(r, packet); err != nil {
		return nil, false, err
	}
	length := binary.BigEndian.Uint32(packet)
	if length == 0 || length > longestHello {
		return packet, false, nil
	}
	packet = append(packet, make([]byte, length)...)
	_, err = io.ReadFull(r, packet[4:])
	return packet, true, err
}

func version() []byte {
	body := []byte{packetVersion, 0, 0, 0, 3}
	for _, e := range extensions {
		body = append(body, ssh.Marshal(e)...)
	}
	return framed(body)
}

// limits answers the body of a request for the limits; nil if it is something else.
func limits(body []byte, handles int) []byte {
	var request struct {
		ID   uint32
		Name string
	}
	if ssh.Unmarshal(body, &request) != nil || request.Name != limitsExtension {
		return nil
	}
	return framed(append([]byte{packetExtendedReply}, ssh.Marshal(struct {
		ID                           uint32
		Packet, Read, Write, Handles uint64
	}{request.ID, longestPacket, longestRead, longestWrite, uint64(handles)})...))
}

func framed(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}
