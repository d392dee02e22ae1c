package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// kept is what an instance makes once and keeps in its data folder: secrets, and the loopback ports that programs may
// have noted down.
type kept struct {
	Installation   string `json:"installation"`
	ServiceToken   string `json:"service_token"`
	OperatorToken  string `json:"operator_token"`
	NATSToken      string `json:"nats_token"`
	ConsumerSecret string `json:"consumer_secret"`
	S3AccessKey    string `json:"s3_access_key"`
	S3SecretKey    string `json:"s3_secret_key"`
	AdminPassword  string `json:"admin_password"`
	SFTPPassword   string `json:"sftp_password"`
	NATSAddr       string `json:"nats_addr"`
	S3Addr         string `json:"s3_addr"`
	GRPCAddr       string `json:"grpc_addr"`
	// Prepared is set once the demo account, user and job exist. They are made with the passwords above, so a first start
	// that was killed half-way is simply done again.
	Prepared bool `json:"prepared"`
}

func keptPath(data string) string { return filepath.Join(data, "instance.json") }

func readKept(data string) (kept, error) {
	var k kept
	b, err := os.ReadFile(keptPath(data))
	if errors.Is(err, fs.ErrNotExist) {
		return k, fs.ErrNotExist
	}
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal(b, &k); err != nil {
		return k, fmt.Errorf("%s is damaged: %w; it holds this instance's secrets, so restore it from a backup", keptPath(data), err)
	}
	return k, nil
}

// keep reads what an earlier start kept, or makes it; ports that somebody else took since are chosen anew.
func keep(ctx context.Context, data string) (kept, error) {
	k, err := readKept(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		k = kept{
			Installation:   "local-" + secret()[:8],
			ServiceToken:   secret(),
			OperatorToken:  secret(),
			NATSToken:      secret(),
			ConsumerSecret: secret(),
			S3AccessKey:    "filmgate",
			S3SecretKey:    secret(),
			AdminPassword:  password(),
			SFTPPassword:   password(),
		}
	case err != nil:
		return k, err
	}
	for _, addr := range []*string{&k.NATSAddr, &k.S3Addr, &k.GRPCAddr} {
		if *addr, err = freeAddr(ctx, *addr); err != nil {
			return k, err
		}
	}
	return k, k.write(data)
}

func (k kept) write(data string) error {
	b, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	return writePrivate(keptPath(data), append(b, '\n'))
}

// freeAddr answers addr if nobody listens there, another loopback address otherwise.
func freeAddr(ctx context.Context, addr string) (string, error) {
	var open net.ListenConfig
	if addr != "" {
		if l, err := open.Listen(ctx, "tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	l, err := open.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("no free port on 127.0.0.1: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// secret answers 128 random bits as 26 letters and digits, for programs.
func secret() string { return rand.Text() }

// password answers a password that a person can read aloud: four groups of four, no look-alikes, 78 bits.
func password() string {
	const letters = "abcdefghjkmnpqrstuvwxyz23456789" // 31
	b := make([]byte, 0, 19)
	var one [1]byte
	for len(b) < 19 {
		if len(b)%5 == 4 {
			b = append(b, '-')
			continue
		}
		_, _ = rand.Read(one[:]) // never fails: crypto/rand aborts the process instead
		if i := int(one[0]); i < 31*8 {
			b = append(b, letters[i%31])
		}
	}
	return string(b)
}
