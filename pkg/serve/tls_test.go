package serve_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// write puts a certificate for 127.0.0.1 and what goes with it into the folder; change makes it another one.
func (a *authority) write(dir string, serial int64, change func(*x509.Certificate)) serve.TLSFiles {
	a.t.Helper()
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "leaf"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(leaf)
	}
	key := newKey(a.t)
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			a.t.Fatal(err)
		}
		return path
	}
	return serve.TLSFiles{Cert: write("cert.pem", "CERTIFICATE", leafDER), Key: write("key.pem", "EC PRIVATE KEY", keyDER), CA: write("ca.pem", "CERTIFICATE", a.cert.Raw)}
}

func (a *authority) files() serve.TLSFiles { a.t.Helper(); return a.write(a.t.TempDir(), 2, nil) }

func load(t *testing.T, f serve.TLSFiles) *serve.Certificates {
	t.Helper()
	c, err := f.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// secured serves over TLS for the length of the test.
func secured(t *testing.T, c *serve.Certificates) (address string, log *lines) {
	t.Helper()
	log = new(lines)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := serve.NewGRPC(serve.GRPCConfig{TLS: c, Log: slog.New(slog.NewTextHandler(log, nil))})
	grpc_health_v1.RegisterHealthServer(server, service{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve.GRPC(ctx, lis, server) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return lis.Addr().String(), log
}

func dial(t *testing.T, address string, c serve.DialConfig) grpc_health_v1.HealthClient {
	t.Helper()
	conn, err := serve.Dial(address, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return grpc_health_v1.NewHealthClient(conn)
}

// Whoever is turned away learns why, on both sides, and a foreigner learns nothing else.
func TestServicesKnowEachOtherByCertificate(t *testing.T) {
	ours, foreign := newAuthority(t), newAuthority(t)
	own := load(t, ours.files())
	trusting := func(of *authority, change func(*x509.Certificate)) *serve.Certificates { // shows of's, trusts ours
		f := of.write(t.TempDir(), 3, change)
		f.CA = ours.files().CA
		return load(t, f)
	}
	expired := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ours.cert)
	for name, c := range map[string]struct {
		server *serve.Certificates
		client *serve.Certificates // nil is plaintext
		told   []string            // the caller, one of these
		logged string              // at the server
	}{
		"ours":                  {server: own, client: own},
		"server expired":        {server: trusting(ours, expired), client: own, told: []string{"the server's certificate has expired on "}},
		"server not valid yet":  {server: trusting(ours, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), client: own, told: []string{"the server's certificate is not valid before "}},
		"server of another CA":  {server: load(t, foreign.files()), client: own, told: []string{"the server's certificate is signed by nobody who is trusted here"}},
		"server of another use": {server: trusting(ours, func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }), client: own, told: []string{"it needs the usages of a server and of a client"}},
		"server of another name": {server: trusting(ours, func(c *x509.Certificate) {
			c.IPAddresses, c.DNSNames = []net.IP{net.IPv4(10, 0, 0, 1)}, []string{"job-status"}
		}), client: own, told: []string{"the server's certificate is for job-status, 10.0.0.1, not for 127.0.0.1"}},
		"caller expired": {server: own, client: trusting(ours, expired),
			told: []string{"the server says that our certificate has expired", "hung up right after the handshake"}, logged: "its certificate has expired on "},
		"caller of another CA": {server: own, client: trusting(foreign, nil),
			told: []string{"the server does not trust who signed our certificate", "hung up right after the handshake"}, logged: "its certificate is signed by nobody who is trusted here"},
		"caller without": {server: own, client: serve.FixedCertificates(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}),
			told: []string{"the server wants a client certificate, and none was shown", "hung up right after the handshake"}, logged: "it shows no certificate"},
		"plaintext": {server: own, told: []string{"a part of the server cannot be reached"}, logged: "it speaks no TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			address, log := secured(t, c.server)
			err := ask(t.Context(), dial(t, address, serve.DialConfig{TLS: c.client}), "fine")
			if c.told == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			said := fault.Message(err)
			heard := false
			for _, words := range c.told {
				heard = heard || strings.Contains(said, words)
			}
			if !fault.Is(err, fault.Unavailable) || !heard {
				t.Errorf("the caller was told %q (%v)", said, err)
			}
			if c.logged != "" {
				eventually(t, "the server's log says "+c.logged, func() bool { return strings.Contains(log.String(), c.logged) })
			}
		})
	}
}

