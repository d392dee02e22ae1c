package sftpclients

// WinSCP's: a larger file goes under a name of its own first, and CLOSE is sent while WRITEs are still unanswered.
const (
	winscpDirect = 100 << 10 // up to here a file is written under its own name
	winscpPacket = 32 << 10  // with everything that is in it
	winscpWindow = 64
	winscpSuffix = ".filepart"
)

// PutWinSCP uploads as WinSCP does with its standard settings. A file of more than 100 KiB is NAME.filepart until it is
// whole, and replaces what stands at NAME by REMOVE and RENAME; a smaller one is opened with EXCL, and again without where
// the person agrees to replace what is there, as this one does.
func (c *Conn) PutWinSCP(f File, name string) error {
	if f.Size <= winscpDirect {
		return c.winscpSmall(f, name)
	}
	there, err := c.exists(name)
	if err != nil {
		return err
	}
	if err := c.winscpWrite(f, name+winscpSuffix, flagWrite|flagCreate|flagTrunc, 0); err != nil {
		return err
	}
	return c.winscpReplace(f, name, there)
}

// ResumeWinSCP goes on with an upload that broke off: it looks for NAME.filepart, opens it without TRUNC, and writes from
// the size that STAT told. Where there is none it uploads the whole file.
func (c *Conn) ResumeWinSCP(f File, name string) error {
	size, err := c.send(fxpStat, name+winscpSuffix).size()
	if NotFound(err) {
		return c.PutWinSCP(f, name)
	}
	if err != nil {
		return err
	}
	there, err := c.exists(name)
	if err != nil {
		return err
	}
	if err := c.winscpWrite(f, name+winscpSuffix, flagWrite|flagCreate, size); err != nil {
		return err
	}
	return c.winscpReplace(f, name, there)
}

func (c *Conn) winscpSmall(f File, name string) error {
	err := c.winscpWrite(f, name, flagWrite|flagCreate|flagExcl, 0)
	if err != nil {
		there, missing := c.exists(name)
		if missing != nil || !there {
			return err
		}
		if err := c.winscpWrite(f, name, flagWrite|flagCreate|flagTrunc, 0); err != nil {
			return err
		}
	}
	return c.keepTime(name, f)
}

func (c *Conn) winscpWrite(f File, name string, flags uint32, from int64) error {
	handle, err := c.open(name, flags, attrs{})
	if err != nil {
		return err
	}
	w := writes{conn: c, handle: handle, file: f, window: winscpWindow}
	const overhead = 4 + 1 + 4 + 4 + 8 + 4
	if err := w.from(from, winscpPacket-overhead-len(handle)); err != nil {
		return w.finish(err)
	}
	closed := c.send(fxpClose, handle)
	if err := w.answered(); err != nil {
		return err
	}
	return closed.ok()
}

func (c *Conn) winscpReplace(f File, name string, there bool) error {
	if there {
		if err := c.send(fxpRemove, name).ok(); err != nil {
			return err
		}
	}
	if err := c.send(fxpRename, name+winscpSuffix, name).ok(); err != nil {
		return err
	}
	return c.keepTime(name, f)
}
