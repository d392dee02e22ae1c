package charts

import (
	"crypto/x509"
	"encoding/pem"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A trial is two commands: whatever Secret charts/filmgate asks for with ci/devstack-values.yaml, charts/devstack brings, with
// every key in it; and the certificates carry the names that the services call one another by.
func TestDevstackBringsWhatFilmgateAsksFor(t *testing.T) {
	secrets := inventSecrets(t)
	brought := map[string]map[string]string{}
	for _, o := range render(t, "devstack", "devstack", "-f", secrets) {
		if o.Kind == "Secret" {
			brought[o.Metadata.Name] = o.StringData
		}
	}
	asked := 0
	for _, o := range render(t, "filmgate", "filmgate", "-f", "filmgate/ci/devstack-values.yaml") {
		for _, v := range o.pod().Volumes {
			if v.Secret.SecretName == "" {
				continue
			}
			asked++
			secret, ok := brought[v.Secret.SecretName]
			if !ok {
				t.Errorf("%s %s asks for the Secret %s", o.Kind, o.Metadata.Name, v.Secret.SecretName)
			}
			for _, item := range v.Secret.Items {
				if secret[item.Key] == "" {
					t.Errorf("%s %s asks for %s in the Secret %s", o.Kind, o.Metadata.Name, item.Key, v.Secret.SecretName)
				}
			}
		}
		for _, c := range o.pod().Containers {
			for _, e := range c.Env {
				if e.Name == "FILMGATE_JOB_STATUS" || e.Name == "FILMGATE_ALBUM_MAPPER" || e.Name == "FILMGATE_SERVER" {
					checkCertificate(t, brought, e.Value)
				}
			}
		}
	}
	if asked == 0 {
		t.Error("filmgate asks for no Secret at all")
	}
}

// inventSecrets runs devstack's own script, and answers the file that it wrote.
func inventSecrets(t *testing.T) string {
	t.Helper()
	text, err := exec.Command("devstack/secrets.sh", "-namespace", "photos").Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "secrets.yaml")
	write(t, path, string(text))
	return path
}

// checkCertificate looks whether the service at this address has a certificate for it, signed by the authority beside it.
func checkCertificate(t *testing.T, secrets map[string]map[string]string, address string) {
	t.Helper()
	host, _, _ := strings.Cut(address, ":")
	service, _, _ := strings.Cut(host, ".")
	secret := secrets[service+"-tls"]
	block, _ := pem.Decode([]byte(secret["tls.crt"]))
	if block == nil {
		t.Errorf("%s has no certificate", address)
		return
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(secret["ca.crt"]))
	if _, err := certificate.Verify(x509.VerifyOptions{DNSName: host, Roots: roots}); err != nil {
		t.Errorf("%s: %v (its names are %s)", address, err, strings.Join(slices.Sorted(slices.Values(certificate.DNSNames)), ", "))
	}
}
