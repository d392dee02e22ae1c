package sftpd

import (
	"strings"
	"sync"

	"github.com/pkg/sftp"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/sftp-edge/internal/tree"
)

// maxJunk bounds what a session remembers of the junk it was sent.
const maxJunk = 2000

// junk is what computers leave behind: programs fail when it is refused, so it is taken, forgotten, and shown to nobody
// but the session that sent it.
type junk struct {
	mu    sync.Mutex
	sizes map[string]int64 // folders have none: -1
}

const folderSize = -1

func (j *junk) set(p tree.Path, size int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.sizes == nil || len(j.sizes) >= maxJunk {
		j.sizes = make(map[string]int64)
	}
	j.sizes[p.String()] = size
}

func (j *junk) grow(p tree.Path, size int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.sizes != nil {
		j.sizes[p.String()] = max(size, j.sizes[p.String()])
	}
}

func (j *junk) stat(p tree.Path) (info, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	size, ok := j.sizes[p.String()]
	if !ok {
		return info{}, fault.New(fault.NotFound, "there is no %q here", p.Name())
	}
	return info{name: p.Name(), size: max(0, size), folder: size == folderSize}, nil
}

// remove forgets what stands at the path, and under it.
func (j *junk) remove(p tree.Path) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for path := range j.sizes {
		if path == p.String() || strings.HasPrefix(path, p.String()+"/") {
			delete(j.sizes, path)
		}
	}
}

// command answers a command about junk: it succeeds.
func (j *junk) command(r *sftp.Request, p tree.Path) error {
	switch r.Method {
	case "Mkdir":
		j.set(p, folderSize)
	case "Remove", "Rmdir":
		j.remove(p)
	}
	return nil
}

// sink takes junk's bytes.
type sink struct {
	session *session
	path    tree.Path
}

func (k *sink) WriteAt(p []byte, off int64) (int, error) {
	k.session.junk.grow(k.path, off+int64(len(p)))
	return len(p), nil
}

func (k *sink) ReadAt([]byte, int64) (int, error) { return 0, answer(errWriteOnly) }

func (k *sink) Close() error {
	k.session.letGo()
	return nil
}
