package sftpclients

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Login says where a program connects, and as whom.
type Login struct {
	Addr, User, Password string
	HostKey              string // SHA256:… of the server's Ed25519 key
}

// Conn is one SFTP session, of which a program sends its packets.
type Conn struct {
	stream  io.ReadWriteCloser
	release func() bool // lets go of the context
	ended   chan struct{}

	writing sync.Mutex // one packet at a time
	left    int64      // bytes of WRITE that may still be sent; none is counted while it is negative

	mu      sync.Mutex
	next    uint32
	pending map[uint32]*call
	err     error // why the session ended
}

// Dial logs in and starts an SFTP session, which ends with ctx.
func Dial(ctx context.Context, l Login) (*Conn, error) {
	tcp, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { tcp.Close() })()
	conn, channels, requests, err := ssh.NewClientConn(tcp, l.Addr, &ssh.ClientConfig{
		User: l.User, Auth: []ssh.AuthMethod{ssh.Password(l.Password)},
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}, HostKeyCallback: l.hostKey,
	})
	if err != nil {
		tcp.Close()
		return nil, err
	}
	client := ssh.NewClient(conn, channels, requests)
	stream, err := subsystem(client)
	if err != nil {
		_ = client.Close() // the first error is the one to answer
		return nil, err
	}
	return New(ctx, stream)
}

func (l Login) hostKey(_ string, _ net.Addr, key ssh.PublicKey) error {
	if got := ssh.FingerprintSHA256(key); got != l.HostKey {
		return fmt.Errorf("the server's key is %s, not %s", got, l.HostKey)
	}
	return nil
}

// channel is an SFTP channel with the connection that it is alone on.
type channel struct {
	io.Reader
	io.WriteCloser
	client *ssh.Client
}

func (c channel) Close() error { return c.client.Close() }

func subsystem(client *ssh.Client) (io.ReadWriteCloser, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	in, err := session.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return channel{out, in, client}, session.RequestSubsystem("sftp")
}

// New starts an SFTP session on a stream, which it closes when ctx ends.
func New(ctx context.Context, stream io.ReadWriteCloser) (*Conn, error) {
	c := &Conn{stream: stream, ended: make(chan struct{}), pending: make(map[uint32]*call), left: -1}
	c.release = context.AfterFunc(ctx, func() {
		c.fail(context.Cause(ctx))
		stream.Close()
	})
	err := c.greet()
	if err != nil {
		c.release()
		stream.Close()
		return nil, err
	}
	go c.read()
	return c, nil
}

func (c *Conn) greet() error {
	if err := c.emit(put([]byte{fxpInit}, uint32(3))); err != nil {
		return err
	}
	kind, body, err := readPacket(c.stream)
	if err != nil {
		return err
	}
	p := packet{body: body}
	if version := p.number(); kind != fxpVersion || version != 3 {
		return fmt.Errorf("the server speaks version %d (packet %d)", version, kind)
	}
	return nil
}

// Close ends the session as a program does that is done, or is killed: SFTP has no other goodbye.
func (c *Conn) Close() {
	c.release()
	c.stream.Close()
	<-c.ended
}

// ErrBroken is answered by an upload that was to break off.
var ErrBroken = errors.New("the connection was broken off on purpose")

// BreakAfter breaks the connection off, in the middle of whatever is being uploaded, once so many bytes of WRITEs were sent.
func (c *Conn) BreakAfter(bytes int64) {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.left = bytes
}

// read hands the server's answers to those who wait for them.
func (c *Conn) read() {
	defer close(c.ended)
	for {
		kind, body, err := readPacket(c.stream)
		if err == nil && len(body) < 4 {
			err = fmt.Errorf("packet %d has no number", kind)
		}
		if err != nil {
			c.fail(err)
			return
		}
		id := binary.BigEndian.Uint32(body)
		c.mu.Lock()
		waiting, ok := c.pending[id]
		delete(c.pending, id)
		c.mu.Unlock()
		if !ok {
			c.fail(fmt.Errorf("the server answered request %d, which was not made", id))
			c.stream.Close()
			return
		}
		waiting.answer = packet{kind: kind, body: body[4:]}
		waiting.finish()
	}
}

// fail ends every request that still waits.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	for id, waiting := range c.pending {
		delete(c.pending, id)
		waiting.err = c.err
		waiting.finish()
	}
}

func (c *Conn) emit(p []byte) error {
	_, err := c.stream.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(p))), p...))
	return err
}

// call is a request that was sent.
type call struct {
	answer packet
	err    error
	done   chan struct{}
	heard  chan<- *call // also told; has room
}

func (r *call) finish() {
	close(r.done)
	if r.heard != nil {
		r.heard <- r
	}
}

// send sends a request. Its answer, or the end of the session, comes to the call that is returned.
func (c *Conn) send(kind byte, fields ...any) *call { return c.sendTo(nil, kind, fields...) }

func (c *Conn) sendTo(heard chan<- *call, kind byte, fields ...any) *call {
	r := &call{done: make(chan struct{}), heard: heard}
	c.mu.Lock()
	if c.err != nil {
		r.err = c.err
		c.mu.Unlock()
		r.finish()
		return r
	}
	id := c.next
	c.next++
	c.pending[id] = r
	c.mu.Unlock()

	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.breaking(kind, fields); err != nil {
		c.fail(err)
		c.stream.Close()
		return r
	}
	if err := c.emit(put(put([]byte{kind}, id), fields...)); err != nil {
		c.fail(err)
	}
	return r
}

func (c *Conn) breaking(kind byte, fields []any) error {
	if kind != fxpWrite || c.left < 0 {
		return nil
	}
	data, _ := fields[len(fields)-1].([]byte)
	if c.left -= int64(len(data)); c.left < 0 {
		return ErrBroken
	}
	return nil
}

// wait waits for the answer. What is not of the wanted kind is an error; STATUS OK is wanted as fxpStatus.
func (r *call) wait(want byte) (packet, error) {
	<-r.done
	if r.err != nil {
		return packet{}, r.err
	}
	p := r.answer
	if p.kind == fxpStatus {
		code := p.number()
		if code != codeOK || want != fxpStatus {
			return packet{}, &Status{code, p.text()}
		}
		return p, nil
	}
	if p.kind != want {
		return packet{}, fmt.Errorf("packet %d instead of %d", p.kind, want)
	}
	return p, nil
}

// ok waits for STATUS OK.
func (r *call) ok() error {
	_, err := r.wait(fxpStatus)
	return err
}
