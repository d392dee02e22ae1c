package sftpd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"pgregory.net/rapid"
)

// took is a file that takes what it is told to.
type took struct {
	data   []byte
	refuse bool
}

func (f *took) take(p []byte, off int64) bool {
	if f.refuse {
		return false
	}
	f.data = append(f.data, make([]byte, max(0, off+int64(len(p))-int64(len(f.data))))...)
	copy(f.data[off:], p)
	return true
}

func packet(kind byte, fields any) []byte {
	return framed(append([]byte{kind}, ssh.Marshal(fields)...))
}

type openFields struct {
	ID           uint32
	Path         string
	Flags, Attrs uint32
}

type writeParts struct {
	ID     uint32
	Handle string
	Offset uint64
	Data   string
}

type handleFields struct {
	ID     uint32
	Handle string
}

func write(id uint32, handle string, offset uint64, data string) []byte {
	return packet(packetWrite, writeParts{id, handle, offset, data})
}

// reading reads packets from an intake as the library does, and answers each.
type reading struct {
	t      interface{ Fatal(args ...any) }
	intake *intake
	opens  func(path string) (taker, bool) // what an OPEN makes, and whether it does
	heard  [][]byte
	count  int
}

// serve handles the next packet; false at the end.
func (l *reading) serve() bool {
	head := make([]byte, 4)
	if _, err := io.ReadFull(l.intake, head); err == io.EOF {
		return false
	} else if err != nil {
		l.t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint32(head))
	if _, err := io.ReadFull(l.intake, body); err != nil {
		l.t.Fatal(err)
	}
	l.heard = append(l.heard, append(head, body...))
	id := binary.BigEndian.Uint32(body[1:])
	var open openFields
	if body[0] == packetOpen && ssh.Unmarshal(body[1:], &open) == nil {
		if file, made := l.opens(open.Path); made {
			l.count++
			l.intake.begin(file)
			l.say(packet(packetHandle, handleFields{id, string(rune('0' + l.count))}))
			return true
		}
	}
	l.say(packet(packetStatus, struct {
		ID, Code        uint32
		Words, Language string
	}{id, 4, "no", ""}))
	return true
}

// say writes an answer in two pieces, as the library does with long ones.
func (l *reading) say(answer []byte) {
	for _, piece := range [][]byte{answer[:len(answer)-2], answer[len(answer)-2:]} {
		if len(answer) < 18 {
			piece, answer = answer, nil
		}
		if _, err := l.intake.Write(piece); err != nil {
			l.t.Fatal(err)
		}
		if answer == nil {
			return
		}
	}
}

func intakeOf(said []byte) (*intake, *wire) {
	w := &wire{said: bytes.NewReader(said)}
	return newIntake(w, &pending{}, nil), w
}

