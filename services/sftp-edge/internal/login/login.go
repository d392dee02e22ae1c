// Package login decides, with job-status, who stands at the door.
//
// Who somebody is comes from the permissions of the password that matched or the key that signed, and from nothing else: a
// client may offer many keys before it signs with one.
package login

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

const (
	patience     = 5 * time.Second
	maxUserName  = 255
	maxPassword  = 1024
	unavailable  = "Logins are not possible right now. Please try again in a minute.\r\n"
	maxAuthTries = 6
)

// errRefused is all that a client learns, whatever was wrong.
var errRefused = errors.New("permission denied")

// Authenticator is what job-status is asked.
type Authenticator interface {
	Authenticate(context.Context, *jobsv1.AuthenticateRequest, ...grpc.CallOption) (*jobsv1.AuthenticateResponse, error)
}

// desk asks job-status about each attempt.
type desk struct {
	jobs Authenticator
	log  *slog.Logger
}

// principalKey is where the principal lies in a connection's permissions.
type principalKey struct{}

// Principal answers who a connection with these permissions acts for.
func Principal(p *ssh.Permissions) *jobsv1.Principal {
	principal, _ := p.ExtraData[principalKey{}].(*jobsv1.Principal)
	return principal
}

// ServerConfig makes the door: these host keys, passwords and public keys, and only algorithms that have no known weakness.
func ServerConfig(hostKeys []ssh.Signer, jobs Authenticator, log *slog.Logger) *ssh.ServerConfig {
	d := desk{jobs: jobs, log: log}
	config := &ssh.ServerConfig{
		Config:                    algorithms(),
		PublicKeyAuthAlgorithms:   keyAlgorithms(),
		MaxAuthTries:              maxAuthTries,
		ServerVersion:             "SSH-2.0-Filmgate",
		PasswordCallback:          d.password,
		PublicKeyCallback:         d.offered,
		VerifiedPublicKeyCallback: d.signed,
	}
	for _, key := range hostKeys {
		config.AddHostKey(withoutSHA1(key))
	}
	return config
}

func (d desk) password(conn ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
	if len(password) > maxPassword {
		return nil, errRefused
	}
	return d.ask(conn, &jobsv1.AuthenticateRequest{Credential: &jobsv1.AuthenticateRequest_Password{Password: string(password)}})
}

// offered answers whether the key would do. It gives no identity: the client has not shown yet that the key is its own.
func (d desk) offered(conn ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	if _, err := d.ask(conn, keyRequest(key, false)); err != nil {
		return nil, err
	}
	return &ssh.Permissions{}, nil
}

func (d desk) signed(conn ssh.ConnMetadata, key ssh.PublicKey, _ *ssh.Permissions, _ string) (*ssh.Permissions, error) {
	return d.ask(conn, keyRequest(key, true))
}

func keyRequest(key ssh.PublicKey, signed bool) *jobsv1.AuthenticateRequest {
	return &jobsv1.AuthenticateRequest{Credential: &jobsv1.AuthenticateRequest_PublicKey{
		PublicKey: &jobsv1.PublicKeyCredential{Blob: key.Marshal(), Signed: signed},
	}}
}

func (d desk) ask(conn ssh.ConnMetadata, request *jobsv1.AuthenticateRequest) (*ssh.Permissions, error) {
	if len(conn.User()) > maxUserName {
		return nil, errRefused
	}
	request.UserName = conn.User()
	request.ClientAddress = conn.RemoteAddr().String()
	request.ClientVersion = string(conn.ClientVersion())
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	response, err := d.jobs.Authenticate(ctx, request)
	if err = fault.FromStatus(err); err != nil {
		if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
			return nil, errRefused
		}
		d.log.Warn("a login could not be checked", "client", request.GetClientAddress(), "err", err)
		return nil, &ssh.BannerError{Err: err, Message: unavailable}
	}
	if response.GetPrincipal().GetUserId() == "" {
		return nil, errRefused
	}
	return &ssh.Permissions{ExtraData: map[any]any{principalKey{}: response.GetPrincipal()}}, nil
}