func TestACallerOfPlaintextIsToldWhereTLSIsWanted(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := serve.NewGRPC(serve.GRPCConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve.GRPC(ctx, lis, server) }()
	c := dial(t, lis.Addr().String(), serve.DialConfig{TLS: load(t, newAuthority(t).files())})
	if err := ask(t.Context(), c, "fine"); fault.Message(err) != "the server speaks no TLS" {
		t.Error(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// peer is the serial number of the certificate that a server shows now.
func shown(t *testing.T, address string, c *x509.CertPool, client tls.Certificate) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: c, Certificates: []tls.Certificate{client}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// A cluster replaces the certificates, then the authority, while connections stand.
func TestCertificatesAreReplacedWhileConnectionsStand(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	dir := t.TempDir()
	files := first.write(dir, 2, nil)
	both := load(t, files)
	address, _ := secured(t, both)
	standing := dial(t, address, serve.DialConfig{TLS: both})
	if err := ask(t.Context(), standing, "fine"); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AddCert(first.cert)
	if n := shown(t, address, trust, pair); n != 2 {
		t.Fatalf("certificate %d is shown at first", n)
	}

	// Half replaced: the key of another certificate. The old pair stays.
	old, err := os.ReadFile(files.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files.Key, []byte("half of a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := shown(t, address, trust, pair); n != 2 {
		t.Errorf("certificate %d is shown while the files do not fit", n)
	}
	if err := os.WriteFile(files.Key, old, 0o600); err != nil {
		t.Fatal(err)
	}

	first.write(dir, 7, func(c *x509.Certificate) { c.DNSNames = []string{"of another size"} })
	if n := shown(t, address, trust, pair); n != 7 {
		t.Errorf("certificate %d is shown after the change", n)
	}
	if err := ask(t.Context(), standing, "fine"); err != nil {
		t.Errorf("the connection that stood: %v", err)
	}
	if err := ask(t.Context(), dial(t, address, serve.DialConfig{TLS: both}), "fine"); err != nil {
		t.Errorf("a new connection: %v", err)
	}

	// Another authority: who still has a certificate of the first one is a stranger now.
	second.write(dir, 8, func(c *x509.Certificate) { c.DNSNames = []string{"of a third size altogether"} })
	if err := ask(t.Context(), standing, "fine"); err != nil {
		t.Errorf("the connection that stood: %v", err)
	}
	if err := ask(t.Context(), dial(t, address, serve.DialConfig{TLS: both}), "fine"); err != nil {
		t.Errorf("a new connection under the new authority: %v", err)
	}
	stranger := load(t, first.files())
	if err := ask(t.Context(), dial(t, address, serve.DialConfig{TLS: stranger}), "fine"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a certificate of the old authority: %v", err)
	}
}

func TestBadTLSSettingsAreRefused(t *testing.T) {
	good := newAuthority(t).files()
	if c, err := (serve.TLSFiles{}).Load(nil); c != nil || err != nil {
		t.Errorf("none given: %v, %v", c, err)
	}
	for name, f := range map[string]serve.TLSFiles{
		"half":       {Cert: good.Cert},
		"no key":     {Cert: good.Cert, Key: good.CA, CA: good.CA},
		"no CA file": {Cert: good.Cert, Key: good.Key, CA: "/nowhere"},
		"no CA":      {Cert: good.Cert, Key: good.Key, CA: good.Key},
	} {
		if _, err := f.Load(nil); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if lis, err := (serve.TLSFiles{}).Listen(t.Context(), ":0"); !fault.Is(err, fault.Invalid) {
		t.Errorf("plaintext for everybody: %v, %v", lis, err)
	}
}

func TestAnyAnswerIsOne(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := serve.Dial(lis.Addr().String(), serve.DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lis.Close()
	check := serve.Answers(conn)
	if err := check(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("nobody is there: %v", err)
	}
	if lis, err = net.Listen("tcp", lis.Addr().String()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve.GRPC(ctx, lis, serve.NewGRPC(serve.GRPCConfig{})) }()
	eventually(t, "a server that knows nothing of health has answered", func() bool { return check(t.Context()) == nil })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := check(t.Context()); err != nil {
		t.Errorf("it was there once: %v", err)
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain: " + what)
		}
	}
}