func TestIntakeTakesWhatItsFileTakes(t *testing.T) {
	open, closed := packet(packetOpen, openFields{ID: 1, Path: "a"}), packet(packetClose, handleFields{9, "1"})
	early := write(2, "1", 0, "before anybody knows the handle")
	whole := bytes.Repeat([]byte("0123456789abcdef"), 255<<10/16)
	for name, test := range map[string]struct {
		said   [][]byte
		refuse bool
		taken  string
		left   int // packets that the library hears
	}{
		"in a row":            {said: [][]byte{open, write(2, "1", 0, "foto"), write(3, "1", 4, "graf")}, taken: "fotograf", left: 1},
		"as long as told":     {said: [][]byte{open, write(2, "1", 0, string(whole))}, taken: string(whole), left: 1},
		"a file that has to":  {said: [][]byte{open, write(2, "1", 0, "wait")}, refuse: true, left: 2},
		"another handle":      {said: [][]byte{open, write(2, "2", 0, "what")}, left: 2},
		"a handle of ours":    {said: [][]byte{open, write(2, "12345678", 0, "what"), write(2, "123456789", 0, "what")}, left: 3},
		"no handle":           {said: [][]byte{open, write(2, "", 0, "what")}, left: 2},
		"nothing to write":    {said: [][]byte{open, write(2, "1", 0, "")}, left: 2},
		"a byte at the end":   {said: [][]byte{open, write(2, "1", 1<<63-1, "x")}, left: 2},
		"and behind it":       {said: [][]byte{open, write(2, "1", 1<<64-1, "x")}, left: 2},
		"too long a length":   {said: [][]byte{open, framed(append([]byte{packetWrite}, 0, 0, 0, 2, 0, 0, 0, 1, '1', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 'x'))}, left: 2},
		"bytes behind it":     {said: [][]byte{open, framed(append([]byte{packetWrite}, 0, 0, 0, 2, 0, 0, 0, 1, '1', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'x', 'y'))}, left: 2},
		"a broken write":      {said: [][]byte{open, framed([]byte{packetWrite, 0, 0, 0, 2})}, left: 2},
		"a broken close":      {said: [][]byte{open, framed([]byte{packetClose, 0, 0, 0, 2, 0, 0, 0, 7}), write(3, "1", 0, "x")}, taken: "x", left: 2},
		"after the close":     {said: [][]byte{open, write(2, "1", 0, "foto"), closed, write(3, "1", 4, "graf")}, taken: "foto", left: 3},
		"an open that failed": {said: [][]byte{packet(packetOpen, openFields{ID: 1, Path: "no"}), open, write(2, "1", 0, "foto")}, taken: "foto", left: 2},
		"an open to read":     {said: [][]byte{packet(packetOpen, openFields{ID: 1, Path: "read"}), open, write(2, "1", 0, "no"), write(3, "2", 0, "yes")}, taken: "yes", left: 3},
	} {
		t.Run(name, func(t *testing.T) {
			file := &took{refuse: test.refuse}
			i, w := intakeOf(bytes.Join(test.said, nil))
			l := &reading{t: t, intake: i, opens: func(path string) (taker, bool) {
				if path == "read" {
					return nil, true
				}
				return file, path == "a"
			}}
			for l.serve() { //nolint:revive // it does what there is to do
			}
			if string(file.data) != test.taken || len(l.heard) != test.left {
				t.Errorf("%d bytes were taken, %d packets were left", len(file.data), len(l.heard))
			}
			for n, one := range l.heard {
				if !slices.ContainsFunc(test.said, func(said []byte) bool { return bytes.Equal(said, one) }) {
					t.Errorf("packet %d reached the library as %q", n, one[:min(len(one), 60)])
				}
			}
			if answers := count(t, w.answer.Bytes()); answers != len(test.said) {
				t.Errorf("%d packets were answered %d times", len(test.said), answers)
			}
		})
	}
	// Before the answer with the handle is out, nobody can know it; who guesses it gets the library.
	file := &took{}
	i, _ := intakeOf(append(slices.Clone(early), early...))
	i.begin(file)
	l := &reading{t: t, intake: i, opens: func(string) (taker, bool) { return nil, false }}
	if l.serve(); len(l.heard) != 1 || file.data != nil {
		t.Errorf("a guessed handle was taken for one that was given")
	}
}

func count(t interface{ Fatal(args ...any) }, answers []byte) (n int) {
	for ; len(answers) > 0; n++ {
		length := 4 + int(binary.BigEndian.Uint32(answers))
		if length > len(answers) {
			t.Fatal("an answer is broken, or another one stands in it")
		}
		answers = answers[length:]
	}
	return n
}

func TestIntakeThatBreaksOff(t *testing.T) {
	said := bytes.Join([][]byte{packet(packetOpen, openFields{ID: 1, Path: "a"}), write(2, "1", 0, "fotografie")}, nil)
	for cut := range len(said) {
		file := &took{}
		i, _ := intakeOf(said[:cut])
		i.asked, i.begun = []bool{true}, []taker{file}
		if _, err := i.Write(packet(packetHandle, handleFields{1, "1"})); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(i)
		if file.data != nil || (err != nil && !errors.Is(err, io.ErrUnexpectedEOF)) || !bytes.HasPrefix(said, rest) {
			t.Errorf("after %d bytes: %q taken, %q left, %v", cut, file.data, rest, err)
		}
	}
}

