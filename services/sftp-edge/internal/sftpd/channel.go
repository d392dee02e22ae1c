package sftpd

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// onlySFTP is what a person sees who tries anything else.
const onlySFTP = "This server speaks SFTP only. Use an SFTP program such as FileZilla or sftp; with scp leave out -O."

// firstJobs is how long a session waits for the list of jobs before it begins without.
const firstJobs = 3 * time.Second

// What is said to a peer that has gone is lost, and that is no error: the "_ =" below.

// channels serves the connection's channels until it ends. Only SFTP is spoken here: no forwarding, no shell.
func (c *connection) channels(channels <-chan ssh.NewChannel, work *sync.WaitGroup) {
	places := make(chan struct{}, c.server.Config.MaxChannels)
	for offered := range channels {
		if offered.ChannelType() != "session" {
			_ = offered.Reject(ssh.UnknownChannelType, "only SFTP is spoken here")
			continue
		}
		select {
		case places <- struct{}{}:
		default:
			_ = offered.Reject(ssh.ResourceShortage, "there are too many channels on this connection")
			continue
		}
		channel, requests, err := offered.Accept()
		if err != nil {
			<-places
			continue
		}
		c.run(work, "channel", func() {
			defer func() { <-places }()
			defer func() { _ = channel.Close() }()
			c.serve(channel, requests)
		})
	}
}

// serve answers a channel's requests. The first subsystem is the only one.
func (c *connection) serve(channel ssh.Channel, requests <-chan *ssh.Request) {
	var work sync.WaitGroup
	defer work.Wait()
	started := false
	for request := range requests {
		switch {
		case started:
			_ = request.Reply(false, nil)
		case request.Type == "subsystem" && name(request.Payload) == "sftp":
			started = true
			_ = request.Reply(true, nil)
			c.run(&work, "sftp", func() { c.sftp(channel) })
		case request.Type == "exec" || request.Type == "shell":
			started = true
			_ = request.Reply(true, nil)
			say(channel, onlySFTP)
		default: // env, pty-req, window-change, …
			_ = request.Reply(false, nil)
		}
	}
}

func (c *connection) sftp(channel ssh.Channel) {
	// Programs ask for folders at once, and a job that is not known yet does not exist.
	ctx, cancel := context.WithTimeout(c.server.ctx, firstJobs)
	_, _ = c.board.List(ctx)
	cancel()
	s := newSession(c)
	defer s.end()
	defer c.opened(channel, s)()
	first, err := hello(channel, c.server.Config.MaxHandles)
	if err != nil {
		exit(channel, 0)
		return
	}
	s.intake = newIntake(channel, &c.pending, first)
	server := sftp.NewRequestServer(s.intake, sftp.Handlers{FileGet: s, FilePut: s, FileCmd: s, FileList: s})
	if err := server.Serve(); err != nil && !errors.Is(err, io.EOF) {
		c.log.Debug("the SFTP session broke off", "err", err)
	}
	exit(channel, 0)
}

// opened has the session known to the connection until it is over.
func (c *connection) opened(channel ssh.Channel, s *session) (over func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[channel] = s
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.sessions, channel)
	}
}

// say has the client's program show words, and ends the channel.
func say(channel ssh.Channel, words string) {
	_, _ = io.WriteString(channel.Stderr(), words+"\r\n")
	exit(channel, 1)
}

// exit ends a channel as a program's end would.
func exit(channel ssh.Channel, code uint32) {
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{code}))
	_ = channel.Close()
}

// name reads the one string of a request.
func name(payload []byte) string {
	var text struct{ Value string }
	if ssh.Unmarshal(payload, &text) != nil {
		return ""
	}
	return text.Value
}
