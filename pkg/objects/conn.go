package objects

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// A body that lies in memory and is an io.WriterTo writes itself onto the connection. Otherwise the libraries would copy it
// through a buffer of 32 KiB and call the kernel for each of them. Over TLS they still do.

type bodyKey struct{}

// bared is for a request with this body: the S3 library wraps bodies so that nobody sees any more what they are. Where it
// signs the body, in pieces with a signature before each, the wrapped one is what has to be sent.
func (b *Bucket) bared(ctx context.Context, body io.Reader) context.Context {
	if _, ok := body.(io.WriterTo); !ok || !b.unsigned {
		return ctx
	}
	return context.WithValue(ctx, bodyKey{}, body)
}

// transport gives requests their own body back.
type transport struct{ http.Transport }

func newTransport() *transport {
	dial := net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	return &transport{http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return conn{c}, nil
		},
		MaxIdleConns:          2 * idleConnections,
		MaxIdleConnsPerHost:   idleConnections,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		DisableCompression:    true, // or a .gz comes back as something else than was stored
	}}
}

// cloner is a body that can be read anew while an earlier reading of it may still be going on.
type cloner interface{ Clone() io.Reader }

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if body, ok := r.Context().Value(bodyKey{}).(io.Reader); ok && r.Method == http.MethodPut && r.Body != nil {
		if c, ok := body.(cloner); ok { // a server that answers early is still being written to when the request is repeated
			body = c.Clone()
		}
		bare := *r
		bare.Body = io.NopCloser(body)
		r = &bare
	}
	return t.Transport.RoundTrip(r)
}

type conn struct{ net.Conn }

// ReadFrom takes a body from net/http, which has limited it to the length that was announced: the body's own.
func (c conn) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		return io.Copy(c.Conn, r)
	}
	body, ok := limited.R.(io.WriterTo)
	if !ok {
		return io.Copy(c.Conn, r)
	}
	n, err := body.WriteTo(c.Conn)
	limited.N -= n
	return n, err
}
