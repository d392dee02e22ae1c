package sftpd

import (
	"context"
	"io"
	"sync"

	"github.com/pkg/sftp"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/services/sftp-edge/internal/tree"
	"filmgate.dev/services/sftp-edge/internal/upload"
)

const (
	blockBytes = 1 << 20 // fetched from the bucket at a time
	maxBlocks  = 4       // kept per file: clients ask for about 2 MiB at once
)

// Fileread answers OPEN for reading.
func (s *session) Fileread(r *sftp.Request) (file io.ReaderAt, err error) {
	err = s.guard("open", r.Filepath, func() error {
		p, err := tree.Parse(r.Filepath)
		if err != nil {
			return err
		}
		if p.Junk() {
			return fault.New(fault.NotFound, "there is no %q here", p.Name())
		}
		if !s.may(rightDownload) {
			return fault.New(fault.Denied, "you may upload photos, but not download them; ask the studio for the right to download")
		}
		ctx, cancel := s.reading()
		defer cancel()
		e, err := s.download(ctx, p)
		if err != nil {
			return err
		}
		key, err := objects.OriginalKey(e.Job.Account, e.Job.ID, e.Upload)
		if err != nil {
			return err
		}
		if err := s.hold(); err != nil {
			return err
		}
		file = &reader{session: s, path: p, key: key, size: e.Bytes, share: s.server.Budget.Join()}
		s.told(downloadBegun, p, "upload "+e.Upload)
		s.intake.begin(nil)
		return nil
	})
	return file, err
}

func (s *session) download(ctx context.Context, p tree.Path) (files.Entry, error) {
	if p.Depth() <= tree.Job {
		return files.Entry{}, fault.New(fault.Invalid, "this is a folder")
	}
	job, err := s.readable(ctx, p)
	if err != nil {
		return files.Entry{}, err
	}
	e, err := s.tree.Find(ctx, jobOf(job), p)
	if err == nil && e.Folder() {
		err = fault.New(fault.Invalid, "%q is a folder", e.Name)
	}
	return e, err
}

// reader is a stored file that is open for reading. Clients ask for many small pieces at once, nearly in order; it fetches
// few large ones.
type reader struct {
	session *session
	path    tree.Path
	key     string
	size    int64
	share   *upload.Share

	mu       sync.Mutex
	reserved bool
	blocks   []*block // oldest first
}

// block is a piece of the object, there once ready is closed.
type block struct {
	number int64
	ready  chan struct{}
	bytes  []byte
	err    error
}

// ReadAt answers READ.
func (r *reader) ReadAt(p []byte, off int64) (n int, err error) {
	err = r.session.guard("read", r.path.String(), func() error {
		if err := r.reserve(); err != nil {
			return err
		}
		for n < len(p) {
			at := off + int64(n)
			if at < 0 || at >= r.size {
				return io.EOF
			}
			b, err := r.block(at / blockBytes)
			if err != nil {
				return err
			}
			n += copy(p[n:], b.bytes[at%blockBytes:])
		}
		return nil
	})
	return n, err
}

// block answers a block, fetching it if nobody does.
func (r *reader) block(number int64) (*block, error) {
	r.mu.Lock()
	for _, b := range r.blocks {
		if b.number == number {
			r.mu.Unlock()
			<-b.ready
			return b, b.err
		}
	}
	b := &block{number: number, ready: make(chan struct{})}
	if len(r.blocks) == maxBlocks {
		r.blocks = r.blocks[1:]
	}
	r.blocks = append(r.blocks, b)
	r.mu.Unlock()
	defer close(b.ready)
	ctx, cancel := context.WithTimeout(r.session.server.ctx, r.session.server.Config.Store)
	defer cancel()
	b.bytes, b.err = r.fetch(ctx, number)
	return b, b.err
}

// reserve takes memory for all blocks before the first one is fetched.
func (r *reader) reserve() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reserved {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.session.server.ctx, roomWait)
	defer cancel()
	if r.share.Reserve(ctx, maxBlocks*blockBytes) != nil {
		return fault.New(fault.Unavailable, "the server is busy; try again in a minute")
	}
	r.reserved = true
	return nil
}

func (r *reader) fetch(ctx context.Context, number int64) ([]byte, error) {
	bytes := make([]byte, min(blockBytes, r.size-number*blockBytes))
	body, _, err := r.session.server.Originals.Bucket.GetRange(ctx, r.key, number*blockBytes, int64(len(bytes)))
	if fault.Is(err, fault.NotFound) {
		return nil, fault.Wrap(err, fault.Unavailable, "the photo is not in the photo store right now; tell the studio")
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if _, err = io.ReadFull(body, bytes); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "the photo store broke off in the middle of a photo; try again")
	}
	return bytes, nil
}

// Close answers CLOSE.
func (r *reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reserved {
		r.share.Shrink(maxBlocks * blockBytes)
	}
	r.blocks = nil
	r.session.letGo()
	return nil
}
