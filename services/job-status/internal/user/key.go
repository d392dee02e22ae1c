package user

import (
	"bytes"
	"crypto/rsa"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/job-status/internal/text"
)

// Bounds of public keys.
const (
	MaxKeys    = 20
	maxKeyLine = 16 << 10
	minRSABits = 2048
)

// Key is a public key of a user.
type Key struct {
	Fingerprint string // SHA256:… as OpenSSH prints it
	Blob        []byte // SSH wire format
	Comment     string
	AddedAt     time.Time
}

// ParseKey reads one line as in authorized_keys.
func ParseKey(line string, at time.Time) (Key, error) {
	line = strings.TrimSpace(line)
	if len(line) > maxKeyLine || strings.ContainsAny(line, "\r\n") {
		return Key{}, fault.New(fault.Invalid, "give one public key, on one line, as in id_ed25519.pub")
	}
	if strings.Contains(line, "PRIVATE KEY") {
		return Key{}, fault.New(fault.Invalid, "this is a private key, which must stay with its owner; give the public one, which ends in .pub")
	}
	key, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return Key{}, fault.Wrap(err, fault.Invalid, "this is not a public key as in id_ed25519.pub: type, base64, comment")
	}
	if len(options) > 0 {
		return Key{}, fault.New(fault.Invalid, "options before a key have no effect here; give only type, base64 and comment")
	}
	if err := checkType(key); err != nil {
		return Key{}, err
	}
	return Key{Fingerprint: ssh.FingerprintSHA256(key), Blob: key.Marshal(), Comment: text.Clip(comment), AddedAt: at}, nil
}

func checkType(key ssh.PublicKey) error {
	if _, isCertificate := key.(*ssh.Certificate); isCertificate {
		return fault.New(fault.Invalid, "certificates are not accepted; give the plain public key")
	}
	switch key.Type() {
	case ssh.KeyAlgoDSA: //nolint:staticcheck // named only to be refused
		return fault.New(fault.Invalid, "DSA keys are too weak; make one with ssh-keygen -t ed25519")
	case ssh.KeyAlgoRSA:
		if crypto, ok := key.(ssh.CryptoPublicKey); ok {
			if public, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); ok && public.N.BitLen() < minRSABits {
				return fault.New(fault.Invalid, "RSA keys need at least %d bits; make one with ssh-keygen -t ed25519", minRSABits)
			}
		}
	}
	return nil
}

// Accepts reports whether the blob is one of the user's keys.
func (u User) Accepts(blob []byte) bool {
	found := false
	for _, k := range u.SFTP.Keys {
		found = found || bytes.Equal(k.Blob, blob)
	}
	return found
}
