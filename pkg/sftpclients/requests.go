package sftpclients

import (
	"errors"
	"fmt"
)

func (c *Conn) open(name string, flags uint32, a attrs) (string, error) {
	return c.send(fxpOpen, name, flags, a).handle()
}

func (r *call) handle() (string, error) {
	p, err := r.wait(fxpHandle)
	if err != nil {
		return "", err
	}
	return p.text(), p.whole()
}

func (r *call) attrs() (attrs, error) {
	p, err := r.wait(fxpAttrs)
	if err != nil {
		return attrs{}, err
	}
	a := p.attrs()
	return a, p.whole()
}

// whole fails where a packet ended early.
func (p *packet) whole() error {
	if p.bad {
		return fmt.Errorf("packet %d ends early", p.kind)
	}
	return nil
}

func (c *Conn) close(handle string) error { return c.send(fxpClose, handle).ok() }

func (c *Conn) realpath(name string) (string, error) {
	p, err := c.send(fxpRealpath, name).wait(fxpName)
	if err != nil {
		return "", err
	}
	p.number()
	real := p.text()
	return real, p.whole()
}

// size answers how much of a file is there.
func (r *call) size() (int64, error) {
	a, err := r.attrs()
	if err == nil && !a.withSize {
		err = errors.New("the server told no size")
	}
	return a.size, err
}

// exists tells "no such file" from every other failure.
func (c *Conn) exists(name string) (bool, error) {
	_, err := c.send(fxpStat, name).attrs()
	if NotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// keepTime sets a file's time, as the programs do that keep it.
func (c *Conn) keepTime(name string, f File) error {
	if f.Modified.IsZero() {
		return nil
	}
	return c.send(fxpSetstat, name, attrs{modified: f.Modified}).ok()
}

// writes are WRITEs of one file on their way.
type writes struct {
	conn   *Conn
	handle string
	file   File
	window int // how many may be unanswered; 0: as many as SSH's own window takes
	calls  []*call
}

// from sends the file in order, from off to its end.
func (w *writes) from(off int64, length int) error {
	for off < w.file.Size {
		b, err := w.file.piece(off, length)
		if err != nil {
			return err
		}
		if err := w.room(); err != nil {
			return err
		}
		w.calls = append(w.calls, w.conn.send(fxpWrite, w.handle, uint64(off), b))
		off += int64(len(b))
	}
	return nil
}

// room waits until another WRITE may be sent, and hears of one that failed.
func (w *writes) room() error {
	for len(w.calls) > 0 {
		if w.window == 0 || len(w.calls) < w.window {
			select {
			case <-w.calls[0].done:
			default:
				return nil
			}
		}
		err := w.calls[0].ok()
		w.calls = w.calls[1:]
		if err != nil {
			return err
		}
	}
	return nil
}

// answered waits for all of them.
func (w *writes) answered() error {
	var first error
	for _, r := range w.calls {
		if err := r.ok(); err != nil && first == nil {
			first = err
		}
	}
	w.calls = nil
	return first
}

// finish waits for the WRITEs and closes the handle, whatever became of them: every program does, also after a failure.
func (w *writes) finish(err error) error {
	if missed := w.answered(); err == nil {
		err = missed
	}
	if closed := w.conn.close(w.handle); err == nil {
		err = closed
	}
	return err
}
