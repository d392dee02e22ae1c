package serve

import (
	"context"
	"log/slog"
	"net"

	"filmgate.dev/pkg/fault"
)

// TLSFiles is the part of a service's settings about gRPC between services: certificates on both sides, or plaintext that
// does not leave this machine unless that is said explicitly.
type TLSFiles struct {
	Cert           string `env:"FILMGATE_TLS_CERT_PATH" help:"PEM certificate of this service, for gRPC in both directions; read again when it changes"`
	Key            string `env:"FILMGATE_TLS_KEY_PATH" help:"PEM key of that certificate"`
	CA             string `env:"FILMGATE_TLS_CA_PATH" help:"PEM certificates that sign those of Filmgate's services"`
	AllowPlaintext bool   `env:"FILMGATE_GRPC_PLAINTEXT" default:"false" help:"let gRPC without TLS leave this machine, such as inside a mesh that encrypts"`
}

// Load reads the files for both directions; nil when none is given. Servers ask their callers for a certificate too.
func (f TLSFiles) Load(log *slog.Logger) (*Certificates, error) {
	if f.Cert == "" && f.Key == "" && f.CA == "" {
		return nil, nil
	}
	if f.Cert == "" || f.Key == "" || f.CA == "" {
		return nil, fault.New(fault.Invalid, "FILMGATE_TLS_CERT_PATH, FILMGATE_TLS_KEY_PATH and FILMGATE_TLS_CA_PATH belong together: give all three or none")
	}
	return loadCertificates(f, log)
}

// Listen opens a gRPC server's address. Without TLS it must be on this machine, unless plaintext is allowed.
func (f TLSFiles) Listen(ctx context.Context, address string) (net.Listener, error) {
	if f.Cert == "" && !f.AllowPlaintext && !loopback(address) {
		return nil, fault.New(fault.Invalid, "gRPC on %s could be heard by others: give TLS certificates, or set FILMGATE_GRPC_PLAINTEXT=true", address)
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "cannot listen on %s", address)
	}
	return lis, nil
}
