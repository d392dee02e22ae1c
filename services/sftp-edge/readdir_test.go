package sftpedge_test

import (
	"encoding/binary"
	"io"
	"testing"

	"golang.org/x/crypto/ssh"
)

// pages reads a folder packet by packet, and answers how many bytes and names each reply has.
func pages(t *testing.T, session *ssh.Session, folder string) (sizes, counts []int) {
	t.Helper()
	in, err := session.StdinPipe()
	must(t, err)
	out, err := session.StdoutPipe()
	must(t, err)
	must(t, session.RequestSubsystem("sftp"))
	ask := func(kind byte, body []byte) []byte {
		t.Helper()
		packet := binary.BigEndian.AppendUint32(nil, uint32(1+len(body)))
		_, err := in.Write(append(append(packet, kind), body...))
		must(t, err)
		var size [4]byte
		_, err = io.ReadFull(out, size[:])
		must(t, err)
		answer := make([]byte, binary.BigEndian.Uint32(size[:]))
		_, err = io.ReadFull(out, answer)
		must(t, err)
		return answer
	}
	text := func(id uint32, s string) []byte {
		b := binary.BigEndian.AppendUint32(nil, id)
		return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	const initialize, opendir, readdir, name = 1, 11, 12, 104
	ask(initialize, []byte{0, 0, 0, 3})
	opened := ask(opendir, text(1, folder))
	handle := string(opened[9:])
	for id := uint32(2); ; id++ {
		answer := ask(readdir, text(id, handle))
		if answer[0] != name {
			return sizes, counts
		}
		sizes = append(sizes, 4+len(answer))
		counts = append(counts, int(binary.BigEndian.Uint32(answer[5:])))
	}
}
