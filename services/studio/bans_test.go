package studio_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio"
)

func (f *jobStatus) admin(ctx context.Context) error {
	user, err := f.caller(ctx)
	if err == nil && user.GetRole() != jobsv1.Role_ROLE_ADMIN {
		return fault.New(fault.Denied, "only an administrator may see and lift bans")
	}
	return err
}

func (f *jobStatus) ListBans(ctx context.Context, _ *jobsv1.ListBansRequest) (*jobsv1.ListBansResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.admin(ctx); err != nil {
		return nil, err
	}
	return &jobsv1.ListBansResponse{Bans: f.bans}, nil
}

func (f *jobStatus) LiftBan(ctx context.Context, r *jobsv1.LiftBanRequest) (*jobsv1.Ban, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.admin(ctx); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(f.bans, func(b *jobsv1.Ban) bool { return b.GetNetwork() == r.GetNetwork() })
	if i < 0 {
		return nil, fault.New(fault.NotFound, "the address is not banned")
	}
	lifted := f.bans[i]
	f.bans = slices.Delete(f.bans, i, i+1)
	return lifted, nil
}

func TestBansAreShownAndLifted(t *testing.T) {
	w := newWorld(t, studio.Config{})
	until := timestamppb.New(time.Now().Add(time.Hour))
	w.jobs.bans = []*jobsv1.Ban{
		{Network: "203.0.113.9", Until: until, UserName: "<mia>", Times: 1},
		{Network: "2001:db8:1:2::/64", Until: until, UserName: "mia", Times: 1},
	}
	b := w.signedIn("ada@example.org")
	b.get("/activity").wants(t, http.StatusOK, "Kept out", "203.0.113.9", "2001:db8:1:2::/64", "&lt;mia&gt;")
	b.get("/activity?user=x").lacks(t, "Kept out")
	b.post("/bans/lift", "network", "2001:db8:1:2::/64").wants(t, http.StatusOK, "The ban is lifted", "203.0.113.9")
	b.get("/activity").lacks(t, "2001:db8:1:2::/64")
	b.post("/bans/lift", "network", "2001:db8:1:2::/64").wants(t, http.StatusOK, "The ban is lifted") // pressed twice
	b.do(mustRequest(t, w.url+"/bans/lift"), []string{"Sec-Fetch-Site", "cross-site"}).wants(t, http.StatusForbidden, "another site")

	w.addUser("demo", "ben@example.org", "Ben", jobsv1.Role_ROLE_INDIVIDUAL, "users", "jobs")
	ben := w.signedIn("ben@example.org")
	ben.get("/activity").wants(t, http.StatusOK)
	ben.get("/activity").lacks(t, "Kept out")
	ben.post("/bans/lift", "network", "203.0.113.9").wants(t, http.StatusForbidden, "nly an administrator")
	if len(w.jobs.bans) != 1 {
		t.Errorf("bans: %v", w.jobs.bans)
	}
}

func mustRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	must(t, err)
	return request
}
