package sftpedge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	sftpedge "filmgate.dev/services/sftp-edge"
)

// guessing is what the fake job-status counts, and says about those who guess.
type guessing struct {
	passwords []*jobsv1.AuthenticateRequest
	keys      []*jobsv1.CountRefusedKeysRequest
	hold      *durationpb.Duration   // refusals are held back for so long
	slow      *durationpb.Duration   // passwords that are right, too
	banned    *timestamppb.Timestamp // everybody, until then
}

func (g *guessing) note(r *jobsv1.AuthenticateRequest) {
	if r.GetPublicKey() == nil {
		g.passwords = append(g.passwords, r)
	}
}

func (g *guessing) bannedUntil() *timestamppb.Timestamp { return g.banned }

func (g *guessing) refusal(r *jobsv1.AuthenticateRequest) error {
	const words = "wrong user name, password or key"
	if g.banned == nil && r.GetPublicKey() != nil && !r.GetPublicKey().GetSigned() {
		return fault.Unauthenticated(words)
	}
	detailed, err := status.New(codes.Unauthenticated, words).WithDetails(&jobsv1.Refusal{Delay: g.hold, BannedUntil: g.banned})
	return errors.Join(err, detailed.Err())
}

func (f *fakeJobs) CountRefusedKeys(_ context.Context, r *jobsv1.CountRefusedKeysRequest) (*jobsv1.CountRefusedKeysResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = append(f.keys, r)
	return &jobsv1.CountRefusedKeysResponse{Refusal: &jobsv1.Refusal{BannedUntil: f.banned}}, nil
}

// asked answers how many passwords and how many connections with keys job-status has heard of.
func (f *fakeJobs) asked() (passwords, keys int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.passwords), len(f.keys)
}

// guesses answers so many different passwords, all of them wrong, and then the right one.
func guesses(wrong int) ssh.AuthMethod {
	n := 0
	return ssh.RetryableAuthMethod(ssh.PasswordCallback(func() (string, error) {
		if n++; n > wrong {
			return "secret", nil
		}
		return fmt.Sprint("guess", n), nil
	}), wrong+1)
}

// sentAway reports whether the connection was ended with no answer to the login.
func sentAway(err error) bool {
	return err != nil && !strings.Contains(err.Error(), "unable to authenticate")
}

func manyKeys(t *testing.T) []ssh.Signer {
	keys := make([]ssh.Signer, 10)
	for i := range keys {
		keys[i] = newKey(t)
	}
	return keys
}

func TestAgentsWithTenKeysAreNotPunished(t *testing.T) {
	e := start(t)
	key, others := newKey(t), manyKeys(t)
	e.jobs.change(func() { e.jobs.users["anna"].key = key.PublicKey() })
	for what, auth := range map[string][]ssh.AuthMethod{
		"the last key is right":              {ssh.PublicKeys(append(others, key)...)},
		"then a password":                    {ssh.PublicKeys(others...), ssh.Password("secret")},
		"then a password, at the sixth time": {ssh.PublicKeys(others...), guesses(5)},
	} {
		conn, err := e.dial("anna", auth...)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		conn.Close()
	}
	if _, keys := e.jobs.asked(); keys != 0 {
		t.Errorf("%d of those connections count as failed", keys)
	}
}

func TestKeysThatAllFailCountOnce(t *testing.T) {
	e := start(t)
	if conn, err := e.dial("anna", ssh.PublicKeys(manyKeys(t)...)); err == nil {
		conn.Close()
		t.Fatal("in by a wrong key")
	}
	eventually(t, "it is counted", func() bool { _, keys := e.jobs.asked(); return keys > 0 })
	// What was counted otherwise, or could not be checked, is not counted as keys.
	e.dial("anna", ssh.PublicKeys(manyKeys(t)...), ssh.Password("wrong")) //nolint:errcheck // refused
	e.jobs.change(func() { e.jobs.away = true })
	e.dial("anna", ssh.PublicKeys(newKey(t))) //nolint:errcheck // refused
	e.jobs.change(func() { e.jobs.away = false })
	// Who asks about somebody's key without having it has failed, too: it would tell whose it is.
	annas := newKey(t)
	e.jobs.change(func() { e.jobs.users["anna"].key = annas.PublicKey() })
	e.dial("anna", ssh.PublicKeys(stolen{newKey(t), annas.PublicKey()})) //nolint:errcheck // refused
	must(t, e.stop())                                                    // every connection is over
	e.jobs.mu.Lock()
	defer e.jobs.mu.Unlock()
	if len(e.jobs.keys) != 2 {
		t.Fatalf("%d connections count as failed", len(e.jobs.keys))
	}
	if r := e.jobs.keys[0]; r.GetKeys() != 10 || r.GetUserName() != "anna" || !strings.HasPrefix(r.GetClientAddress(), "127.0.0.1:") || !strings.HasPrefix(r.GetClientVersion(), "SSH-2.0-Go") {
		t.Errorf("counted: %v", r)
	}
}

