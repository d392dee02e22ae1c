package files_test

import (
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// leaky is a way to a server on which a connection breaks now and then, right after it has carried something there and
// before an answer comes back.
type leaky struct {
	mu   sync.Mutex
	dice *rand.Rand
	tame atomic.Bool // nothing breaks
	lost atomic.Int32
}

func (l *leaky) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return &leaking{conn, l}, nil
}

type leaking struct {
	net.Conn
	from *leaky
}

func (c *leaking) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.from.mu.Lock()
	breaks := c.from.dice.IntN(40) == 0
	c.from.mu.Unlock()
	if breaks && !c.from.tame.Load() {
		c.from.lost.Add(1)
		// What was written still arrives; nothing is read any more.
		if half, ok := c.Conn.(*net.TCPConn); ok {
			half.CloseWrite()
		}
		c.Conn.Close()
	}
	return n, err
}

// history makes the log keep what it would forget, so that a test can see what became of everything. It answers how to
// read a job's messages.
func history(t *testing.T, nc *nats.Conn) func(job files.Job) []files.Entry {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	keep := func(n int64) {
		stream, err := js.Stream(t.Context(), files.Stream)
		if err != nil {
			t.Fatal(err)
		}
		cfg := stream.CachedInfo().Config
		cfg.MaxMsgsPerSubject = n
		if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	keep(-1)
	read := func(filter string) (all []files.Entry) {
		t.Helper()
		consumer, err := js.CreateConsumer(t.Context(), files.Stream, jetstream.ConsumerConfig{
			FilterSubject: filter, AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		for want := int(consumer.CachedInfo().NumPending); len(all) < want; {
			batch, err := consumer.Fetch(want-len(all), jetstream.FetchMaxWait(10*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			for m := range batch.Messages() {
				meta, err := m.Metadata()
				if err != nil {
					t.Fatal(err)
				}
				e, err := files.Decode(m.Subject(), m.Data(), meta.Sequence.Stream)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, e)
			}
			if err := batch.Error(); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	return func(job files.Job) []files.Entry {
		t.Helper()
		filter := "filmgate.files.v1." + job.Account + "." + job.ID + ".>"
		stream, err := js.Stream(t.Context(), files.Stream)
		if err != nil {
			t.Fatal(err)
		}
		newest, err := stream.GetLastMsgForSubject(t.Context(), filter) // as the leader has it
		if err != nil {
			t.Fatal(err)
		}
		// A consumer is placed on any server: one that was cut off may not have everything yet.
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			all := read(filter)
			if len(all) > 0 && all[len(all)-1].Sequence >= newest.Sequence {
				return all
			}
			if time.Now().After(deadline) {
				t.Fatalf("the history never reaches message %d", newest.Sequence)
			}
		}
	}
}

// ledger is what sessions were told, by upload id.
type ledger struct {
	mu      sync.Mutex
	landed  map[string]spot // told OK
	removed map[string]bool // somebody asked for its removal
	nowhere map[string]bool // told that nothing names it
}

// hold checks the tree and the log's history against what the sessions were told.
func (l *ledger) hold(t *testing.T, w *world, past []files.Entry) {
	t.Helper()
	standing, superseded, tombs, named := map[string]int{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, f := range w.tree(w.logs[0]).files {
		standing[f.upload]++
	}
	for _, e := range past {
		if e.Folder() {
			continue
		}
		named[e.Upload], named[e.Supersedes] = true, true
		if e.Gone() && e.MovedTo == "" {
			tombs[e.Upload] = true
		}
		if !e.Gone() && e.Supersedes != "" {
			superseded[e.Supersedes] = true
		}
	}
	for upload, n := range standing {
		if n > 1 {
			t.Errorf("upload %s stands at %d places", upload, n)
		}
	}
	for upload, at := range l.landed {
		if standing[upload] == 0 && !superseded[upload] && (!tombs[upload] || !l.removed[upload]) {
			t.Errorf("%s landed at %v, nobody replaced or removed it, and it is gone", upload, at)
		}
	}
	for upload := range l.nowhere {
		if named[upload] {
			t.Errorf("the log names %s, although it said that it never would", upload)
		}
	}
}

// act lets a session do something at random and notes what it was told.
func (w *world) act(log *files.Log, s step, l *ledger) error {
	switch s.what {
	case 0, 1, 2:
		upload := w.upload()
		folder, err := w.find(log, s.from)
		if err != nil {
			return err
		}
		landed, err := log.Land(w.test.Context(), files.Landing{Entry: files.Entry{
			Job: w.job, Parent: folder.ID, Name: s.from.file, Upload: upload, Bytes: 1, SHA256: sum(s.what),
		}})
		l.mu.Lock()
		defer l.mu.Unlock()
		if err == nil && !landed.Unchanged {
			l.landed[upload] = s.from
		}
		if landed.Unnamed {
			l.nowhere[upload] = true
		}
		return err
	case 7:
		e, err := w.file(log, s.from)
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.removed[e.Upload] = true
		l.mu.Unlock()
		return log.Remove(w.test.Context(), e, by)
	case 8:
		_, err := w.rename(log, s.from, s.to, false)
		return err
	}
	return w.take(log, s, func(string, spot, ...string) {})
}

// sessions runs rounds of sessions that do what they like on one small tree, each through a node of its own, and answers
// how often they were told that the server is unavailable. Between the rounds' halves trouble happens.
func sessions(t *testing.T, b *bed, past func(files.Job) []files.Entry, rounds, steps int, way *leaky, trouble func()) (unavailable int) {
	conns := []*nats.Conn{b.connect(t, 0)}
	tame := way.tame.Swap(true) // a connection that breaks before it stands is no session's trouble
	for i := range 3 {
		conns = append(conns, b.connect(t, i, nats.SetCustomDialer(way), nats.ReconnectWait(time.Millisecond), nats.ReconnectJitter(0, 0)))
	}
	way.tame.Store(tame)
	for range rounds {
		w := newWorld(t, t, conns...)
		l := &ledger{landed: map[string]spot{}, removed: map[string]bool{}, nowhere: map[string]bool{}}
		for _, s := range []spot{{"A", "", ""}, {"A", "group", ""}, {"B", "", ""}} {
			_ = w.mkdir(w.logs[0], s)
		}
		var group sync.WaitGroup
		var away atomic.Int32
		for i, log := range w.logs[1:] {
			seed := rand.Uint64()
			dice := rand.New(rand.NewPCG(seed, uint64(i)))
			group.Go(func() {
				for n := range steps {
					if n == steps/2 && i == 0 && trouble != nil {
						trouble()
					}
					s := step{dice.IntN(10), pick(dice), pick(dice), dice.IntN(2) == 0}
					switch err := w.act(log, s, l); {
					case fault.Is(err, fault.Unavailable):
						away.Add(1)
					case fault.Is(err, fault.Internal) && err != nil:
						t.Errorf("%+v: %v", s, err)
					}
				}
			})
		}
		group.Wait()
		unavailable += int(away.Load())
		tame := way.tame.Swap(true)
		if b.cluster != nil {
			b.cluster.Heal()
			b.cluster.Settle()
		}
		l.hold(t, w, past(w.job))
		way.tame.Store(tame)
		if t.Failed() {
			break
		}
	}
	return unavailable
}

func pick(dice *rand.Rand) spot {
	return spot{albums[dice.IntN(len(albums))], sections[dice.IntN(len(sections))], names[dice.IntN(len(names))]}
}

func sum(content int) string { return strings.Repeat(strconv.Itoa(content), 64) }

// Whatever gets lost on the way, what one was told is safe is there until somebody asks for its end.
func sessionsWhoseAnswersGetLost(t *testing.T, b *bed) {
	way := &leaky{dice: rand.New(rand.NewPCG(rand.Uint64(), 0))}
	if n := sessions(t, b, history(t, b.connect(t, 0)), 2, 12, way, nil); n > 0 {
		t.Errorf("%d calls were told that the server is away", n)
	}
	if way.lost.Load() == 0 {
		t.Error("no answer was lost")
	}
}

// A node is stopped in the middle, and another one is cut off later: everything that was acknowledged is there afterwards,
// and every session goes on within the budgets of a call.
func TestANodeIsLost(t *testing.T) {
	t.Parallel()
	b := threeServers(t)
	way := &leaky{dice: rand.New(rand.NewPCG(rand.Uint64(), 0))}
	way.tame.Store(true)
	past := history(t, b.connect(t, 0))
	for _, lost := range []struct {
		how        string
		lose, mend func(node int)
	}{
		{"stopped", b.cluster.Kill, b.cluster.Revive},
		{"cut off", b.cluster.Cut, func(int) { b.cluster.Heal(); b.cluster.Settle() }},
	} {
		t.Run(lost.how, func(t *testing.T) {
			leader := b.cluster.Leader(files.Stream)
			elsewhere := b.begin(t)
			elsewhere.log = reopen(t, b.connect(t, leader+1))
			away := sessions(t, b, past, 1, 12, way, func() {
				lost.lose(leader)
				elsewhere.mkdir(files.Root, "Class 2") // within the budget of one call
				lost.mend(leader)
			})
			t.Logf("%d of 36 calls were told that the server is away", away)
			s := b.begin(t)
			for i := range natstest.Nodes {
				other := s.through(reopen(t, b.connect(t, i)))
				other.holds(s.album.ID, nil)
				s.remove(other.land(s.album, "x.jpg", "one"))
			}
		})
	}
}
