package sftpedge_test

import (
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	sftpedge "filmgate.dev/services/sftp-edge"
)

// offers answers whether a login succeeds with these algorithms only; it fails the test if it fails for another reason.
func (e *edge) offers(what string, only ssh.Config, hostKeys ...string) bool {
	e.t.Helper()
	conn, err := ssh.Dial("tcp", e.addr, &ssh.ClientConfig{
		Config: only, User: "anna", Auth: []ssh.AuthMethod{ssh.Password("secret")},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), HostKeyAlgorithms: hostKeys,
	})
	if err == nil {
		conn.Close()
		return true
	}
	if !strings.Contains(err.Error(), "no common algorithm") {
		e.t.Errorf("%s: %v", what, err)
	}
	return false
}

func TestOnlyStrongAlgorithms(t *testing.T) {
	e := start(t)
	for name, weak := range map[string]ssh.Config{
		"chacha20":      {Ciphers: []string{ssh.CipherChaCha20Poly1305}},
		"cbc":           {Ciphers: []string{ssh.InsecureCipherAES128CBC}},
		"sha1 exchange": {KeyExchanges: []string{ssh.InsecureKeyExchangeDH14SHA1, ssh.InsecureKeyExchangeDHGEXSHA1}},
		"sha1 mac":      {Ciphers: []string{ssh.CipherAES128CTR}, MACs: []string{ssh.HMACSHA1, ssh.InsecureHMACSHA196}},
		"nist curves":   {KeyExchanges: []string{ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384, ssh.KeyExchangeECDHP521}},
	} {
		if e.offers(name, weak) {
			t.Errorf("%s is offered", name)
		}
	}
	for _, key := range []string{ssh.KeyAlgoRSA, ssh.KeyAlgoECDSA256} {
		if e.offers(key, ssh.Config{}, key) {
			t.Errorf("%s is offered", key)
		}
	}
	for _, key := range []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512} {
		if !e.offers(key, ssh.Config{}, key) {
			t.Errorf("%s is not offered", key)
		}
	}
	// What programs that are not the newest have: older libssh2 and paramiko, PuTTY, phpseclib.
	for name, old := range map[string]ssh.Config{
		"libssh2 1.10":  {KeyExchanges: []string{ssh.KeyExchangeDH14SHA256}, Ciphers: []string{ssh.CipherAES256CTR}, MACs: []string{ssh.HMACSHA256}},
		"paramiko 2.12": {KeyExchanges: []string{ssh.KeyExchangeDH16SHA512}, Ciphers: []string{ssh.CipherAES128CTR}, MACs: []string{ssh.HMACSHA256ETM}},
		"PuTTY 0.78":    {KeyExchanges: []string{ssh.KeyExchangeCurve25519}, Ciphers: []string{ssh.CipherAES256CTR}, MACs: []string{ssh.HMACSHA256ETM}},
	} {
		if !e.offers(name, old) {
			t.Errorf("%s gets no connection", name)
		}
	}
}

// JSch 0.1.55, and libssh2 without OpenSSL.
func TestNISTCurvesWhenAskedFor(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.NISTCurves = true })
	for _, kex := range []string{ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384, ssh.KeyExchangeCurve25519} {
		if !e.offers(kex, ssh.Config{KeyExchanges: []string{kex}, Ciphers: []string{ssh.CipherAES128CTR}, MACs: []string{ssh.HMACSHA256}}, ssh.KeyAlgoECDSA256) {
			t.Errorf("%s is not offered", kex)
		}
	}
}

// tolerated are the warnings of Debian's ssh-audit that stay, and why.
var tolerated = map[string]string{
	"mlkem768x25519-sha256 unknown algorithm":        "OpenSSH 9.9 and later choose it first, against recorded traffic and quantum computers; Debian's ssh-audit is older",
	"kex-strict-s-v00@openssh.com unknown algorithm": "the answer to the Terrapin attack, which OpenSSH 9.6 and later ask for; Debian's ssh-audit is older",
	"hmac-sha2-256 using encrypt-and-MAC mode":       "the only one that libssh2 before 1.11 has in common with us: curl on Debian 12, and cameras. OpenSSH never chooses it",
}

// Debian's ssh-audit finds nothing to fail, and warns of nothing but what is tolerated.
func TestSSHAudit(t *testing.T) {
	need(t, "ssh-audit", "ssh-audit")
	e := start(t)
	host, port, err := net.SplitHostPort(e.addr)
	must(t, err)
	out, err := exec.CommandContext(t.Context(), "ssh-audit", "-n", "-p", port, host).CombinedOutput()
	if len(out) == 0 {
		t.Fatal(err) // its exit code speaks of warnings, too
	}
	for _, word := range []string{"(kex) curve25519-sha256 ", "(key) ssh-ed25519 ", "(enc) aes128-gcm@openssh.com ", "(mac) hmac-sha2-256-etm@openssh.com ", "(kex) kex-strict-s-v00@openssh.com "} {
		if !strings.Contains(string(out), word) {
			t.Errorf("the audit knows nothing of %s", word)
		}
	}
	var algorithm string
	named, remark := regexp.MustCompile(`^\((?:kex|key|enc|mac)\) (\S+)`), regexp.MustCompile(`\[(fail|warn)\] (.*\S)`)
	var seen []string
	for line := range strings.Lines(string(out)) {
		if m := named.FindStringSubmatch(line); m != nil {
			algorithm = m[1]
		}
		m := remark.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		finding := fmt.Sprintf("%s %s", algorithm, m[2])
		if m[1] == "fail" || tolerated[finding] == "" {
			t.Errorf("[%s] %s", m[1], finding)
		}
		seen = append(seen, finding)
	}
	for finding := range tolerated {
		if !slices.Contains(seen, finding) {
			t.Logf("%q is warned of no more: a newer ssh-audit?", finding)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