// Whatever is asked in whatever order, the files have what was written to them, and nothing else.
func TestIntakeKeepsFilesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := map[string]*took{"1": {}, "2": {}, "3": {}}
		want := map[string][]byte{}
		var said []byte
		for n := range 3 {
			said = append(said, packet(packetOpen, openFields{ID: uint32(n), Path: string(rune('1' + n))})...)
		}
		left := 3
		for range rapid.IntRange(0, 40).Draw(t, "packets") {
			handle := rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(t, "handle")
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0:
				said = append(said, packet(17, handleFields{7, "/stat/me"})...)
				left++
			default:
				data := rapid.StringN(1, 20, 50_000).Draw(t, "data")
				said = append(said, write(8, handle, uint64(len(want[handle])), data)...)
				if handle == "4" {
					left++
				} else {
					want[handle] = append(want[handle], data...)
				}
			}
		}
		i, _ := intakeOf(said)
		l := &reading{t: t, intake: i, opens: func(path string) (taker, bool) { return files[path], true }}
		for l.serve() { //nolint:revive // it does what there is to do
		}
		for handle, file := range files {
			if !bytes.Equal(file.data, want[handle]) {
				t.Fatalf("%d bytes were written to %s, it has %d", len(want[handle]), handle, len(file.data))
			}
		}
		if len(l.heard) != left {
			t.Fatalf("the library heard %d packets, not %d", len(l.heard), left)
		}
	})
}

// shelf serves the library: what is opened takes its WRITEs from the intake.
type shelf struct {
	intake *intake
	files  map[string]*took
	late   int // WRITEs that came through the library
}

func (s *shelf) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	if s.files[r.Filepath] == nil {
		return nil, errors.New("no")
	}
	s.intake.begin(s.files[r.Filepath])
	return s, nil
}

func (s *shelf) Fileread(*sftp.Request) (io.ReaderAt, error) {
	s.intake.begin(nil)
	return bytes.NewReader([]byte("content")), nil
}

func (s *shelf) WriteAt(p []byte, _ int64) (int, error) { s.late++; return len(p), nil }
func (s *shelf) Filecmd(*sftp.Request) error            { return nil }
func (s *shelf) Filelist(*sftp.Request) (list sftp.ListerAt, err error) {
	return infos{{name: "a"}}, nil
}

// duplex is a channel over two pipes.
type duplex struct {
	ssh.Channel
	io.Reader
	io.WriteCloser
}

func (d duplex) Read(b []byte) (int, error)  { return d.Reader.Read(b) }
func (d duplex) Write(b []byte) (int, error) { return d.WriteCloser.Write(b) }
func (d duplex) Close() error                { return d.WriteCloser.Close() }

// The library tells nobody which handle it gives to what: this is about how it does it now.
func TestIntakeUnderstandsTheLibrary(t *testing.T) {
	up, sent := io.Pipe()
	down, answered := io.Pipe()
	i := newIntake(duplex{Reader: up, WriteCloser: answered}, &pending{}, nil)
	s := &shelf{intake: i, files: map[string]*took{"/a": {}, "/b": {}}}
	server := sftp.NewRequestServer(i, sftp.Handlers{FileGet: s, FilePut: s, FileCmd: s, FileList: s})
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	client, err := sftp.NewClientPipe(down, sent)
	if err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("fotografie"), 20_000)
	for _, path := range []string{"/a", "/b"} {
		if _, err := client.Create("/nothing"); err == nil {
			t.Error("what must not be opened is")
		}
		reading, err := client.Open("/c")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.ReadDir("/"); err != nil {
			t.Error(err)
		}
		writing, err := client.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := writing.Write(content); err != nil {
			t.Error(err)
		}
		if got, err := io.ReadAll(reading); err != nil || string(got) != "content" {
			t.Errorf("%q %v", got, err)
		}
		if err := errors.Join(writing.Close(), reading.Close()); err != nil {
			t.Error(err)
		}
	}
	for path, file := range s.files {
		if !bytes.Equal(file.data, content) {
			t.Errorf("%s took %d bytes of %d", path, len(file.data), len(content))
		}
	}
	if s.late > 0 || len(i.files)+len(i.begun) > 0 {
		t.Errorf("%d writes went the long way; left over: %d handles, %d files", s.late, len(i.files), len(i.begun))
	}
	_ = sent.Close()
	<-served
	_ = answered.Close()
	_ = client.Close()
}
