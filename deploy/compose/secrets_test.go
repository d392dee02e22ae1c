package compose

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/nats-io/nkeys"
	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := makeOnce(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// secrets answers a folder that secrets.sh has filled, once for all tests; they read it.
func secrets(t *testing.T) string {
	t.Helper()
	dir, err := makeOnce()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var makeOnce = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "filmgate secrets ")
	if err != nil {
		return "", err
	}
	return dir, makeSecrets(dir)
})

func makeSecrets(dir string) error {
	if out, err := exec.Command("./secrets.sh", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("secrets.sh: %w\n%s", err, out)
	}
	return nil
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Run again, it changes nothing, and it makes again what is lost, alone.
func TestSecretsAreMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder")
	if err := makeSecrets(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	all := func() map[string]string {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, file := range files {
			got[file.Name()] = read(t, dir, file.Name())
		}
		return got
	}
	before := all()
	if err := os.Remove(filepath.Join(dir, "service-token")); err != nil {
		t.Fatal(err)
	}
	if err := makeSecrets(dir); err != nil {
		t.Fatal(err)
	}
	after := all()
	for name, content := range before {
		if (after[name] == content) == (name == "service-token") {
			t.Errorf("%s was %q, is %q", name, content, after[name])
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d files, then %d", len(before), len(after))
	}
}

func TestCertificatesNameTheirServices(t *testing.T) {
	dir := secrets(t)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(read(t, dir, "tls-ca"))) {
		t.Fatal("tls-ca holds no certificate")
	}
	for _, service := range []string{"sftp-edge", "job-status", "album-mapper", "studio", "operator"} {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls-"+service+"-cert"), filepath.Join(dir, "tls-"+service+"-key"))
		if err != nil {
			t.Fatal(err)
		}
		for _, use := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: service, Roots: pool, KeyUsages: []x509.ExtKeyUsage{use}}); err != nil {
				t.Errorf("%s: %v", service, err)
			}
		}
	}
}

func TestHostKeysAreKeys(t *testing.T) {
	dir := secrets(t)
	for kind, want := range map[string]string{"ed25519": "ssh-ed25519", "ecdsa": "ecdsa-sha2-nistp256", "rsa": "ssh-rsa"} {
		key, err := ssh.ParsePrivateKey([]byte(read(t, dir, "host-key-"+kind)))
		if err != nil || key.PublicKey().Type() != want {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if kind == "ed25519" && read(t, dir, "host-key-fingerprint") != ssh.FingerprintSHA256(key.PublicKey()) {
			t.Errorf("the fingerprint is %q, not %q", read(t, dir, "host-key-fingerprint"), ssh.FingerprintSHA256(key.PublicKey()))
		}
	}
}

// The script spells nkeys by itself; the library must read them, and find the same public half.
func TestNkeysAreNkeys(t *testing.T) {
	dir := secrets(t)
	for _, user := range []string{"sftp-edge", "job-status", "album-mapper", "processing", "studio", "provision", "restore", "smoke", "listener"} {
		pair, err := nkeys.FromSeed([]byte(read(t, dir, "nats-"+user)))
		if err != nil {
			t.Errorf("%s: %v", user, err)
			continue
		}
		public, err := pair.PublicKey()
		if err != nil || !nkeys.IsValidPublicUserKey(public) || public != read(t, dir, "nats-"+user+"-public") {
			t.Errorf("%s: %q, %v; written was %q", user, public, err, read(t, dir, "nats-"+user+"-public"))
		}
	}
}
