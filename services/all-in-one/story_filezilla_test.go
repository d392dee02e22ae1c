package main_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// What FileZilla's SFTP engine, the program fzsftp, says about itself: each event begins with a letter. It gets a file's
// bytes from FileZilla in memory that they share, a piece at a time.
const (
	fzReply     = '0' // an answer; the command is done
	fzDone      = '1' // the command is done: "1" well, else not
	fzError     = '2'
	fzStatus    = '5'
	fzEntry     = '8' // of a listing; two more lines follow
	fzHostKey   = '9' // it asks whether to trust a key; a line follows
	fzQuotaIn   = '@' // it asks how many bytes it may read, …
	fzQuotaOut  = 'A' // … or write; no line follows
	fzOpenLocal = 'K' // it wants the memory, and the file from this offset
	fzNextBytes = 'L' // it wants the next bytes
)

// fzMemory is how much memory is shared.
const fzMemory = 256 << 10

// fzsftp is a running engine: what is inside FileZilla for each of its connections.
type fzsftp struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	memory *os.File
	said   strings.Builder
	source *os.File // what is being uploaded
}

// engineCommand is an engine that was not started, and the command that connects it.
func engineCommand(ts *testscript.TestScript) (cmd *exec.Cmd, open string) {
	return clientCommand(ts, "fzsftp", "-v", "-pw", ts.Getenv("SFTP_PASSWORD")), fmt.Sprintf("open %q %s", target(ts), ts.Getenv("SFTP_PORT"))
}

// startFileZilla starts an engine and connects it.
func startFileZilla(cmd *exec.Cmd, open string) (*fzsftp, error) {
	memory, err := os.CreateTemp("", "fzsftp-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(memory.Name())
	e := &fzsftp{cmd: cmd, memory: memory}
	err = memory.Truncate(fzMemory)
	if err == nil {
		e.in, err = e.cmd.StdinPipe()
	}
	var out io.Reader
	if err == nil {
		out, err = e.cmd.StdoutPipe()
	}
	if err != nil {
		memory.Close()
		return nil, err
	}
	e.out = bufio.NewReader(out)
	e.cmd.ExtraFiles = []*os.File{memory} // its descriptor 3
	if err := e.cmd.Start(); err != nil {
		memory.Close()
		return nil, err
	}
	if _, err := e.answer(); err != nil { // that it has started
		return e, err
	}
	return e, e.do(open)
}

func (e *fzsftp) end() {
	e.in.Close()
	_ = e.cmd.Process.Kill()
	_ = e.cmd.Wait()
	e.memory.Close()
}

// do gives a command and waits until it is done. The error has the words that FileZilla shows.
func (e *fzsftp) do(command string) error {
	if _, err := fmt.Fprintln(e.in, command); err != nil {
		return err
	}
	words, err := e.answer()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", command, err, words)
	}
	return nil
}

var errFileZilla = errors.New("FileZilla failed")

// answer serves the engine until its command is done.
func (e *fzsftp) answer() (words string, err error) {
	for {
		kind, text, err := e.event()
		if err != nil {
			return words, err
		}
		switch kind {
		case fzReply:
			return words, nil
		case fzDone:
			if text != "1" {
				return words, errFileZilla
			}
			return words, nil
		case fzError:
			words += text + "\n"
		case fzHostKey:
			err = e.reply("y")
		case fzQuotaIn:
			err = e.reply("-0-")
		case fzQuotaOut:
			err = e.reply("-1-")
		case fzOpenLocal:
			err = e.seek(text)
		case fzNextBytes:
			err = e.feed()
		}
		if err != nil {
			return words, err
		}
	}
}

func (e *fzsftp) event() (kind byte, text string, err error) {
	if kind, err = e.out.ReadByte(); err != nil || kind == fzQuotaIn || kind == fzQuotaOut {
		return kind, "", err
	}
	more := map[byte]int{fzEntry: 2, fzHostKey: 1}[kind]
	for range 1 + more {
		line, err := e.out.ReadString('\n')
		if err != nil {
			return kind, text, err
		}
		text += strings.TrimSuffix(line, "\n")
	}
	switch kind {
	case fzReply, fzError, fzStatus, fzEntry:
		e.said.WriteString(text + "\n")
	}
	return kind, text, nil
}

func (e *fzsftp) reply(line string) error {
	_, err := fmt.Fprintln(e.in, line)
	return err
}

