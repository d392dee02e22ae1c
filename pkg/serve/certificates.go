package serve

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"sync"
	"time"

	"filmgate.dev/pkg/fault"
)

// Certificates are what one side of a connection shows, and whom it believes. Those of files are read again when the files
// change, because clusters replace them every few weeks, and connections that stand go on with what they began with.
type Certificates struct {
	files TLSFiles
	log   *slog.Logger

	mu     sync.Mutex
	seen   [3]stamp // of the files, when they were read last
	config *tls.Config
}

// stamp tells whether a file is another one than before.
type stamp struct {
	modified time.Time
	size     int64
}

// FixedCertificates are those of a configuration that nobody changes.
func FixedCertificates(config *tls.Config) *Certificates { return &Certificates{config: config} }

func loadCertificates(files TLSFiles, log *slog.Logger) (*Certificates, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &Certificates{files: files, log: log, seen: files.stamps()}
	config, err := files.read()
	if err != nil {
		return nil, err
	}
	c.config = config
	return c, nil
}

// current answers the configuration for the next connection. Files that cannot be used change nothing: they may be half
// replaced, and are looked at again for the connection after that.
func (c *Certificates) current() *tls.Config {
	if c.files == (TLSFiles{}) {
		return c.config
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.files.stamps()
	if now == c.seen {
		return c.config
	}
	config, err := c.files.read()
	if err != nil {
		c.log.Error("the new certificates cannot be used; the old ones stay", "error", err)
		return c.config
	}
	// Taken before the reading: what changes meanwhile is read again.
	c.config, c.seen = config, now
	c.log.Info("new certificates", "expires", config.Certificates[0].Leaf.NotAfter)
	return config
}

// stamps looks through symbolic links, by which Kubernetes replaces all three files at once.
func (f TLSFiles) stamps() (all [3]stamp) {
	for i, path := range []string{f.Cert, f.Key, f.CA} {
		if info, err := os.Stat(path); err == nil {
			all[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return all
}

func (f TLSFiles) read() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the certificate %s and its key cannot be used: %v", f.Cert, err)
	}
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the certificates of FILMGATE_TLS_CA_PATH cannot be read: %v", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Invalid, "there is no certificate in %s", f.CA)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{pair},
		RootCAs:      pool,
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
	}, nil
}
