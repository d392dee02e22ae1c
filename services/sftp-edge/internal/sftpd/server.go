// Package sftpd speaks SFTP to photographers' programs: it takes connections, turns packets into changes of the folder
// tree, and refuses in words.
package sftpd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"filmgate.dev/services/sftp-edge/internal/jobs"
	"filmgate.dev/services/sftp-edge/internal/login"
	"filmgate.dev/services/sftp-edge/internal/original"
	"filmgate.dev/services/sftp-edge/internal/tree"
	"filmgate.dev/services/sftp-edge/internal/upload"
	"filmgate.dev/services/sftp-edge/internal/usage"
)

// Config is the server's limits. Every field must be set.
type Config struct {
	MaxConnections               int
	MaxPerAddress                int
	Startups                     Startups
	MaxUnauthenticatedPerAddress int
	MaxPerUser                   int
	MaxChannels                  int // per connection
	MaxHandles                   int // open files and folders, per channel
	MaxUploads                   int // per user, on this edge
	Requests                     int // per user and second
	AuditOpens                   bool
	LoginWithin                  time.Duration
	Dead                         time.Duration // a connection that says nothing for so long is dead
	Stall                        time.Duration // a connection that takes nothing for so long is, too
	Idle                         time.Duration // a connection that asks for nothing for so long is closed, alive or not
	Drain                        time.Duration // how long running uploads may go on when the server stops
	Settle                       time.Duration // how long the rest then has to become resumable
	Store                        time.Duration // how long a CLOSE waits for the bucket
	Commit                       time.Duration // how long any change waits for the files log
	Bandwidth                    int64         // bytes per second and user, each way; 0 = no limit
	Upload                       upload.Config
}

// Server is the SFTP side of the edge. Fill in every field, then call Serve once.
type Server struct {
	Config    Config
	Door      *login.Door
	Balancers Balancers             // may be empty
	Metrics   prometheus.Registerer // may be nil
	Traces    trace.TracerProvider  // may be nil
	Jobs      *jobs.Watcher
	Tree      tree.Finder
	Originals original.Store
	Budget    *upload.Budget
	Transfers *Transfers
	Usage     *usage.Meter
	Audit     func(Event) // hears what was done and what was refused
	Log       *slog.Logger

	guests   guests
	work     sync.WaitGroup
	draining chan struct{}
	ctx      context.Context // ends when not even running requests may go on
	open     context.Context // ends when nobody is let in any more

	crowd     *crowd
	tally     *tally
	measures  measures
	bandwidth *bandwidth

	mu    sync.Mutex
	conns map[net.Conn]*connection // nil for who has not logged in
	empty chan struct{}            // closed when the last connection is gone, if somebody waits
}

const (
	// lastWords is how long the last answers have.
	lastWords = 500 * time.Millisecond
	// relaxEvery is how often uploads are looked for that hold memory for nothing, and idleUpload since when they do.
	relaxEvery = 15 * time.Second
	idleUpload = 2 * time.Minute
)

// Serve takes connections until ctx ends, lets running uploads finish for a while, and closes what is left.
func (s *Server) Serve(ctx context.Context, lis net.Listener) error {
	libraryOnce.Do(library)
	s.count()
	s.draining = make(chan struct{})
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	s.ctx = running
	open, shut := context.WithCancel(running)
	defer shut()
	s.open = open
	closing := context.AfterFunc(ctx, func() { lis.Close() })
	defer closing()
	var relaxing sync.WaitGroup
	relaxing.Go(func() { s.relax(running) })
	defer func() { stop(); relaxing.Wait() }()
	err := s.accept(ctx, lis)
	lis.Close()
	close(s.draining)
	s.Transfers.Idle(s.Config.Drain)
	s.linger()
	shut()
	s.closeAll() // what still runs becomes resumable
	late := time.AfterFunc(s.Config.Settle, stop)
	s.work.Wait()
	late.Stop()
	s.Jobs.Wait()
	return err
}

// count makes the server ready to count who comes.
func (s *Server) count() {
	s.conns = make(map[net.Conn]*connection)
	s.crowd, s.tally, s.bandwidth = newCrowd(s.Config), newTally(s.Log), newBandwidth(s.Config.Bandwidth)
	s.measure()
	if s.Metrics == nil {
		return
	}
	gauge := func(name, help string, f func() float64) {
		s.Metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	gauge("filmgate_sftp_connections", "Connections that are open.", func() float64 { all, _ := s.crowd.size(); return float64(all) })
	gauge("filmgate_sftp_unauthenticated", "Connections that have not logged in yet.", func() float64 { _, n := s.crowd.size(); return float64(n) })
	s.Metrics.MustRegister(s.tally.counter)
}

func (s *Server) accept(ctx context.Context, lis net.Listener) error {
	for {
		conn, err := lis.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // such as too many open files
			s.Log.Warn("a connection could not be accepted", "err", err)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		default:
			s.admit(conn)
		}
	}
}

// admit lets a connection in, unless there are too many.
func (s *Server) admit(conn net.Conn) {
	visitor, why := s.crowd.enter()
	if why != "" {
		s.tally.add(why, conn.RemoteAddr())
		conn.Close()
		return
	}
	s.mu.Lock()
	s.conns[conn] = nil
	s.mu.Unlock()
	s.work.Go(func() { s.handle(conn, visitor) })
}

func (s *Server) gone(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
	if len(s.conns) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// linger lets the last answers reach their clients: an upload is over a moment before its OK is on the wire.
func (s *Server) linger() {
	s.mu.Lock()
	if len(s.conns) == 0 {
		s.mu.Unlock()
		return
	}
	empty := make(chan struct{})
	s.empty = empty
	s.mu.Unlock()
	select {
	case <-empty:
	case <-time.After(lastWords):
	}
}

// closeAll ends all connections, with a word to those that have logged in.
func (s *Server) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn, c := range s.conns {
		if c == nil {
			conn.Close()
			continue
		}
		c.run(&s.work, "the end", func() { c.farewell("The server is being restarted. Connect again to go on.") })
	}
}

// relax takes the memory back from uploads that nothing is written to.
func (s *Server) relax(ctx context.Context) {
	tick := time.NewTicker(relaxEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, w := range s.Transfers.all() {
			w.upload.Relax(idleUpload)
		}
	}
}

func (s *Server) stopping() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}