func (e *fzsftp) seek(offset string) error {
	from, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		return err
	}
	if _, err := e.source.Seek(from, io.SeekStart); err != nil {
		return err
	}
	return e.reply(fmt.Sprintf("-3 %d", fzMemory))
}

func (e *fzsftp) feed() error {
	b := make([]byte, fzMemory)
	n, err := io.ReadFull(e.source, b)
	if n == 0 {
		return e.reply("-") // the end
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if _, err := e.memory.WriteAt(b[:n], 0); err != nil {
		return err
	}
	return e.reply(fmt.Sprintf("-0 %d", n))
}

// put uploads a file, as FileZilla does that keeps times; verb is put, or reput to go on with one that is there.
func (e *fzsftp) put(verb, local, remote string) error {
	f, err := os.Open(local)
	if err != nil {
		return err
	}
	defer f.Close()
	i, err := f.Stat()
	if err != nil {
		return err
	}
	e.source = f
	if err := e.do(fmt.Sprintf("%s %q %q", verb, local, remote)); err != nil {
		return err
	}
	return e.do(fmt.Sprintf("chmtime %d %q", i.ModTime().Unix(), remote))
}

// cmdFileZilla runs FileZilla's engine with the commands of a file, or uploads a folder over ten connections at once as its
// queue does: [!] filezilla do FILE, filezilla upload LOCAL REMOTE
func cmdFileZilla(ts *testscript.TestScript, neg bool, args []string) {
	var said string
	var err error
	switch {
	case len(args) == 2 && args[0] == "do":
		said, err = fileZillaBatch(ts, ts.ReadFile(args[1]))
	case len(args) == 3 && args[0] == "upload":
		err = fileZillaUpload(ts, ts.MkAbs(args[1]), path.Join("/", args[2]))
	default:
		ts.Fatalf("usage: filezilla do FILE | upload LOCAL REMOTE")
	}
	ts.Check(os.WriteFile(ts.MkAbs("said"), []byte(said), 0o600))
	ts.Logf("filezilla: %v\n%s", err, said)
	switch {
	case err != nil && !neg:
		ts.Fatalf("FileZilla failed: %v\nfilmgate.log:\n%s", err, tail(ts))
	case err == nil && neg:
		ts.Fatalf("FileZilla went well, which it must not")
	}
}

func fileZillaBatch(ts *testscript.TestScript, commands string) (string, error) {
	e, err := startFileZilla(engineCommand(ts))
	if e != nil {
		defer e.end()
	}
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(commands) {
		line = strings.TrimSpace(line)
		verb, rest, _ := strings.Cut(line, " ")
		switch verb {
		case "":
		case "put", "reput":
			local, remote, _ := strings.Cut(rest, " ")
			err = e.put(verb, ts.MkAbs(local), remote)
		default:
			err = e.do(line)
		}
		if err != nil {
			return e.said.String(), err
		}
	}
	return e.said.String(), nil
}

// fzConnections is how many connections FileZilla makes at most.
const fzConnections = 10

func fileZillaUpload(ts *testscript.TestScript, local, remote string) error {
	var names []string
	err := filepath.WalkDir(local, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	queue := make(chan string, len(names))
	for _, name := range names {
		queue <- name
	}
	close(queue)
	var making sync.Mutex
	failed := make(chan error, fzConnections)
	for range fzConnections {
		cmd, open := engineCommand(ts)
		go func() {
			e, err := startFileZilla(cmd, open)
			if e != nil {
				defer e.end()
			}
			if err == nil {
				err = e.work(remote, &making, queue)
			}
			failed <- err
		}()
	}
	var all error
	for range fzConnections {
		all = errors.Join(all, <-failed)
	}
	return all
}

// work is one connection of the queue. It finds out by "cd" whether the folder is there, and makes it in its turn.
func (e *fzsftp) work(folder string, making sync.Locker, queue <-chan string) error {
	enter := fmt.Sprintf("cd %q", folder)
	if e.do(enter) != nil {
		if err := e.make(folder, enter, making); err != nil {
			return err
		}
	}
	for name := range queue {
		if err := e.put("put", name, filepath.Base(name)); err != nil {
			return err
		}
	}
	return nil
}

func (e *fzsftp) make(folder, enter string, making sync.Locker) error {
	making.Lock()
	defer making.Unlock()
	if e.do(enter) == nil {
		return nil
	}
	if err := e.do(fmt.Sprintf("mkdir %q", folder)); err != nil {
		return err
	}
	return e.do(enter)
}
