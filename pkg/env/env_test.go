package env_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/fault"
)

type config struct {
	Address string        `env:"FILMGATE_ADDRESS" default:"127.0.0.1:8080" help:"where pages are served"`
	Token   string        `env:"FILMGATE_TOKEN" required:"true" help:"bearer token of services"`
	Idle    time.Duration `env:"FILMGATE_IDLE" default:"15m" help:"sign out after this long"`
	Size    env.Bytes     `env:"FILMGATE_SIZE" default:"8MiB" help:"part size"`
	Names   []string      `env:"FILMGATE_NAMES" default:"a, b" help:"aliases"`
	Limits  struct {
		Workers int   `env:"FILMGATE_WORKERS" default:"4" help:"workers"`
		Big     int64 `env:"FILMGATE_BIG" help:"a big number"`
		On      bool  `env:"FILMGATE_ON" help:"a switch"`
	}
}

func from(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func TestParse(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got config
	err := env.Parse(from(map[string]string{
		"FILMGATE_TOKEN_FILE": secret, "FILMGATE_IDLE": "90s", "FILMGATE_ON": "true", "FILMGATE_BIG": "5000000000",
	}), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := config{Address: "127.0.0.1:8080", Token: "s3cret", Idle: 90 * time.Second, Size: 8 << 20, Names: []string{"a", "b"}}
	want.Limits.Workers, want.Limits.Big, want.Limits.On = 4, 5_000_000_000, true
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestAllBadSettingsAtOnce(t *testing.T) {
	var got config
	err := env.Parse(from(map[string]string{
		"FILMGATE_IDLE": "soon", "FILMGATE_SIZE": "8 elephants", "FILMGATE_WORKERS": "four", "FILMGATE_ON": "maybe",
		"FILMGATE_ADDRESS": "x", "FILMGATE_ADDRESS_FILE": "/nowhere",
	}), &got)
	if err == nil {
		t.Fatal("bad settings passed")
	}
	for _, want := range []string{
		"FILMGATE_TOKEN: is required", "FILMGATE_IDLE: \"soon\" is not a duration", "FILMGATE_SIZE: \"8 elephants\" is not a size",
		"FILMGATE_WORKERS: \"four\" is not a whole number", "FILMGATE_ON: \"maybe\"", "FILMGATE_ADDRESS: set either",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}

type pair struct {
	From string `env:"FILMGATE_FROM" help:"where it begins"`
	To   string `env:"FILMGATE_TO" help:"where it ends"`
}

func (p pair) Check() error {
	if (p.From == "") != (p.To == "") {
		return fault.New(fault.Invalid, "FILMGATE_FROM and FILMGATE_TO belong together")
	}
	return nil
}

func TestSettingsThatBelongTogether(t *testing.T) {
	var whole struct{ Outer struct{ Inner pair } }
	if err := env.Parse(from(map[string]string{"FILMGATE_FROM": "a", "FILMGATE_TO": "b"}), &whole); err != nil || whole.Outer.Inner.To != "b" {
		t.Errorf("%+v, %v", whole, err)
	}
	err := env.Parse(from(map[string]string{"FILMGATE_FROM": "a"}), &whole)
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "FILMGATE_FROM and FILMGATE_TO belong together") {
		t.Errorf("half of a pair: %v", err)
	}
}

func TestReferenceNamesEverySetting(t *testing.T) {
	var out strings.Builder
	env.Reference(&out, &config{})
	for _, want := range []string{"FILMGATE_ADDRESS (or FILMGATE_ADDRESS_FILE)", "required", "default 8MiB", "FILMGATE_WORKERS\n", "list, separated by commas"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
}

func TestParseBytes(t *testing.T) {
	good := map[string]env.Bytes{"0": 0, "4096": 4096, "8MiB": 8 << 20, "8 mib": 8 << 20, "1kB": 1000, "2GiB": 2 << 30}
	for text, want := range good {
		if got, err := env.ParseBytes(text); err != nil || got != want {
			t.Errorf("ParseBytes(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5GB", "8XB", "9999999999TiB"} {
		if got, err := env.ParseBytes(text); err == nil {
			t.Errorf("ParseBytes(%q) = %d, want an error", text, got)
		}
	}
}
