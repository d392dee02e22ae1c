package login

import "golang.org/x/crypto/ssh"

// algorithms are the ones offered: the library's defaults still hold SHA-1, and ChaCha20, which every OpenSSH client would
// choose, costs twice the CPU of AES. Debian's ssh-audit finds nothing to fail; TestSSHAudit says what it warns of, and why
// that stays.
func algorithms() ssh.Config {
	return ssh.Config{
		KeyExchanges: []string{
			ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519,
			ssh.KeyExchangeDH16SHA512, ssh.KeyExchangeDH14SHA256, // programs without Curve25519, such as older libssh2
		},
		Ciphers: []string{
			ssh.CipherAES128GCM, ssh.CipherAES256GCM, ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR,
		},
		// The last one authenticates before it encrypts, and is the only one that libssh2 knew before 1.11: curl on
		// Debian 12, and what is built into cameras.
		MACs: []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM, ssh.HMACSHA256},
	}
}

// nistCurves are not offered unless an operator asks for them: ssh-audit fails a server for them, and what they are
// needed for is old, such as JSch 0.1 and libssh2 without OpenSSL.
func nistCurves() []string { return []string{ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384} }

// offered answers the host keys that clients are shown: those on NIST curves only when they are asked for, or when there
// is no other.
func offered(keys []ssh.Signer, nist bool) []ssh.Signer {
	var list []ssh.Signer
	for _, key := range keys {
		switch key.PublicKey().Type() {
		case ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
			if !nist {
				continue
			}
		}
		list = append(list, key)
	}
	if len(list) == 0 {
		return keys
	}
	return list
}

// keyAlgorithms are the ones that a user may sign with.
func keyAlgorithms() []string {
	return []string{
		ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoSKECDSA256, ssh.KeyAlgoECDSA384,
		ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
	}
}

// withoutSHA1 keeps an RSA host key from signing the old way.
func withoutSHA1(key ssh.Signer) ssh.Signer {
	algorithmSigner, ok := key.(ssh.AlgorithmSigner)
	if !ok || key.PublicKey().Type() != ssh.KeyAlgoRSA {
		return key
	}
	restricted, err := ssh.NewSignerWithAlgorithms(algorithmSigner, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256})
	if err != nil { // it cannot: then it stays as it was restricted before
		return key
	}
	return restricted
}
