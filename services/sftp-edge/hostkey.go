package sftpedge

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/fault"
)

const rsaBits = 3072

// hostKeys are the keys of an edge, the preferred one first.
var hostKeys = []struct {
	file string
	make func() (crypto.PrivateKey, error)
}{
	{"ssh_host_ed25519_key", func() (crypto.PrivateKey, error) { _, key, err := ed25519.GenerateKey(rand.Reader); return key, err }},
	{"ssh_host_ecdsa_key", func() (crypto.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }},
	{"ssh_host_rsa_key", func() (crypto.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, rsaBits) }},
}

// LoadOrCreateHostKeys answers the host keys in dir, making those that are missing. All edges behind one address must be
// given the same ones. The first is an Ed25519 key: its fingerprint is the one to print on connection cards.
func LoadOrCreateHostKeys(dir string) ([]ssh.Signer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the folder for the host keys cannot be made")
	}
	var signers []ssh.Signer
	for _, key := range hostKeys {
		path := filepath.Join(dir, key.file)
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			if text, err = createHostKey(path, key.make); err != nil {
				return nil, fault.Wrap(err, fault.Invalid, "the host key %s cannot be made", path)
			}
		}
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "the host key %s cannot be read", path)
		}
		signer, err := ssh.ParsePrivateKey(text)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "%s is not a private key", path)
		}
		signers = append(signers, signer)
	}
	return signers, nil
}

// createHostKey makes the file appear whole or not at all, also when the power fails: a client that has seen a key must
// never see another one.
func createHostKey(path string, generate func() (crypto.PrivateKey, error)) ([]byte, error) {
	key, err := generate()
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "filmgate")
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(block)
	file, err := os.CreateTemp(filepath.Dir(path), ".key-*") // made with mode 0600
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }() // gone already when all went well
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return nil, err
	}
	return text, syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
