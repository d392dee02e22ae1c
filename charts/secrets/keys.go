package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"

	"github.com/nats-io/nkeys"
	"golang.org/x/crypto/ssh"
)

// token has 130 bits at least, and no character that a URL or a shell would read as something else.
func token() string { return rand.Text() }

func natsUser() (public, seed string, err error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return "", "", err
	}
	if public, err = pair.PublicKey(); err != nil {
		return "", "", err
	}
	text, err := pair.Seed()
	return public, string(text), err
}

// hostKeys are those that sftp-edge asks for, under its names.
func hostKeys() (map[string]string, error) {
	keys := map[string]string{}
	for name, generate := range map[string]func() (crypto.PrivateKey, error){
		"ssh_host_ed25519_key": func() (crypto.PrivateKey, error) { _, key, err := ed25519.GenerateKey(rand.Reader); return key, err },
		"ssh_host_ecdsa_key":   func() (crypto.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		"ssh_host_rsa_key":     func() (crypto.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 3072) },
	} {
		key, err := generate()
		if err != nil {
			return nil, err
		}
		block, err := ssh.MarshalPrivateKey(key, "filmgate")
		if err != nil {
			return nil, err
		}
		keys[name] = string(pem.EncodeToMemory(block))
	}
	return keys, nil
}
