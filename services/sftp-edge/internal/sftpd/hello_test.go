package sftpd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"golang.org/x/crypto/ssh"
)

// wire is a channel whose client has said everything already.
type wire struct {
	ssh.Channel
	said   io.Reader
	answer bytes.Buffer
}

func (w *wire) Read(b []byte) (int, error)  { return w.said.Read(b) }
func (w *wire) Write(b []byte) (int, error) { return w.answer.Write(b) }

func ask(id uint32, name string) []byte {
	return framed(append([]byte{packetExtended}, ssh.Marshal(struct {
		ID   uint32
		Name string
	}{id, name})...))
}

var initPacket = framed([]byte{packetInit, 0, 0, 0, 3})

func TestHelloTellsLimits(t *testing.T) {
	stat := framed([]byte{17, 0, 0, 0, 2, 0, 0, 0, 1, '/'})
	w := &wire{said: bytes.NewReader(bytes.Join([][]byte{initPacket, ask(7, limitsExtension), stat, stat}, nil))}
	first, err := hello(w, 128)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(io.MultiReader(bytes.NewReader(first), w))
	if err != nil || !bytes.Equal(rest, append(bytes.Clone(stat), stat...)) {
		t.Errorf("the library reads %q %v", rest, err)
	}
	answer := w.answer.Bytes()
	n := 4 + binary.BigEndian.Uint32(answer)
	if !bytes.Contains(answer[:n], []byte(limitsExtension)) || answer[4] != packetVersion {
		t.Errorf("the version is %q", answer[:n])
	}
	var told struct {
		ID                           uint32
		Packet, Read, Write, Handles uint64
	}
	if err := ssh.Unmarshal(answer[n+5:], &told); err != nil || answer[n+4] != packetExtendedReply {
		t.Fatalf("the limits are %q: %v", answer[n:], err)
	}
	if told.ID != 7 || told.Packet != 262144 || told.Write != 261120 || told.Read != 32768 || told.Handles != 128 {
		t.Errorf("%+v", told)
	}
}

// What hello does not know must reach the library as it was said, also when it is long, broken, or another first packet.
func TestHelloLeavesTheRestAlone(t *testing.T) {
	for name, said := range map[string][]byte{
		"no init first":     ask(1, "statvfs@openssh.com"),
		"another extension": ask(9, "fsync@openssh.com"),
		"too long":          framed(make([]byte, longestHello+1)),
		"empty packet":      {0, 0, 0, 0, 1, 2, 3},
		"broken extension":  framed([]byte{packetExtended, 0, 0}),
	} {
		for _, before := range [][]byte{nil, initPacket} {
			w := &wire{said: bytes.NewReader(append(bytes.Clone(before), said...))}
			first, err := hello(w, 1)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if rest, err := io.ReadAll(io.MultiReader(bytes.NewReader(first), w)); err != nil || !bytes.Equal(rest, said) {
				t.Errorf("%s: the library reads %d bytes of %d, %v", name, len(rest), len(said), err)
			}
		}
	}
	if _, err := hello(&wire{said: bytes.NewReader(initPacket[:7])}, 1); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a broken off hello: %v", err)
	}
}
