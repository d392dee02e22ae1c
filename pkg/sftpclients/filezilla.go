package sftpclients

import (
	"context"
	"errors"
	"path"
	"sync"
)

// FileZilla's: WRITEs of 16 KiB, of which it sends as many as SSH's window takes.
const (
	filezillaPacket      = 16 << 10
	filezillaReads       = 4
	filezillaConnections = 10
)

// PutFileZilla uploads as FileZilla does that is told to keep times: it changes into the folder, which is REALPATH and an
// OPENDIR that is closed unread, and sets the time by path after CLOSE.
func (c *Conn) PutFileZilla(f File, name string) error {
	if err := c.filezillaEnter(folder(name)); err != nil {
		return err
	}
	handle, err := c.open(name, flagWrite|flagCreate|flagTrunc, attrs{})
	if err != nil {
		return err
	}
	return c.filezillaWrite(f, name, handle, 0)
}

// ResumeFileZilla goes on with an upload that broke off: it opens the file with WRITE alone and writes from the size that
// FSTAT of the handle tells. Where there is no such file it uploads the whole one.
func (c *Conn) ResumeFileZilla(f File, name string) error {
	if err := c.filezillaEnter(folder(name)); err != nil {
		return err
	}
	handle, err := c.open(name, flagWrite, attrs{})
	if NotFound(err) {
		return c.PutFileZilla(f, name)
	}
	if err != nil {
		return err
	}
	size, err := c.send(fxpFstat, handle).size()
	if err != nil {
		return errors.Join(err, c.close(handle))
	}
	return c.filezillaWrite(f, name, handle, size)
}

func (c *Conn) filezillaWrite(f File, name, handle string, from int64) error {
	w := writes{conn: c, handle: handle, file: f}
	if err := w.finish(w.from(from, filezillaPacket)); err != nil || f.Modified.IsZero() {
		return err
	}
	real, err := c.realpath(name)
	if err != nil {
		return err
	}
	if _, err := c.send(fxpStat, real).attrs(); err != nil {
		return err
	}
	return c.keepTime(real, f)
}

// filezillaEnter is "cd".
func (c *Conn) filezillaEnter(folder string) error {
	real, err := c.realpath(folder)
	if err != nil {
		return err
	}
	handle, err := c.send(fxpOpendir, real).handle()
	if err != nil {
		return err
	}
	return c.close(handle)
}

// ListFileZilla answers the names in a folder, asked for by four READDIRs at a time.
func (c *Conn) ListFileZilla(folder string) ([]string, error) {
	handle, err := c.send(fxpOpendir, folder).handle()
	if err != nil {
		return nil, err
	}
	names, err := c.filezillaRead(handle)
	return names, errors.Join(err, c.close(handle))
}

func (c *Conn) filezillaRead(handle string) (names []string, err error) {
	for {
		var asked [filezillaReads]*call
		for i := range asked {
			asked[i] = c.send(fxpReaddir, handle)
		}
		for _, r := range asked {
			p, failed := r.wait(fxpName)
			if failed != nil {
				err = failed
				continue
			}
			for range p.number() {
				names = append(names, p.text())
				p.text()
				p.attrs()
				if failed := p.whole(); failed != nil {
					return names, failed
				}
			}
		}
		if hasCode(err, codeEOF) {
			return names, nil
		}
		if err != nil {
			return names, err
		}
	}
}

// PutFolderFileZilla uploads files into a folder over ten connections at once, as FileZilla's queue does at most: each of
// them finds out by OPENDIR whether the folder is there. One at a time makes it, after another look.
func PutFolderFileZilla(ctx context.Context, l Login, files map[string]File, into string) error {
	names := make(chan string, len(files))
	for name := range files {
		names <- name
	}
	close(names)
	q := &filezillaQueue{login: l, files: files, names: names, into: into}
	failed := make(chan error, filezillaConnections)
	for range filezillaConnections {
		go func() { failed <- q.work(ctx) }()
	}
	var all error
	for range filezillaConnections {
		all = errors.Join(all, <-failed)
	}
	return all
}

type filezillaQueue struct {
	login  Login
	files  map[string]File
	names  <-chan string
	into   string
	making sync.Mutex
}

func (q *filezillaQueue) work(ctx context.Context) error {
	c, err := Dial(ctx, q.login)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.filezillaEnter(q.into); err != nil {
		if err := q.make(c); err != nil {
			return err
		}
	}
	for name := range q.names {
		if err := c.PutFileZilla(q.files[name], path.Join(q.into, name)); err != nil {
			return err
		}
	}
	return nil
}

func (q *filezillaQueue) make(c *Conn) error {
	q.making.Lock()
	defer q.making.Unlock()
	if c.filezillaEnter(q.into) == nil {
		return nil
	}
	return c.send(fxpMkdir, q.into, attrs{}).ok()
}
