package login

import (
	"context"
	"log/slog"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// Authenticator is what job-status is asked.
type Authenticator interface {
	Authenticate(context.Context, *jobsv1.AuthenticateRequest, ...grpc.CallOption) (*jobsv1.AuthenticateResponse, error)
	CountRefusedKeys(context.Context, *jobsv1.CountRefusedKeysRequest, ...grpc.CallOption) (*jobsv1.CountRefusedKeysResponse, error)
}

// Door is where clients log in: these host keys, passwords and public keys, and only algorithms that have no known weakness.
type Door struct {
	*Bans
	config ssh.ServerConfig // of every connection, without its callbacks
	jobs   Authenticator
	tarpit chan struct{} // places of those who are kept waiting for a refusal
	log    *slog.Logger
}

// NewDoor makes a door, with nist also for programs that know nothing newer than NIST's curves. At most waiting clients at a
// time are kept waiting for a refusal; more than that are sent away at once.
func NewDoor(hostKeys []ssh.Signer, nist bool, jobs Authenticator, waiting int, log *slog.Logger) *Door {
	return &Door{Bans: newBans(), config: serverConfig(hostKeys, nist), jobs: jobs, tarpit: make(chan struct{}, max(1, waiting)), log: log}
}

func serverConfig(hostKeys []ssh.Signer, nist bool) ssh.ServerConfig {
	config := ssh.ServerConfig{
		Config:                  algorithms(),
		PublicKeyAuthAlgorithms: keyAlgorithms(),
		MaxAuthTries:            maxAuthTries,
		ServerVersion:           "SSH-2.0-Filmgate",
	}
	if nist {
		config.KeyExchanges = append(config.KeyExchanges, nistCurves()...) // after all better ones
	}
	for _, key := range offered(hostKeys, nist) {
		config.AddHostKey(withoutSHA1(key))
	}
	return config
}

// Visit begins the login of one connection. It must be over when ctx is; End it then.
func (d *Door) Visit(ctx context.Context) *Visit { return &Visit{door: d, ctx: ctx} }
