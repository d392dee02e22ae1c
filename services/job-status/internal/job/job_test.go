package job_test

import (
	"strings"
	"testing"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/job-status/internal/job"
)

func TestStatusMachine(t *testing.T) {
	may := map[string]bool{
		"PLANNING SELLING": true, "PLANNING PREPAY": true, "PLANNING ARCHIVED": true,
		"SELLING PLANNING": true, "SELLING PREPAY": false, "SELLING ARCHIVED": true,
		"PREPAY PLANNING": true, "PREPAY SELLING": true, "PREPAY ARCHIVED": true,
		"ARCHIVED PLANNING": true, "ARCHIVED SELLING": true, "ARCHIVED PREPAY": false,
		"PLANNING PLANNING": true, "SELLING SELLING": true, "PREPAY PREPAY": true, "ARCHIVED ARCHIVED": true,
		"PLANNING NONSENSE": false,
	}
	for step, want := range may {
		from, to, _ := strings.Cut(step, " ")
		j := job.Job{InternalName: "JOB00001", Status: job.Status(from)}
		err := j.MoveTo(job.Status(to))
		if want && (err != nil || j.Status != job.Status(to)) {
			t.Errorf("%s: %v, now %s", step, err, j.Status)
		}
		if !want && (!fault.Is(err, fault.Invalid) || j.Status != job.Status(from)) {
			t.Errorf("%s: %v, now %s", step, err, j.Status)
		}
	}
	j := job.Job{InternalName: "JOB00001", Status: job.Selling}
	if got, want := fault.Message(j.MoveTo(job.Prepay)), "JOB00001 is SELLING and cannot become PREPAY; from there it can become PLANNING or ARCHIVED"; got != want {
		t.Errorf("words: %q", got)
	}
}

func TestInternalNames(t *testing.T) {
	for _, good := range []string{"J", "JOB00001", "a-b_c", "0", strings.Repeat("x", 64)} {
		if _, err := job.ParseInternalName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "-a", "a-", "_", "a b", "a/b", "ä", "..", "a\x00", "a\n", strings.Repeat("x", 65)} {
		if _, err := job.ParseInternalName(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q passed: %v", bad, err)
		}
	}
}

func TestNewJobsStartInPlanning(t *testing.T) {
	j, err := job.New("id", "demo", "JOB00001", "", time.Unix(1, 0))
	if err != nil || j.Status != job.Planning || j.Name != "JOB00001" || j.Revision != 1 {
		t.Errorf("%+v, %v", j, err)
	}
	if _, err := job.New("id", "demo", "JOB00001", strings.Repeat("ä", 201), time.Unix(1, 0)); !fault.Is(err, fault.Invalid) {
		t.Errorf("a name of 201 characters: %v", err)
	}
}
