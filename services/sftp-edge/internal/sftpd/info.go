package sftpd

import (
	"io"
	"io/fs"
	"os"
	"time"

	"filmgate.dev/pkg/files"
)

// info is one line of a listing.
type info struct {
	name     string
	size     int64
	modified time.Time
	folder   bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.modified }
func (i info) IsDir() bool        { return i.folder }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

func infoOf(e files.Entry) info {
	i := info{name: e.Name, size: e.Bytes, modified: e.ModifiedAt, folder: e.Folder()}
	if i.modified.IsZero() {
		i.modified = e.LandedAt
	}
	return i
}

// infos is a listing that is there already.
type infos []info

func (l infos) ListAt(to []os.FileInfo, off int64) (int, error) {
	if off >= int64(len(l)) {
		return 0, io.EOF
	}
	n := 0
	for n < len(to) && int(off)+n < len(l) {
		to[n] = l[int(off)+n]
		n++
	}
	return n, nil
}
