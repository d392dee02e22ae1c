package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"time"
)

// Certificate and its key, PEM.
type Certificate struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// year is how long a trial may last.
const year = 365 * 24 * time.Hour

// certificates are one for each service that speaks gRPC, for both directions, signed by an authority whose key is forgotten.
func certificates(release, namespace, domain string) (ca string, _ map[string]Certificate, _ error) {
	// As the chart names its objects: the release, and the chart's name unless the release has it already.
	fullname := release
	if !strings.Contains(release, "filmgate") {
		fullname += "-filmgate"
	}
	authority, authorityKey, ca, err := newAuthority()
	if err != nil {
		return "", nil, err
	}
	out := map[string]Certificate{}
	for i, service := range []string{"sftp-edge", "job-status", "album-mapper", "studio", "smoke"} {
		name := fullname + "-" + service
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i) + 2),
			Subject:      pkix.Name{CommonName: service},
			DNSNames:     []string{service, name, name + "." + namespace, name + "." + namespace + ".svc", name + "." + namespace + ".svc." + domain},
			NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(year),
			KeyUsage:    x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return "", nil, err
		}
		der, err := x509.CreateCertificate(rand.Reader, template, authority, &key.PublicKey, authorityKey)
		if err != nil {
			return "", nil, err
		}
		private, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return "", nil, err
		}
		out[service] = Certificate{Certificate: encode("CERTIFICATE", der), Key: encode("PRIVATE KEY", private)}
	}
	return ca, out, nil
}

func newAuthority() (*x509.Certificate, *ecdsa.PrivateKey, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "filmgate devstack"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(year),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, "", err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, encode("CERTIFICATE", der), err
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
