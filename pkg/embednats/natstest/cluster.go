package natstest

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Nodes is how many servers a Cluster has.
const Nodes = 3

const (
	user, password = "filmgate", "test-token"
	// within bounds every wait of a cluster: an election takes up to nine seconds.
	within = 60 * time.Second
)

// Cluster is three servers that keep JetStream's data together, as in production, in this process and on loopback. They
// reach each other only through links that a test can cut and slow down.
type Cluster struct {
	t     testing.TB
	dir   string
	links links
	ports [Nodes]int
	nodes [Nodes]*server.Server // nil while killed
}

// StartCluster runs three servers for the length of the test. Like the product's, they sync every write.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{t: t, dir: t.TempDir()}
	c.links.open(t)
	t.Cleanup(c.stop)
	for i := range c.nodes {
		c.begin(i)
	}
	c.wait("the servers agree on a leader", func() bool {
		leading := false
		for _, s := range c.nodes {
			leading = leading || s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == Nodes
			if !s.JetStreamIsCurrent() {
				return false
			}
		}
		return leading
	})
	return c
}

func (c *Cluster) begin(i int) {
	c.t.Helper()
	var routes []*url.URL
	for j := range c.nodes {
		routes = append(routes, &url.URL{Scheme: "nats", Host: c.links.addr(i, j)})
	}
	opts := &server.Options{}
	if err := opts.ProcessConfigString(fmt.Sprintf(
		`accounts: { %q: { jetstream: enabled, users: [{ user: %q, password: %q }] } }`, user, user, password)); err != nil {
		c.t.Fatal(err)
	}
	opts.ServerName = fmt.Sprintf("node%d", i)
	opts.Host, opts.Port = "127.0.0.1", server.RANDOM_PORT
	if c.ports[i] != 0 {
		opts.Port = c.ports[i]
	}
	// Nobody listens where it says it is: the others are to come through their links.
	opts.Cluster = server.ClusterOpts{Name: "filmgate", Host: "127.0.0.1", Port: server.RANDOM_PORT, Advertise: "127.0.0.1:1", NoAdvertise: true}
	opts.Routes = routes
	opts.NoSigs, opts.NoLog = true, true
	opts.JetStream, opts.SyncAlways = true, true
	opts.StoreDir = filepath.Join(c.dir, opts.ServerName)
	s, err := server.NewServer(opts)
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[i] = s
	s.Start()
	if !s.ReadyForConnections(within) {
		c.t.Fatalf("%s did not start", opts.ServerName)
	}
	c.ports[i] = s.Addr().(*net.TCPAddr).Port
	c.links.lead(i, s.ClusterAddr().String())
}

func (c *Cluster) stop() {
	for i := range c.nodes {
		c.Kill(i)
	}
	c.links.close()
}

// Kill stops a server; its data stay. One that is killed already stays so.
func (c *Cluster) Kill(i int) {
	if s := c.nodes[i]; s != nil {
		s.Shutdown()
		s.WaitForShutdown()
		c.nodes[i] = nil
	}
}

// Revive starts a killed server again, and waits until it has all that the others have.
func (c *Cluster) Revive(i int) {
	c.t.Helper()
	c.begin(i)
	c.Settle()
}

// Settle waits until every server has all that the others have.
func (c *Cluster) Settle() {
	c.t.Helper()
	c.wait("every server is up to date", func() bool {
		for _, s := range c.nodes {
			if s != nil && s.Healthz(&server.HealthzOptions{}).Status != "ok" {
				return false
			}
		}
		return true
	})
}

// Cut ends all traffic between a server and the others, both ways, until Heal. Its clients still reach it.
func (c *Cluster) Cut(i int) { c.links.cut(i) }

// Heal undoes Cut and Slow.
func (c *Cluster) Heal() { c.links.heal() }

// Slow delays whatever one server sends to another one.
func (c *Cluster) Slow(from, to int, by time.Duration) { c.links.slow(from, to, by) }

// Addr answers the host:port at which clients reach a server.
func (c *Cluster) Addr(i int) string { return fmt.Sprintf("127.0.0.1:%d", c.ports[i]) }

// URL answers where a server is, for a program that is told so, with the user in it.
func (c *Cluster) URL(i int) string {
	return (&url.URL{Scheme: "nats", User: url.UserPassword(user, password), Host: c.Addr(i)}).String()
}

// Connect connects to one server. When that is killed the connection goes on with another one, as an edge's does.
func (c *Cluster) Connect(i int, opts ...nats.Option) *nats.Conn {
	c.t.Helper()
	urls := c.Addr(i)
	for j := range c.nodes {
		if j != i {
			urls += "," + c.Addr(j)
		}
	}
	defaults := []nats.Option{
		nats.UserInfo(user, password), nats.ReconnectBufSize(-1), nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond),
		nats.DontRandomize(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}
	conn, err := nats.Connect(urls, append(defaults, opts...)...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(conn.Close)
	return conn
}

// Leader answers which server leads a stream.
func (c *Cluster) Leader(stream string) int {
	c.t.Helper()
	leader := -1
	c.wait("stream "+stream+" has a leader", func() bool {
		for i, s := range c.nodes {
			if s != nil && s.JetStreamIsStreamLeader(user, stream) {
				leader = i
			}
		}
		return leader >= 0
	})
	return leader
}

// Lead makes one server the leader of a stream.
func (c *Cluster) Lead(stream string, i int) {
	c.t.Helper()
	conn := c.Connect(i)
	defer conn.Close()
	request := fmt.Appendf(nil, `{"placement":{"preferred":"%s"}}`, c.nodes[i].Name())
	c.wait("another server leads "+stream, func() bool {
		if c.nodes[i].JetStreamIsStreamLeader(user, stream) {
			return true
		}
		_, _ = conn.Request("$JS.API.STREAM.LEADER.STEPDOWN."+stream, request, time.Second) // asked again if it was lost
		return false
	})
}

// Placer answers the server that decides where streams and consumers are.
func (c *Cluster) Placer() int {
	c.t.Helper()
	placer := -1
	c.wait("one server decides where streams are", func() bool {
		for i, s := range c.nodes {
			if s != nil && s.JetStreamIsLeader() {
				placer = i
			}
		}
		return placer >= 0
	})
	return placer
}

func (c *Cluster) wait(what string, condition func() bool) {
	c.t.Helper()
	for end := time.Now().Add(within); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal("in vain: " + what)
		}
	}
}
