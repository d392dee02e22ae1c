// Package sftpclients imitates, packet for packet, the SFTP programs that photographers use and a test cannot install.
//
// Each method of Conn is one program's habit: which flags it opens a file with, how long its writes are and in which order
// they come, what it sends before the answers to what went before, and what it does after CLOSE. The programs say nothing
// of their own when something fails: what is answered is the server's STATUS, a *Status. A Conn ends with the context it was
// made with, so no server can keep a test waiting, and holds no more of a file than the packet that is being sent.
package sftpclients

import (
	"io"
	"path"
	"strings"
	"time"
)

// File is what is uploaded.
type File struct {
	Content  io.ReaderAt
	Size     int64
	Modified time.Time // sent by the programs that keep the time of a file, unless it is zero
}

// Text is a file that holds s.
func Text(s string) File { return File{Content: strings.NewReader(s), Size: int64(len(s))} }

// piece reads the bytes of one WRITE.
func (f File) piece(off int64, length int) ([]byte, error) {
	b := make([]byte, min(int64(length), f.Size-off))
	n, err := f.Content.ReadAt(b, off)
	if n == len(b) {
		err = nil
	}
	return b, err
}

// folder answers the path of the folder that a file stands in.
func folder(name string) string { return path.Dir(path.Join("/", name)) }
