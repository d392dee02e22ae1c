package files_test

import (
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/files"
)

// bed is the servers that a scenario runs on: one, or a cluster of three.
type bed struct {
	cluster *natstest.Cluster // nil: one server
	addr    func(node int) string
}

func oneServer(t *testing.T) *bed {
	server, _ := natstest.Start(t)
	b := &bed{addr: func(int) string { return server.Addr() }}
	b.provision(t, 1)
	return b
}

func threeServers(t *testing.T) *bed {
	cluster := natstest.StartCluster(t)
	b := &bed{cluster: cluster, addr: func(node int) string { return cluster.Addr(node % natstest.Nodes) }}
	b.provision(t, natstest.Nodes)
	return b
}

func (b *bed) provision(t *testing.T, replicas int) {
	t.Helper()
	js, err := jetstream.New(b.connect(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Provision(t.Context(), js, replicas); err != nil {
		t.Fatal(err)
	}
}

// connect connects to a node as an edge does, with another one to go on with when that is away.
func (b *bed) connect(t *testing.T, node int, opts ...nats.Option) *nats.Conn {
	t.Helper()
	if b.cluster != nil {
		return b.cluster.Connect(node%natstest.Nodes, opts...)
	}
	conn, err := nats.Connect(b.addr(0), append([]nats.Option{
		nats.UserInfo("filmgate", "test-token"), nats.ReconnectBufSize(-1), nats.MaxReconnects(-1), nats.ReconnectWait(time.Millisecond),
		nats.ReconnectJitter(0, 0),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// begin answers a story on the bed, in a job of its own.
func (b *bed) begin(t *testing.T) *story {
	nc := b.connect(t, 0)
	s := &story{t: t, nc: nc, log: reopen(t, nc), job: files.Job{Account: "demo", ID: ulid.Make().String()}}
	s.album = s.mkdir(files.Root, "Class 1")
	return s
}

// through is the same story told through another log.
func (s *story) through(log *files.Log) *story {
	other := *s
	other.log = log
	return &other
}

// turns makes sessions take turns: whatever one of them sends to its server waits until the schedule lets it. So a test
// can try every order of two sessions' requests instead of hoping for the bad one.
type turns struct {
	mu       sync.Mutex
	cond     *sync.Cond
	sessions []*turn
}

// turn is one session's part.
type turn struct {
	all     *turns
	armed   bool
	waiting bool // wants to send
	over    bool // has done what it had to do
	allowed int  // how many sends it has left
}

func newTurns() *turns {
	a := &turns{}
	a.cond = sync.NewCond(&a.mu)
	return a
}

// session answers a further session's turn, and the option that its connection needs.
func (a *turns) session() (*turn, nats.Option) {
	t := &turn{all: a}
	a.sessions = append(a.sessions, t)
	return t, nats.SetCustomDialer(t)
}

// Dial makes a connection that takes turns.
func (t *turn) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return &turning{conn, t}, nil
}

type turning struct {
	net.Conn
	turn *turn
}

func (c *turning) Write(p []byte) (int, error) {
	c.turn.wait()
	return c.Conn.Write(p)
}

func (t *turn) wait() {
	a := t.all
	a.mu.Lock()
	defer a.mu.Unlock()
	for t.armed && !t.over && t.allowed == 0 {
		t.waiting = true
		a.cond.Broadcast()
		a.cond.Wait()
	}
	t.waiting = false
	if t.armed && !t.over {
		t.allowed--
	}
}

// let lets a session send n times, and returns when it wants to send once more or is over; it answers whether it is.
func (t *turn) let(n int) (over bool) {
	a := t.all
	a.mu.Lock()
	defer a.mu.Unlock()
	for range n {
		for !t.over && !t.waiting {
			a.cond.Wait()
		}
		if t.over {
			return true
		}
		t.allowed++
		t.waiting = false
		a.cond.Broadcast()
	}
	for !t.over && !t.waiting {
		a.cond.Wait()
	}
	return t.over
}

// play runs two sessions' deeds: the first one sends so many times, then the second so many times, then the first one
// ends, then the second. It answers whether each of them was over before its share of sends.
func (a *turns) play(first, second int, deeds ...func()) (over []bool) {
	var work sync.WaitGroup
	for i, t := range a.sessions {
		t.armed, t.over, t.waiting, t.allowed = true, false, false, 0
		work.Go(func() {
			deeds[i]()
			a.mu.Lock()
			t.over, t.armed = true, false
			a.cond.Broadcast()
			a.mu.Unlock()
		})
	}
	const all = 1 << 20
	over = []bool{a.sessions[0].let(first), a.sessions[1].let(second)}
	a.sessions[0].let(all)
	a.sessions[1].let(all)
	work.Wait()
	return over
}

// names answers what a folder holds, sorted.
func (s *story) names(folder string) []string {
	s.t.Helper()
	entries, err := s.log.List(s.t.Context(), s.job, folder)
	s.ok(err)
	var names []string
	for _, e := range entries {
		if e.State == files.StateRemoving {
			s.t.Errorf("%q is left as being removed", e.Name)
		}
		names = append(names, e.Name)
	}
	slices.Sort(names)
	return names
}
