package serve_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
)

// certificates writes an authority and a certificate that it signed, for 127.0.0.1.
func certificates(t *testing.T) serve.TLSFiles {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return serve.TLSFiles{Cert: write("cert.pem", "CERTIFICATE", leafDER), Key: write("key.pem", "EC PRIVATE KEY", keyDER), CA: write("ca.pem", "CERTIFICATE", caDER)}
}

func TestServicesKnowEachOtherByCertificate(t *testing.T) {
	ours, foreign := certificates(t), certificates(t)
	config, err := ours.Load()
	if err != nil {
		t.Fatal(err)
	}
	strange, err := foreign.Load()
	if err != nil {
		t.Fatal(err)
	}
	lis, err := ours.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := serve.NewGRPC(serve.GRPCConfig{TLS: config})
	grpc_health_v1.RegisterHealthServer(server, service{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve.GRPC(ctx, lis, server) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	strange.RootCAs = config.RootCAs // it trusts us, we do not trust it
	for name, c := range map[string]serve.DialConfig{"ours": {TLS: config}, "foreign": {TLS: strange}, "plaintext": {}} {
		conn, err := serve.Dial(lis.Addr().String(), c)
		if err != nil {
			t.Fatal(err)
		}
		err = ask(t.Context(), grpc_health_v1.NewHealthClient(conn), "fine")
		conn.Close()
		if name == "ours" && err != nil || name != "ours" && !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadTLSSettingsAreRefused(t *testing.T) {
	good := certificates(t)
	if c, err := (serve.TLSFiles{}).Load(); c != nil || err != nil {
		t.Errorf("none given: %v, %v", c, err)
	}
	for name, f := range map[string]serve.TLSFiles{
		"half":       {Cert: good.Cert},
		"no key":     {Cert: good.Cert, Key: good.CA, CA: good.CA},
		"no CA file": {Cert: good.Cert, Key: good.Key, CA: "/nowhere"},
		"no CA":      {Cert: good.Cert, Key: good.Key, CA: good.Key},
	} {
		if _, err := f.Load(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if lis, err := (serve.TLSFiles{}).Listen(t.Context(), ":0"); !fault.Is(err, fault.Invalid) {
		t.Errorf("plaintext for everybody: %v, %v", lis, err)
	}
}
