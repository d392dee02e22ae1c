package sftpd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/sftp-edge/internal/jobs"
	"filmgate.dev/services/sftp-edge/internal/login"
)

// connection is one logged-in SSH connection.
type connection struct {
	server    *Server
	ssh       *ssh.ServerConn
	principal *jobsv1.Principal
	board     *jobs.Board
	version   string
	log       *slog.Logger
	over      chan struct{} // closed when the connection ends
	pending   pending
}

// handle is one connection's life.
func (s *Server) handle(raw net.Conn) {
	defer s.gone(raw)
	defer raw.Close()
	conn, channels, requests, err := s.greet(raw)
	if err != nil {
		s.Log.Debug("no login", "client", raw.RemoteAddr(), "err", err)
		return
	}
	principal := login.Principal(conn.Permissions)
	board, leave := s.Jobs.Join(principal)
	defer leave()
	if s.Jobs.Joined(principal) > s.Config.MaxPerUser {
		s.Log.Warn("a connection was refused: the user has too many", "user", principal.GetUserName(), "client", raw.RemoteAddr())
		return
	}
	c := &connection{
		server: s, ssh: conn, board: board, principal: principal, version: string(conn.ClientVersion()),
		over: make(chan struct{}),
	}
	c.log = s.Log.With("user", principal.GetUserName(), "client", raw.RemoteAddr().String())
	c.log.Info("connected", "version", c.version)
	defer func() { c.log.Info("disconnected") }()
	var work sync.WaitGroup
	defer work.Wait()
	defer raw.Close()
	defer close(c.over)
	work.Go(func() { ssh.DiscardRequests(requests) })
	work.Go(c.keepAlive)
	work.Go(func() {
		select {
		case <-board.Ended():
			c.log.Info("the connection was ended", "reason", board.Reason())
			raw.Close()
		case <-c.over:
		}
	})
	c.channels(channels, &work)
}

// greet shakes hands and logs in, within the time that a stranger has.
func (s *Server) greet(raw net.Conn) (*ssh.ServerConn, <-chan ssh.NewChannel, <-chan *ssh.Request, error) {
	defer s.known()
	patient := &patient{Conn: raw}
	if err := raw.SetDeadline(time.Now().Add(s.Config.LoginWithin)); err != nil {
		return nil, nil, nil, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.Config.LoginWithin)
	defer cancel()
	visit := s.Door.Visit(ctx)
	defer visit.End()
	conn, channels, requests, err := ssh.NewServerConn(patient, visit.Config())
	if err != nil {
		return nil, nil, nil, err
	}
	err = errors.Join(raw.SetDeadline(time.Time{}), patient.start(s.Config.Idle))
	return conn, channels, requests, err
}

// patient is a connection that, once started, gives up a peer that neither sends nor takes anything for a while.
type patient struct {
	net.Conn
	wait atomic.Int64
}

func (p *patient) start(wait time.Duration) error {
	p.wait.Store(int64(wait))
	return p.SetReadDeadline(time.Now().Add(wait)) // for the read that waits already
}

func (p *patient) Read(b []byte) (int, error) {
	if wait := p.wait.Load(); wait != 0 {
		if err := p.SetReadDeadline(time.Now().Add(time.Duration(wait))); err != nil {
			return 0, err
		}
	}
	return p.Conn.Read(b)
}

func (p *patient) Write(b []byte) (int, error) {
	if wait := p.wait.Load(); wait != 0 {
		if err := p.SetWriteDeadline(time.Now().Add(time.Duration(wait))); err != nil {
			return 0, err
		}
	}
	return p.Conn.Write(b)
}
