package sftpd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/sftp-edge/internal/jobs"
	"filmgate.dev/services/sftp-edge/internal/login"
)

// connection is one logged-in SSH connection.
type connection struct {
	server    *Server
	raw       net.Conn
	ssh       *ssh.ServerConn
	principal *jobsv1.Principal
	board     *jobs.Board
	version   string
	log       *slog.Logger
	over      chan struct{} // closed when the connection ends
	pending   pending

	mu       sync.Mutex
	sessions map[ssh.Channel]*session
}

// handle is one connection's life.
func (s *Server) handle(raw net.Conn, visitor *visitor) {
	defer s.gone(raw)
	defer visitor.leave()
	defer raw.Close()
	defer s.contain(raw, "the door")
	giveUpAfter(raw, s.Config.Dead)
	until := time.Now().Add(s.Config.LoginWithin)
	client, ok := s.place(raw, visitor, until)
	if !ok {
		return
	}
	patient := &patient{Conn: client}
	conn, channels, requests, err := s.greet(patient, visitor, until)
	if err != nil {
		s.stranger(client, err)
		return
	}
	s.serve(raw, patient, conn, channels, requests)
}

// place finds out whom the connection comes from, and whether there is room for one more from there.
func (s *Server) place(raw net.Conn, visitor *visitor, until time.Time) (net.Conn, bool) {
	client, err := s.Balancers.unwrap(raw, until)
	switch {
	case errors.Is(err, errElsewhere):
		s.tally.add(reasonElsewhere, raw.RemoteAddr())
		return nil, false
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET): // it only looked whether the door is open
		return nil, false
	case err != nil:
		s.tally.add(reasonHeader, raw.RemoteAddr(), "err", err)
		return nil, false
	}
	if s.Door.Banned(login.Address(client.RemoteAddr())) {
		s.tally.add(reasonBanned, client.RemoteAddr())
		return nil, false
	}
	if why := visitor.comes(neighbourhood(client.RemoteAddr())); why != "" {
		s.tally.add(why, client.RemoteAddr())
		return nil, false
	}
	return client, true
}

// greet shakes hands and logs in, within the time that a stranger has.
func (s *Server) greet(client *patient, visitor *visitor, until time.Time) (*ssh.ServerConn, <-chan ssh.NewChannel, <-chan *ssh.Request, error) {
	defer visitor.known()
	if err := client.SetDeadline(until); err != nil {
		return nil, nil, nil, err
	}
	ctx, cancel := context.WithDeadline(s.open, until)
	defer cancel()
	visit := s.Door.Visit(ctx)
	defer visit.End()
	conn, channels, requests, err := ssh.NewServerConn(client, visit.Config())
	if err != nil {
		return nil, nil, nil, err
	}
	return conn, channels, requests, client.SetDeadline(time.Time{})
}

// stranger notes why somebody did not get in. Who finds no algorithm has a program that is too old, which the studio may
// want to know.
func (s *Server) stranger(client net.Conn, err error) {
	var none *ssh.AlgorithmNegotiationError
	if errors.As(err, &none) {
		text := err.Error()
		s.tally.add(reasonAlgorithms, client.RemoteAddr(), "err", text[:min(len(text), maxReported)]) // the client's own list is in it
		return
	}
	s.Log.Debug("no login", "client", client.RemoteAddr(), "err", err)
}

// serve is the life of a connection that has logged in.
func (s *Server) serve(raw net.Conn, client *patient, conn *ssh.ServerConn, channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	principal := login.Principal(conn.Permissions)
	board, leave := s.Jobs.Join(principal)
	leave = sync.OnceFunc(leave)
	defer leave()
	share, letGo := s.bandwidth.join(principal.GetUserId())
	defer letGo()
	over, end := context.WithCancel(context.Background())
	defer end()
	c := &connection{
		server: s, raw: client, ssh: conn, board: board, principal: principal, version: string(conn.ClientVersion()),
		over: make(chan struct{}), sessions: make(map[ssh.Channel]*session),
	}
	c.pending.hear()
	c.log = s.Log.With("user", principal.GetUserName(), "client", client.RemoteAddr().String())
	if err := client.start(patience{dead: s.Config.Dead, stall: s.Config.Stall, share: share, over: over}); err != nil {
		return
	}
	var work sync.WaitGroup
	defer work.Wait()
	defer client.Close()
	defer close(c.over)
	defer end()
	c.run(&work, "requests", func() { ssh.DiscardRequests(requests) })
	if s.Jobs.Joined(principal) > s.Config.MaxPerUser {
		leave() // it does not count while it hears why
		s.tally.add(reasonUser, client.RemoteAddr(), "user", principal.GetUserName())
		c.turnAway(channels)
		return
	}
	s.mu.Lock()
	s.conns[raw] = c
	s.mu.Unlock()
	c.log.Info("connected", "version", c.version)
	defer func() { c.log.Info("disconnected") }()
	c.run(&work, "keepalive", c.keepAlive)
	c.run(&work, "board", func() {
		select {
		case <-board.Ended():
			c.log.Info("the connection was ended", "reason", board.Reason())
			c.farewell("The connection is closed: " + board.Reason())
		case <-c.over:
		}
	})
	c.channels(channels, &work)
}

// tooMany is what a person sees who has too many connections open; the program shows it as the reason why it gets no
// channel.
const tooMany = "you have too many connections open to this server at once; let your program use fewer, or close another one"

// turnAway refuses what the client asks for, in words, and gives it a moment to read them.
func (c *connection) turnAway(channels <-chan ssh.NewChannel) {
	enough := time.AfterFunc(lingering, func() { c.raw.Close() })
	defer enough.Stop()
	for offered := range channels {
		_ = offered.Reject(ssh.ResourceShortage, tooMany)
	}
}

// lingering is how long a connection stays after it was refused everything. Programs close it at once.
const lingering = 5 * time.Second

// farewell says why to whoever is listening, and ends the connection.
func (c *connection) farewell(words string) {
	var said sync.WaitGroup
	c.mu.Lock()
	for channel := range c.sessions {
		c.run(&said, "farewell", func() { say(channel, words) })
	}
	c.mu.Unlock()
	last := time.AfterFunc(lastWords, func() { c.raw.Close() }) // which ends a write that nobody takes
	said.Wait()
	if last.Stop() {
		c.raw.Close()
	}
}

// files counts the files and folders that the connection has open.
func (c *connection) files() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, s := range c.sessions {
		n += int(s.handles.Load())
	}
	return n
}
