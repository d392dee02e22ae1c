package progress

import (
	"testing"

	"filmgate.dev/pkg/events"
)

func TestOnlyNewsIsTold(t *testing.T) {
	told := map[string]int64{}
	at := func(job, id string, bytes int64, done bool) Upload {
		return Upload{Account: "demo", JobID: job, UploadProgress: events.UploadProgress{UploadID: id, Bytes: bytes, Done: done}}
	}
	for i, c := range []struct {
		uploads []Upload
		jobs    int
	}{
		{[]Upload{at("J1", "A", 0, false), at("J2", "B", 5, false)}, 2},
		{[]Upload{at("J1", "A", 0, false), at("J2", "B", 9, false)}, 1},
		{[]Upload{at("J1", "A", 0, false), at("J2", "B", 9, false)}, 0},
		{[]Upload{at("J1", "A", 0, true)}, 1},
		{nil, 0},
	} {
		if got := changed(c.uploads, told); len(got) != c.jobs {
			t.Errorf("step %d: %v", i, got)
		}
	}
	if len(told) != 0 {
		t.Error("ended uploads are remembered:", told)
	}
	var many []Upload
	for i := range 150 {
		many = append(many, at("J1", string(rune('A'+i)), 1, false))
	}
	got := changed(many, told)[job{"demo", "J1"}]
	if len(got) != maxUploads || got[0].UploadID != string(rune('A'+149)) {
		t.Error(len(got))
	}
}
