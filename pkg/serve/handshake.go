package serve

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"
)

// tellEvery bounds how often a server tells its log of callers whom it turned away: anybody may be one.
const tellEvery = 10 * time.Second

// handshakes are the transport credentials of a connection: each handshake uses the certificates as they are by then, and
// its failure is kept in words.
type handshakes struct {
	credentials.TransportCredentials // for what is about no certain connection
	certificates                     *Certificates
	log                              *slog.Logger
	refused                          atomic.Pointer[string] // why a client's last try failed

	mu    sync.Mutex
	told  time.Time
	since int
}

func newHandshakes(c *Certificates, log *slog.Logger) *handshakes {
	return &handshakes{TransportCredentials: credentials.NewTLS(c.current()), certificates: c, log: log}
}

// Clone keeps the words in one place: gRPC clones the credentials of each connection.
func (h *handshakes) Clone() credentials.TransportCredentials { return h }

// ClientHandshake makes sure of the server, and keeps an ear on its first answer: a server of TLS 1.3 refuses a client's
// certificate only there.
func (h *handshakes) ClientHandshake(ctx context.Context, name string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := credentials.NewTLS(h.certificates.current()).ClientHandshake(ctx, name, raw)
	if err != nil {
		h.refuse(serverWords(err))
		return nil, nil, err
	}
	return &attentive{Conn: conn, handshakes: h}, info, nil
}

// ServerHandshake makes sure of the client.
func (h *handshakes) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := credentials.NewTLS(h.certificates.current()).ServerHandshake(raw)
	if err != nil && !errors.Is(err, io.EOF) { // a look at the port is no try
		h.tell(raw.RemoteAddr(), err)
	}
	return conn, info, err
}

func (h *handshakes) refuse(words string) { h.refused.Store(&words) }

// suspect is refuse for what is only likely.
func (h *handshakes) suspect() {
	words := hungUp
	h.refused.CompareAndSwap(nil, &words)
}

// tell logs a caller who was turned away, and how many others were since the last one.
func (h *handshakes) tell(from net.Addr, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.told) < tellEvery {
		h.since++
		return
	}
	h.log.Warn("a caller was turned away: "+clientWords(err), "address", from.String(), "others", h.since, "error", err)
	h.told, h.since = time.Now(), 0
}

// attentive is a client's connection until the server's first answer.
type attentive struct {
	net.Conn
	handshakes *handshakes
	heard      atomic.Bool
}

// hungUp is what overtakes a server's alert, or hides it.
const hungUp = "the server hung up right after the handshake; does it trust our certificate?"

func (a *attentive) Read(p []byte) (int, error) {
	n, err := a.Conn.Read(p)
	if a.heard.Load() {
		return n, err
	}
	var remote *net.OpError
	switch {
	case n > 0:
		a.handshakes.refused.Store(nil)
	case errors.As(err, &remote) && remote.Op == "remote error":
		a.handshakes.refuse(alertWords(remote.Err.Error()))
	case err != nil && !errors.Is(err, net.ErrClosed):
		a.handshakes.suspect()
	}
	a.heard.Store(true)
	return n, err
}

func (a *attentive) Write(p []byte) (int, error) {
	n, err := a.Conn.Write(p)
	if err != nil && !a.heard.Load() && !errors.Is(err, net.ErrClosed) {
		a.handshakes.suspect()
	}
	return n, err
}

// serverWords say why this side did not believe a server.
func serverWords(err error) string {
	var (
		remote *net.OpError
		name   x509.HostnameError
		record tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &name):
		return fmt.Sprintf("the server's certificate is for %s, not for %s", names(name.Certificate), name.Host)
	case errors.As(err, &record), errors.Is(err, io.EOF):
		return "the server speaks no TLS"
	case errors.As(err, &remote) && remote.Op == "remote error":
		return alertWords(remote.Err.Error())
	}
	return certificateWords("the server's certificate", err)
}

// clientWords say why this side did not believe a caller.
func clientWords(err error) string {
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record):
		return "it speaks no TLS"
	case strings.Contains(err.Error(), "didn't provide a certificate"):
		return "it shows no certificate"
	case strings.Contains(err.Error(), "remote error"):
		return "it does not believe our certificate"
	}
	return certificateWords("its certificate", err)
}

func certificateWords(whose string, err error) string {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &authority):
		return whose + " is signed by nobody who is trusted here"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(invalid.Cert.NotBefore):
		return whose + " is not valid before " + invalid.Cert.NotBefore.UTC().Format(time.DateTime)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return whose + " has expired on " + invalid.Cert.NotAfter.UTC().Format(time.DateTime)
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return whose + " is not meant for this side of a connection: it needs the usages of a server and of a client"
	}
	return "the TLS handshake failed"
}

// alertWords say why the server did not believe us, which it tells by one of few alerts.
func alertWords(alert string) string {
	switch {
	case strings.Contains(alert, "certificate required"):
		return "the server wants a client certificate, and none was shown"
	case strings.Contains(alert, "expired certificate"):
		return "the server says that our certificate has expired"
	case strings.Contains(alert, "unknown certificate authority"):
		return "the server does not trust who signed our certificate"
	}
	return "the server refuses our certificate"
}

func names(c *x509.Certificate) string {
	all := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "nobody"
	}
	return strings.Join(all[:min(len(all), 8)], ", ")
}
