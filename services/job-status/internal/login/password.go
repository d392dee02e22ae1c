// Package login checks passwords without ever keeping one, and makes the secrets that people and browsers carry.
//
// An unknown user costs the same work as a known one, so that answers tell nothing by their time.
package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"filmgate.dev/pkg/fault"
)

// Bounds of passwords that people choose.
const (
	minPassword = 8
	maxPassword = 256
	saltBytes   = 16
	hashBytes   = 32
	// maxWait bounds how long a login waits for its turn.
	maxWait = 10 * time.Second
)

// params of argon2id, stored beside every hash so that they can grow.
type params struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// current follows OWASP's first choice for argon2id: about 25 ms and 19 MiB a login.
func current() params { return params{memory: 19 << 10, time: 2, threads: 1} }

// Passwords hashes and checks passwords, a few at a time: each takes 19 MiB and a core.
type Passwords struct {
	slots  chan struct{}
	dummy  string // what an unknown user's password is checked against
	checks atomic.Int64
}

// NewPasswords makes one whose work is bounded by the number of cores.
func NewPasswords() *Passwords {
	p := &Passwords{slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))}
	p.dummy = current().hash(rand.Text(), random(saltBytes))
	return p
}

// Hash checks that the password may be chosen and answers what to store.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	switch {
	case !utf8.ValidString(password) || strings.ContainsAny(password, "\x00\r\n"):
		return "", fault.New(fault.Invalid, "a password must be text on one line")
	case utf8.RuneCountInString(password) < minPassword:
		return "", fault.New(fault.Invalid, "a password needs at least %d characters", minPassword)
	case len(password) > maxPassword:
		return "", fault.New(fault.Invalid, "a password must have at most %d bytes", maxPassword)
	}
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	return current().hash(password, random(saltBytes)), nil
}

// Matches reports whether the password is the one that was hashed. An empty hash, for an unknown user or one without a
// password, matches nothing, after the same work.
func (p *Passwords) Matches(ctx context.Context, hash, password string) (bool, error) {
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	known := hash != "" && len(password) <= maxPassword
	if !known {
		hash, password = p.dummy, ""
	}
	settings, salt, want, err := parse(hash)
	if err != nil {
		return false, err
	}
	p.checks.Add(1)
	got := argon2.IDKey([]byte(password), salt, settings.time, settings.memory, settings.threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

// Checks answers how many passwords were checked, at full cost each.
func (p *Passwords) Checks() int64 { return p.checks.Load() }

func (p *Passwords) enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.Unavailable, "too many logins at the moment; try again")
	}
}

func (p *Passwords) leave() { <-p.slots }

// hash writes the PHC string: $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func (c params) hash(password string, salt []byte) string {
	sum := argon2.IDKey([]byte(password), salt, c.time, c.memory, c.threads, hashBytes)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.time, c.threads, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

// parse reads a stored hash. Its parameters are bounded: a damaged row must not take the machine's memory.
func parse(hash string) (c params, salt, sum []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, fmt.Errorf("login: a stored hash is not of argon2id")
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.threads); err != nil {
		return c, nil, nil, fmt.Errorf("login: parameters of a stored hash: %w", err)
	}
	if c.memory > 256<<10 || c.memory < 8 || c.time < 1 || c.time > 20 || c.threads < 1 || c.threads > 16 {
		return c, nil, nil, fmt.Errorf("login: parameters of a stored hash are out of bounds")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err == nil {
		sum, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil || len(sum) < 16 || len(sum) > 64 {
		return c, nil, nil, fmt.Errorf("login: a stored hash cannot be read")
	}
	return c, salt, sum, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}
