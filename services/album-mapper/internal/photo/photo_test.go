package photo

import (
	"slices"
	"testing"
	"time"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"

	"filmgate.dev/services/album-mapper/internal/place"
)

func landed(version string, revision int64) files.Entry {
	return files.Entry{ID: "p", Upload: version, Parent: "f", Name: "x.jpg", Revision: revision}
}

func TestStates(t *testing.T) {
	type step = func(*Photo) bool
	version := func(v string) step { return func(p *Photo) bool { p.Learn(landed(v, 1), place.Claim{}); return true } }
	processed := func(v string) step {
		return func(p *Photo) bool { return p.Processed(events.PhotoProcessed{Version: v}, time.UnixMilli(1)) }
	}
	rejected := func(v string, attempt int) step {
		return func(p *Photo) bool { return p.Rejected(events.PhotoRejected{Version: v, Attempt: attempt}) }
	}
	no := func(s step) step { return func(p *Photo) bool { return !s(p) } }
	retry := func(p *Photo) bool { return p.Retry() }
	for name, test := range map[string]struct {
		steps  []step
		want   State
		result string
	}{
		"landed":                           {[]step{version("1")}, Processing, ""},
		"ready":                            {[]step{version("1"), processed("1")}, Ready, "1"},
		"answered twice":                   {[]step{version("1"), processed("1"), no(processed("1"))}, Ready, "1"},
		"failed":                           {[]step{version("1"), rejected("1", 1)}, Failed, ""},
		"failed after all":                 {[]step{version("1"), processed("1"), no(rejected("1", 1))}, Ready, "1"},
		"ready after all":                  {[]step{version("1"), rejected("1", 1), processed("1")}, Ready, "1"},
		"tried again":                      {[]step{version("1"), rejected("1", 1), retry, no(rejected("1", 1))}, Processing, ""},
		"failed again":                     {[]step{version("1"), rejected("1", 1), retry, rejected("1", 2)}, Failed, ""},
		"only a failed one is tried again": {[]step{version("1"), no(retry), processed("1"), no(retry)}, Ready, "1"},
		"overwritten":                      {[]step{version("1"), processed("1"), version("2")}, Processing, "1"},
		"an old answer":                    {[]step{version("1"), version("2"), no(processed("1")), no(rejected("1", 1))}, Processing, ""},
		"overwritten by what fails":        {[]step{version("1"), processed("1"), version("2"), rejected("2", 1)}, Failed, ""},
		"overwritten and ready":            {[]step{version("1"), processed("1"), version("2"), processed("2")}, Ready, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			var p Photo
			for i, step := range test.steps {
				if !step(&p) {
					t.Errorf("step %d", i)
				}
			}
			result := ""
			if p.Result != nil {
				result = p.Result.Version
			}
			if p.State != test.want || result != test.result {
				t.Errorf("is %s and shows %q", p.State, result)
			}
		})
	}
}

func TestTell(t *testing.T) {
	p := &Photo{Standing: place.Standing{State: place.Here}}
	at := Spot{Album: "a", Section: events.SectionGroup, Name: "x.jpg"}
	told := func(want ...string) {
		t.Helper()
		var got []string
		for _, n := range p.Tell(at, 0) {
			got = append(got, string(n.Type)+":"+n.Version)
		}
		if !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		if again := p.Tell(at, 0); len(again) > 0 {
			t.Errorf("told again: %v", again)
		}
	}
	p.Learn(landed("1", 1), place.Claim{})
	told("photo.mapped:1:1")
	p.Learn(landed("1", 2), place.Claim{}) // a touch
	told()
	p.Processed(events.PhotoProcessed{Version: "1"}, time.UnixMilli(1))
	told("photo.ingested:1")
	p.Learn(landed("2", 3), place.Claim{})
	told("photo.mapped:2:1")
	p.Rejected(events.PhotoRejected{Version: "2", Attempt: 1})
	told("photo.failed:2")
	p.Retry()
	told("photo.mapped:2:2")
	p.Rejected(events.PhotoRejected{Version: "2", Attempt: 2})
	told("photo.failed:2:2")
	p.Retry()
	p.Standing.State = place.Gone
	p.Standing.Until = place.Fence{Sequence: 9}
	told() // perhaps it only moved
	p.Standing.Until = place.Fence{}
	told("file.removed:3", "photo.removed:3")
	p.Processed(events.PhotoProcessed{Version: "2"}, time.UnixMilli(1))
	told() // not while it is in the trash
	p.Standing.State = place.Here
	p.Learn(landed("2", 5), place.Claim{})
	told("photo.restored:5", "photo.updated:2")
	at.Section = events.SectionIndividuals
	told("photo.moved:5")
}
