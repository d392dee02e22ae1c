package sftpclients

import "fmt"

// PutCamera uploads as a camera is assumed to: one file after the other on one connection, one WRITE after the other, and
// whatever stands under the name is replaced, because after IMG_9999 its counter begins again.
func (c *Conn) PutCamera(f File, name string) error {
	if _, err := c.send(fxpStat, folder(name)).attrs(); err != nil {
		return err
	}
	handle, err := c.open(name, flagWrite|flagCreate|flagTrunc, attrs{})
	if err != nil {
		return err
	}
	w := writes{conn: c, handle: handle, file: f, window: 1}
	return w.finish(w.from(0, 32<<10))
}

// PutSCP uploads as OpenSSH's scp does since version 9: without TRUNC, and with the size set on the handle before CLOSE,
// which is what cuts a longer file.
func (c *Conn) PutSCP(f File, name string) error {
	handle, err := c.open(name, flagWrite|flagCreate, attrs{perm: 0o644})
	if err != nil {
		return err
	}
	w := writes{conn: c, handle: handle, file: f, window: 64}
	err = w.from(0, 32<<10)
	if missed := w.answered(); err == nil {
		err = missed
	}
	if err == nil {
		err = c.send(fxpFsetstat, handle, attrs{withSize: true, size: f.Size}).ok()
	}
	if err == nil && !f.Modified.IsZero() {
		err = c.send(fxpFsetstat, handle, attrs{modified: f.Modified}).ok()
	}
	return w.finish(err)
}

// PutCyberduck uploads as Cyberduck does when it is told to use temporary names: under NAME-UUID, with WRITEs whose answers
// it does not wait for; then what stands at NAME is removed and the new file renamed to it.
func (c *Conn) PutCyberduck(f File, name string) error {
	temporary := name + "-0b9e1c52-7d7d-4f0a-9c3e-2f6d1f2a4b11"
	handle, err := c.open(temporary, flagWrite|flagCreate|flagTrunc, attrs{})
	if err != nil {
		return err
	}
	w := writes{conn: c, handle: handle, file: f}
	if err := w.finish(w.from(0, 32<<10)); err != nil {
		return err
	}
	if there, err := c.exists(name); err != nil {
		return err
	} else if there {
		if err := c.send(fxpRemove, name).ok(); err != nil {
			return err
		}
	}
	if err := c.send(fxpRename, temporary, name).ok(); err != nil {
		return err
	}
	return c.keepTime(name, f)
}

// PutRclone uploads as rclone does since version 1.63: under NAME.XXXXXXXX.partial, whose time and size it sets and asks for on
// another connection of its pool, and which posix-rename puts in the place of what stands at NAME.
func (c *Conn) PutRclone(pool *Conn, f File, name string) error {
	temporary := name + ".5f0c9a1e.partial"
	handle, err := c.open(temporary, flagWrite|flagCreate|flagTrunc, attrs{})
	if err != nil {
		return err
	}
	w := writes{conn: c, handle: handle, file: f, window: 64}
	if err := w.finish(w.from(0, 32<<10)); err != nil {
		return err
	}
	if err := pool.keepTime(temporary, f); err != nil {
		return err
	}
	size, err := pool.send(fxpStat, temporary).size()
	if err == nil && size != f.Size {
		err = fmt.Errorf("%d of %d bytes are there", size, f.Size)
	}
	if err != nil {
		return err
	}
	return pool.send(fxpExtended, "posix-rename@openssh.com", temporary, name).ok()
}
