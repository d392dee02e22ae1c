package files

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
)

// Config is what a Log may be told. Its zero value is good.
type Config struct {
	// Aliases are further spellings of the section folders; nil means the default ones.
	Aliases Aliases
	// Log takes what is worth an operator's attention; nil discards it.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// By is who changes an entry.
type By struct {
	UserID string
	User   string
	Client string
}

// Log is the folder tree of every job. It is safe for concurrent use, keeps nothing that can be stale, and owns no
// goroutine. Every read sees every write that was acknowledged to anybody before.
type Log struct {
	stream  stream
	uploads *Uploads
	aliases foldedAliases
	log     *slog.Logger
	now     func() time.Time
	hints   hints
}

// Open answers the log behind a connection, which should have been made with nats.ReconnectBufSize(-1): a write that was
// reported as failed must not be sent later. It asks the server nothing.
func Open(nc *nats.Conn, cfg Config) (*Log, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	l := &Log{
		stream:  newStream(nc, js, Stream),
		uploads: &Uploads{newStream(nc, js, uploadsStreamName)},
		aliases: cfg.Aliases.folded(),
		log:     cfg.Log,
		now:     cfg.Now,
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.now == nil {
		l.now = time.Now
	}
	return l, nil
}

// Uploads answers the records of uploads in flight and broken off.
func (l *Log) Uploads() *Uploads { return l.uploads }

// Folder reads a folder by its parent and name: an album at the top of a job (parent Root) or a section of an album.
// NotFound when there is none now.
func (l *Log) Folder(ctx context.Context, job Job, parent, name string) (Entry, error) {
	place, err := placeOfFolder(job, parent, name, l.aliases)
	if err != nil {
		return Entry{}, err
	}
	return l.live(ctx, place.Subject(), name)
}

// File reads a file by its folder and name, staged ones too. NotFound when there is none now.
func (l *Log) File(ctx context.Context, job Job, folder, name string) (Entry, error) {
	place, err := placeOfFile(job, folder, name)
	if err != nil {
		return Entry{}, err
	}
	return l.live(ctx, place.Subject(), name)
}

func (l *Log) live(ctx context.Context, subject, name string) (Entry, error) {
	e, err := l.Last(ctx, subject)
	if fault.Is(err, fault.NotFound) || (err == nil && e.Gone()) {
		return Entry{}, notFound(name)
	}
	return e, err
}

func notFound(name string) error { return fault.New(fault.NotFound, "there is no %q here", name) }

// Last reads what stands at a subject, tombstones too. NotFound when there never was anything.
func (l *Log) Last(ctx context.Context, subject string) (Entry, error) {
	if _, err := ParseSubject(subject); err != nil {
		return Entry{}, err
	}
	m, err := l.stream.last(ctx, subject)
	if err != nil {
		return Entry{}, err
	}
	return l.decode(m)
}

// standing is Last for those who write: nothing there is an entry with sequence 0.
func (l *Log) standing(ctx context.Context, subject string) (Entry, error) {
	e, err := l.Last(ctx, subject)
	if fault.Is(err, fault.NotFound) {
		return Entry{State: StateGone, Subject: subject}, nil
	}
	return e, err
}

// List reads what a folder holds now: files (staged ones too) and folders, in no order.
func (l *Log) List(ctx context.Context, job Job, folder string) ([]Entry, error) {
	if err := job.check(); err != nil {
		return nil, err
	}
	if err := checkToken("folder id", folder); err != nil {
		return nil, err
	}
	filters := []string{job.prefix() + "d." + folder + ".*"}
	if folder != Root {
		filters = append(filters, job.prefix()+"f."+folder+".*")
	}
	all, err := l.entries(ctx, filters...)
	if err != nil {
		return nil, err
	}
	live := all[:0]
	for _, e := range all {
		if !e.Gone() {
			live = append(live, e)
		}
	}
	return live, nil
}

// entries lists everything under the filters, tombstones too.
func (l *Log) entries(ctx context.Context, filters ...string) ([]Entry, error) {
	messages, err := l.stream.list(ctx, filters...)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, 0, len(messages))
	for _, m := range messages {
		e, err := l.decode(m)
		if err != nil { // one bad entry never hides the others
			l.log.ErrorContext(ctx, "an entry of the files log makes no sense", "subject", m.Subject, "sequence", m.Sequence, "error", err)
			continue
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func (l *Log) decode(m message) (Entry, error) {
	e, err := Decode(m.Subject, m.Data, m.Sequence)
	if err == nil && e.Folder() && !e.Gone() {
		l.hints.learn(e)
	}
	return e, err
}

// append writes entries in one atomic step; each is written only if its subject still has the sequence that the entry
// carries. It answers them as they stand now, and errStale when one subject has moved on.
func (l *Log) append(ctx context.Context, entries ...Entry) ([]Entry, error) {
	writes := make([]write, len(entries))
	for i, e := range entries {
		subject, data, err := encode(e)
		if err != nil {
			return nil, err
		}
		writes[i] = write{Subject: subject, Data: data, Expect: e.Sequence}
		if e.Gone() {
			writes[i].Header = nats.Header{jetstream.MsgTTLHeader: {TombstoneTTL.String()}}
		}
	}
	seq, err := l.stream.commit(ctx, writes...)
	if err != nil {
		return nil, err
	}
	written := make([]Entry, len(entries))
	for i, e := range entries {
		e.Subject, e.Sequence = writes[i].Subject, seq-uint64(len(entries)-1-i)
		if e.Folder() && !e.Gone() {
			l.hints.learn(e)
		}
		written[i] = e
	}
	return written, nil
}

func (l *Log) appendOne(ctx context.Context, e Entry) (Entry, error) {
	written, err := l.append(ctx, e)
	if err != nil {
		return Entry{}, err
	}
	return written[0], nil
}

// hints remember where folders were last seen, by id. A hint is only where to look first, so it can be wrong.
type hints struct {
	mu   sync.Mutex
	seen map[folderKey]string
}

type folderKey struct {
	job Job
	id  string
}

const maxHints = 10_000

func (h *hints) learn(e Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen == nil || len(h.seen) >= maxHints {
		h.seen = map[folderKey]string{}
	}
	h.seen[folderKey{e.Job, e.ID}] = e.Subject
}

func (h *hints) where(job Job, id string) (subject string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	subject, ok = h.seen[folderKey{job, id}]
	return subject, ok
}
