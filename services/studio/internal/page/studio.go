package page

import (
	"context"
	"sync"
	"time"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

const (
	namesKept    = 10 * time.Minute
	maxNames     = 1_000
	nameDeadline = time.Second
)

// studioNames remembers what the accounts call themselves, for the top of each page.
type studioNames struct {
	accounts jobsv1.AccountServiceClient

	mu    sync.Mutex
	names map[string]studioName
}

type studioName struct {
	name  string
	until time.Time
}

func newStudioNames(accounts jobsv1.AccountServiceClient) *studioNames {
	return &studioNames{accounts: accounts, names: map[string]studioName{}}
}

// name answers the account's name, or its slug where job-status does not tell: a name is no reason to fail a page.
func (s *studioNames) name(ctx context.Context, slug string) string {
	s.mu.Lock()
	known, ok := s.names[slug]
	s.mu.Unlock()
	if ok && time.Now().Before(known.until) {
		return known.name
	}
	ctx, cancel := context.WithTimeout(ctx, nameDeadline)
	defer cancel()
	name := slug
	if account, err := s.accounts.GetAccount(ctx, &jobsv1.GetAccountRequest{Slug: slug}); err == nil && account.GetName() != "" {
		name = account.GetName()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.names) >= maxNames {
		clear(s.names)
	}
	s.names[slug] = studioName{name, time.Now().Add(namesKept)}
	return name
}
