package objects

import (
	"net/http"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"filmgate.dev/pkg/fault"
)

const (
	// keysWithin bounds one exchange of an identity for keys; requests wait for it meanwhile.
	keysWithin = 10 * time.Second
	// keysRetry is how long keys that could not be renewed, and still hold, are used before the next try.
	keysRetry = 30 * time.Second
	// keysMargin is what keys must hold at least: a request is on its way for a while, and clocks differ.
	keysMargin = time.Minute
)

// Check answers what is missing among the settings: keys, or an identity that is changed for keys.
func (cfg Config) Check() error {
	switch {
	case (cfg.AccessKey == "") != (cfg.SecretKey == ""):
		return fault.New(fault.Invalid, "FILMGATE_S3_ACCESS_KEY and FILMGATE_S3_SECRET_KEY belong together: one of them is missing")
	case cfg.AccessKey == "" && cfg.TokenFile == "" && cfg.KeysURI == "":
		return fault.New(fault.Invalid, "FILMGATE_S3_ACCESS_KEY and FILMGATE_S3_SECRET_KEY are required, or an identity instead: AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN, or AWS_CONTAINER_CREDENTIALS_FULL_URI")
	}
	return nil
}

// credentials are the keys that are set, or else those for which this process's identity is changed from time to time. What a
// machine may do is never asked for (IMDS): every pod on it could.
func (cfg Config) credentials(transport http.RoundTripper) *credentials.Credentials {
	if cfg.AccessKey != "" {
		return credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, "")
	}
	source := &credentials.IAM{Client: &http.Client{Transport: transport, Timeout: keysWithin}, Endpoint: cfg.STS, Region: cfg.Region}
	source.EKSIdentity.TokenFile, source.EKSIdentity.RoleARN, source.EKSIdentity.RoleSessionName = cfg.TokenFile, cfg.Role, cfg.Session
	source.Container.CredentialsFullURI = cfg.KeysURI
	return credentials.New(&renewed{source: source})
}

// renewed are keys that hold for some time. They are renewed when four fifths of it are over; when that fails they are used on
// for as long as they hold, so that a service for keys that is away for minutes stops nobody.
type renewed struct {
	credentials.Expiry // says when to renew

	source credentials.Provider
	held   credentials.Value
}

// Retrieve is RetrieveWithCredContext without one.
func (r *renewed) Retrieve() (credentials.Value, error) { return r.RetrieveWithCredContext(nil) }

// RetrieveWithCredContext answers new keys, or those that still hold.
func (r *renewed) RetrieveWithCredContext(cc *credentials.CredContext) (credentials.Value, error) {
	keys, err := r.source.RetrieveWithCredContext(cc)
	if err == nil {
		r.held = keys
		r.SetExpiration(keys.Expiration, credentials.DefaultExpiryWindow)
		return keys, nil
	}
	now := r.CurrentTime
	if now == nil {
		now = time.Now
	}
	if last := r.held.Expiration.Add(-keysMargin); now().Before(last) {
		next := now().Add(keysRetry)
		if next.After(last) {
			next = last
		}
		r.SetExpiration(next, 0)
		return r.held, nil
	}
	return credentials.Value{}, err
}
