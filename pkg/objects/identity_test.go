package objects

import (
	"errors"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"filmgate.dev/pkg/fault"
)

// service hands out keys that hold for an hour, or is away.
type service struct {
	credentials.Expiry
	clock *time.Time
	given int
	away  error
}

func (s *service) Retrieve() (credentials.Value, error) { return s.RetrieveWithCredContext(nil) }

func (s *service) RetrieveWithCredContext(*credentials.CredContext) (credentials.Value, error) {
	if s.away != nil {
		return credentials.Value{}, s.away
	}
	s.given++
	return credentials.Value{AccessKeyID: string(rune('a' + s.given - 1)), Expiration: s.clock.Add(time.Hour)}, nil
}

// TestKeysAreUsedWhileTheyHold follows keys for an hour and a half in which nobody renews them for most of the time.
func TestKeysAreUsedWhileTheyHold(t *testing.T) {
	clock := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	source := &service{clock: &clock}
	r := &renewed{source: source}
	r.CurrentTime = func() time.Time { return clock }
	keys := credentials.New(r)
	start := clock
	away := errors.New("away")
	for _, step := range []struct {
		minute, second int
		away           error
		want           string // "" is an error
	}{
		{0, 0, away, ""}, // never had any
		{0, 1, nil, "a"},
		{47, 0, nil, "a"},
		{49, 0, away, "a"}, // due, and refused: still good
		{58, 50, away, "a"},
		{59, 2, away, ""}, // the last minute is not used
		{60, 0, nil, "b"},
		{107, 0, nil, "b"},
		{109, 0, away, "b"},
		{109, 10, nil, "b"}, // asked again after half a minute only
		{109, 31, nil, "c"},
	} {
		clock = start.Add(time.Duration(step.minute)*time.Minute + time.Duration(step.second)*time.Second)
		source.away = step.away
		got, err := keys.GetWithContext(nil)
		if (err != nil) != (step.want == "") || got.AccessKeyID != step.want {
			t.Errorf("after %d:%02d: %q, %v; want %q", step.minute, step.second, got.AccessKeyID, err, step.want)
		}
	}
}

func TestCheckSettings(t *testing.T) {
	for _, test := range []struct {
		config Config
		fine   bool
	}{
		{Config{}, false},
		{Config{AccessKey: "a"}, false},
		{Config{SecretKey: "s"}, false},
		{Config{AccessKey: "a", SecretKey: "s"}, true},
		{Config{AccessKey: "a", TokenFile: "/token"}, false},
		{Config{TokenFile: "/token"}, true},
		{Config{KeysURI: "http://169.254.170.23/v1/credentials"}, true},
		{Config{Role: "arn:aws:iam::1:role/edge"}, false},
	} {
		if err := test.config.Check(); (err == nil) != test.fine || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", test.config, err)
		}
	}
}
