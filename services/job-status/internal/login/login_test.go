package login_test

import (
	"regexp"
	"strings"
	"testing"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/job-status/internal/login"
)

func TestPasswords(t *testing.T) {
	p := login.NewPasswords()
	hash, err := p.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(hash, "correct") {
		t.Errorf("stored as %q", hash)
	}
	if again, _ := p.Hash(t.Context(), "correct horse"); again == hash {
		t.Error("two hashes of one password are equal: no salt")
	}
	for _, c := range []struct {
		hash, password string
		want           bool
	}{
		{hash, "correct horse", true},
		{hash, "correct horsf", false},
		{hash, "", false},
		{"", "correct horse", false},
		{"", "", false},
		{hash, strings.Repeat("x", 100_000), false},
	} {
		if got, err := p.Matches(t.Context(), c.hash, c.password); err != nil || got != c.want {
			t.Errorf("%.20q, %.20q: %v, %v; want %v", c.hash, c.password, got, err, c.want)
		}
	}
	// Parameters come from the hash: older, cheaper ones go on working.
	const old = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$YjDuEIhZTOXyi3IBA4qwyCD81xXWEBMAtVkWPaJFtfI"
	if _, err := p.Matches(t.Context(), old, "x"); err != nil {
		t.Errorf("an old hash: %v", err)
	}
	for _, bad := range []string{
		"plain", "$argon2id$v=19$m=99999999,t=1,p=1$c29tZXNhbHQ$YjDuEIhZTOXyi3IBA4qwyA", "$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$YjDuEIhZTOXyi3IBA4qwyA",
		"$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$YjDuEIhZTOXyi3IBA4qwyA", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$",
	} {
		if ok, err := p.Matches(t.Context(), bad, "x"); ok || err == nil {
			t.Errorf("%q: %v, %v", bad, ok, err)
		}
	}
}

func TestBadPasswordsAreRefusedInWords(t *testing.T) {
	p := login.NewPasswords()
	for _, bad := range []string{"", "1234567", "line\nbreak", strings.Repeat("x", 257), "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"} {
		if _, err := p.Hash(t.Context(), bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func TestGeneratedSecrets(t *testing.T) {
	form := regexp.MustCompile(`^[a-hjkmnp-z2-9]{4}(-[a-hjkmnp-z2-9]{4}){3}$`)
	seen := map[string]bool{}
	for range 1000 {
		password := login.GeneratePassword()
		if !form.MatchString(password) || seen[password] {
			t.Fatalf("generated %q", password)
		}
		seen[password] = true
	}
	token := login.NewToken()
	if len(token) < 40 || token == login.NewToken() || login.HashToken(token) == token || len(login.HashToken(token)) != 64 {
		t.Errorf("token %q", token)
	}
}
