package jobstatus_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// cable is a TCP proxy that can be pulled out and put back.
type cable struct {
	lis    net.Listener
	target string

	mu    sync.Mutex
	out   bool
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

func newCable(t *testing.T, target string) *cable {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{lis: lis, target: target, conns: map[net.Conn]bool{}}
	c.wg.Go(c.accept)
	t.Cleanup(func() {
		lis.Close()
		c.pull(true)
		c.wg.Wait()
	})
	return c
}

func (c *cable) accept() {
	for {
		near, err := c.lis.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.target)
		if err != nil || !c.add(near, far) {
			near.Close()
			if far != nil {
				far.Close()
			}
			continue
		}
		c.wg.Go(func() { io.Copy(far, near); c.drop(near, far) })
		c.wg.Go(func() { io.Copy(near, far); c.drop(near, far) })
	}
}

func (c *cable) add(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		if !c.out {
			c.conns[conn] = true
		}
	}
	return !c.out
}

func (c *cable) drop(conns ...net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		conn.Close()
		delete(c.conns, conn)
	}
}

func (c *cable) pull(out bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = out
	if out {
		for conn := range c.conns {
			conn.Close()
		}
	}
}

func TestWhilePostgreSQLIsAway(t *testing.T) {
	address, err := url.Parse(sqltest.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	cable := newCable(t, address.Host)
	address.Host = cable.lis.Addr().String()
	db, err := sqldb.Open(t.Context(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	h := open(t, db)
	j := h.job("JOB00001")
	_, password := h.photographer("anna", j.GetId())
	w := h.watch(must(h.login("anna", password))(t))
	w.snapshot()

	cable.pull(true)
	for !must(w.stream.Recv())(t).GetHeartbeat().GetFrozen() {
	}
	for what, err := range map[string]error{
		"a login":  call(h.login("anna", password)),
		"a change": call(h.jobs.SetJobLocked(h.operator, &jobsv1.SetJobLockedRequest{Id: j.GetId(), Locked: true})),
		"a page":   call(h.jobs.ListJobs(h.operator, &jobsv1.ListJobsRequest{})),
	} {
		if !fault.Is(err, fault.Unavailable) || fault.Message(err) != "the database cannot be reached at the moment; try again" {
			t.Errorf("%s: %v (%q)", what, err, fault.Message(err))
		}
	}

	cable.pull(false)
	for must(w.stream.Recv())(t).GetHeartbeat().GetFrozen() {
	}
	must(h.jobs.SetJobLocked(h.operator, &jobsv1.SetJobLockedRequest{Id: j.GetId(), Locked: true}))(t)
	if got := w.change(); got.GetVisible() {
		t.Errorf("after it is back: %v", got)
	}
}

func call[T any](_ T, err error) error { return err }
