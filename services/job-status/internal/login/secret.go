package login

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"
)

// readable has no characters that look alike: 31 of them, so a generated password has 79 bits.
const readable = "abcdefghjkmnpqrstuvwxyz23456789"

// GeneratePassword makes a strong password that can be read out on the phone, such as "k3fp-9xwa-m2hd-t7ve".
func GeneratePassword() string {
	var b strings.Builder
	for i := range 16 {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(readable))))
		if err != nil {
			panic(err) // crypto/rand never fails on supported systems
		}
		b.WriteByte(readable[n.Int64()])
	}
	return b.String()
}

// NewToken makes the secret that a signed-in browser carries.
func NewToken() string { return "fgs_" + base64.RawURLEncoding.EncodeToString(random(32)) }

// HashToken answers what is stored of a token. It needs no salt and no work: a token is random.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
