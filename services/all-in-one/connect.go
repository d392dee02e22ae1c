package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// callLimit bounds one operator's command.
const callLimit = 30 * time.Second

// connect reaches the instance's gRPC port: the remote one of --server, or the local one that uses the data folder.
func (o *options) connect() (*grpc.ClientConn, error) {
	if o.server != "" {
		return o.connectRemote("--server", o.server)
	}
	c, err := readCard(o.data)
	if err != nil {
		return nil, err
	}
	return serve.Dial(c.GRPC.Address, serve.DialConfig{Token: c.GRPC.Token})
}

// connectCatalog reaches who serves the catalog: --catalog where it is another one than --server, as in a cluster.
func (o *options) connectCatalog() (*grpc.ClientConn, error) {
	if o.server != "" && o.catalog != "" {
		return o.connectRemote("--catalog", o.catalog)
	}
	return o.connect()
}

// connectRemote speaks TLS to other machines, checked against the system's certificates or those of --ca.
func (o *options) connectRemote(flag, target string) (*grpc.ClientConn, error) {
	if o.token == "" {
		return nil, errors.New("--server needs a token: set FILMGATE_TOKEN, or FILMGATE_TOKEN_FILE, to the operator's token or to your own")
	}
	c := serve.DialConfig{Token: o.token, AllowPlaintext: o.plaintext}
	local := true
	for address := range strings.SplitSeq(target, ",") {
		host, _, err := net.SplitHostPort(strings.TrimSpace(address))
		if err != nil {
			return nil, fmt.Errorf("%s %q: say host:port, or several with commas between them", flag, target)
		}
		ip := net.ParseIP(host)
		local = local && (host == "localhost" || ip != nil && ip.IsLoopback())
	}
	if !o.plaintext && (!local || o.ca != "") {
		config, err := o.tls()
		if err != nil {
			return nil, err
		}
		c.TLS = serve.FixedCertificates(config)
	}
	return serve.Dial(target, c)
}

// tls is how to speak to a server: checked against --ca or the system's certificates, with a certificate of our own for a
// server that wants one, as Filmgate's services do.
func (o *options) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.ca != "" {
		pem, err := os.ReadFile(o.ca)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca %s holds no certificate in PEM format", o.ca)
		}
	}
	if (o.cert == "") != (o.key == "") {
		return nil, errors.New("--cert and --key belong together (FILMGATE_TLS_CERT_PATH, FILMGATE_TLS_KEY_PATH)")
	}
	if o.cert != "" {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return nil, fmt.Errorf("--cert %s and its key cannot be used: %w", o.cert, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// inAccount runs a call in the account of --account, or in the only one that there is.
func (o *options) inAccount(ctx context.Context, call func(context.Context, *grpc.ClientConn) error) error {
	return o.connected(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		account := o.account
		if account == "" {
			only, err := onlyAccount(ctx, conn)
			if err != nil {
				return err
			}
			account = only
		}
		return call(serve.WithAccount(ctx, account), conn)
	})
}

// connected runs a call that needs no account.
func (o *options) connected(ctx context.Context, call func(context.Context, *grpc.ClientConn) error) error {
	conn, err := o.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	err = call(ctx, conn)
	if fault.Is(err, fault.Unavailable) && o.server == "" {
		return fmt.Errorf("the instance on %s does not answer: is `filmgate run` still running there? (%w)", o.data, err)
	}
	return err
}

// onlyAccount answers the one account there is. People's tokens belong to an account already: they get "".
func onlyAccount(ctx context.Context, conn *grpc.ClientConn) (string, error) {
	who, err := jobsv1.NewIdentityServiceClient(conn).WhoAmI(ctx, &jobsv1.WhoAmIRequest{})
	if err != nil {
		return "", err
	}
	if !who.GetService() {
		return who.GetAccount(), nil
	}
	list, err := jobsv1.NewAccountServiceClient(conn).ListAccounts(ctx, &jobsv1.ListAccountsRequest{PageSize: 2})
	if err != nil {
		return "", err
	}
	switch accounts := list.GetAccounts(); len(accounts) {
	case 0:
		return "", errors.New("there is no account yet: make one with `filmgate account create SLUG`")
	case 1:
		return accounts[0].GetSlug(), nil
	default:
		return "", errors.New("there are several accounts: say which with --account SLUG (`filmgate account list` shows them)")
	}
}