func TestSixPasswordsOfAConnection(t *testing.T) {
	e := start(t)
	conn, err := e.dial("anna", guesses(6))
	if err == nil {
		conn.Close()
	}
	if passwords, _ := e.jobs.asked(); passwords != 6 || !sentAway(err) {
		t.Errorf("%d passwords were tried: %v", passwords, err)
	}
	e.jobs.mu.Lock()
	defer e.jobs.mu.Unlock()
	for _, r := range e.jobs.passwords {
		if !strings.HasPrefix(r.GetClientAddress(), "127.0.0.1:") || r.GetUserName() != "anna" {
			t.Errorf("asked: %v", r)
		}
	}
}

// What is no text is a wrong password like any other.
func TestNoText(t *testing.T) {
	e := start(t)
	for _, c := range []struct{ user, password string }{{"anna", "\xff\xfe"}, {"ann\xe4", "secret"}} {
		if _, err := e.dial(c.user, ssh.Password(c.password)); err == nil || sentAway(err) {
			t.Errorf("%q, %q: %v", c.user, c.password, err)
		}
	}
	if passwords, _ := e.jobs.asked(); passwords != 2 {
		t.Errorf("%d passwords were tried", passwords)
	}
}

// Refusals are held back as job-status says, within the time that a login has.
func TestRefusalsAreHeldBack(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.LoginWithin = 500 * time.Millisecond })
	e.jobs.change(func() { e.jobs.hold = durationpb.New(time.Hour) })
	if _, err := e.dial("anna", ssh.Password("wrong")); !sentAway(err) {
		t.Errorf("the refusal was not held back: %v", err)
	}
	e.jobs.change(func() { e.jobs.hold = durationpb.New(time.Millisecond) })
	if _, err := e.dial("anna", ssh.Password("wrong")); err == nil || sentAway(err) {
		t.Errorf("after a millisecond: %v", err)
	}
	e.jobs.change(func() { e.jobs.slow = durationpb.New(time.Hour) })
	if conn, err := e.dial("anna"); err == nil {
		conn.Close()
		t.Error("the right password was not held back")
	}
	e.jobs.change(func() { e.jobs.slow = durationpb.New(time.Millisecond) })
	e.client("anna")
}

// Those who are held back have few places; an edge that stops waits for none of them.
func TestTheTarpitIsBounded(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.MaxUnauthenticated = "2" })
	e.jobs.change(func() { e.jobs.hold = durationpb.New(time.Hour) })
	first := make(chan error, 1)
	go func() {
		_, err := e.dial("anna", ssh.Password("wrong"))
		first <- err
	}()
	eventually(t, "the first is held back", func() bool { passwords, _ := e.jobs.asked(); return passwords == 1 })
	eventually(t, "the second is sent away", func() bool {
		_, err := ssh.Dial("tcp", e.addr, &ssh.ClientConfig{User: "anna", Auth: []ssh.AuthMethod{ssh.Password("wrong")}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
		return sentAway(err)
	})
	if passwords, _ := e.jobs.asked(); passwords < 2 {
		t.Error("the second was sent away before it was asked for a password")
	}
	select {
	case err := <-first:
		t.Errorf("the first was not held back: %v", err)
	default:
	}
	must(t, e.stop())
	<-first
}

func TestBannedAddress(t *testing.T) {
	e := start(t)
	e.jobs.change(func() { e.jobs.banned = timestamppb.New(time.Now().Add(time.Hour)) })
	if _, err := e.dial("anna", guesses(0), guesses(0)); err == nil || sentAway(err) {
		t.Fatalf("a banned address is told %v", err)
	}
	conn, err := net.Dial("tcp", e.addr)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	if hello, err := io.ReadAll(io.LimitReader(conn, 4)); len(hello) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a banned address is greeted with %q, %v", hello, err)
	}
	if passwords, _ := e.jobs.asked(); passwords != 1 {
		t.Errorf("job-status was asked %d times", passwords)
	}
	// Another edge has not heard of it, asks, and is told the same.
	e.run()
	key := newKey(t)
	e.jobs.change(func() { e.jobs.users["anna"].key = key.PublicKey() })
	if _, err := e.dial("anna", ssh.PublicKeys(key)); err == nil {
		t.Error("in by the right key, from a banned address")
	}
	if _, keys := e.jobs.asked(); keys != 0 {
		t.Errorf("%d failures of a banned address are counted", keys)
	}
}
