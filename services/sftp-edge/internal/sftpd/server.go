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

	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/objects"
	"filmgate.dev/services/sftp-edge/internal/jobs"
	"filmgate.dev/services/sftp-edge/internal/tree"
	"filmgate.dev/services/sftp-edge/internal/upload"
)

// Config is the server's limits. Every field must be set.
type Config struct {
	MaxConnections     int
	MaxUnauthenticated int
	MaxPerUser         int
	MaxChannels        int // per connection
	MaxHandles         int // open files and folders, per channel
	LoginWithin        time.Duration
	Idle               time.Duration // a connection that says nothing for so long is dead
	Drain              time.Duration // how long running uploads may go on when the server stops
	Store              time.Duration // how long a CLOSE waits for the bucket
	Commit             time.Duration // how long any change waits for the files log
	Upload             upload.Config
}

// Server is the SFTP side of the edge. Fill in every field, then call Serve once.
type Server struct {
	Config    Config
	SSH       *ssh.ServerConfig
	Jobs      *jobs.Watcher
	Tree      tree.Finder
	Bucket    *objects.Bucket
	Budget    *upload.Budget
	Transfers *Transfers
	Refused   func(Refusal) // hears what was refused to whom, for the audit
	Log       *slog.Logger

	work     sync.WaitGroup
	draining chan struct{}
	ctx      context.Context // ends when not even running requests may go on

	mu        sync.Mutex
	conns     map[net.Conn]struct{}
	strangers int
	empty     chan struct{} // closed when the last connection is gone, if somebody waits
}

// Refusal is one request that was refused, in the words that the client was shown.
type Refusal struct {
	Account, UserID, User, Client, JobID string
	Action, Path, Words                  string
}

// lastWords is how long the last answers have.
const lastWords = 500 * time.Millisecond

// Serve takes connections until ctx ends, lets running uploads finish for a while, and closes what is left.
func (s *Server) Serve(ctx context.Context, lis net.Listener) error {
	s.conns = make(map[net.Conn]struct{})
	s.draining = make(chan struct{})
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	s.ctx = running
	closing := context.AfterFunc(ctx, func() { lis.Close() })
	defer closing()
	err := s.accept(ctx, lis)
	lis.Close()
	close(s.draining)
	s.Transfers.Idle(s.Config.Drain)
	s.linger()
	stop()
	s.closeAll()
	s.work.Wait()
	s.Jobs.Wait()
	return err
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
		case !s.admit(conn):
			conn.Close()
		default:
			s.work.Go(func() { s.handle(conn) })
		}
	}
}

// admit counts a connection in, unless there are too many.
func (s *Server) admit(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) >= s.Config.MaxConnections || s.strangers >= s.Config.MaxUnauthenticated {
		s.Log.Warn("a connection was refused: there are too many", "client", conn.RemoteAddr(), "connections", len(s.conns), "unauthenticated", s.strangers)
		return false
	}
	s.conns[conn] = struct{}{}
	s.strangers++
	return true
}

func (s *Server) known() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strangers--
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

func (s *Server) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		conn.Close()
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
