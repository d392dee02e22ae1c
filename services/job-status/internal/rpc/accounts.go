package rpc

import (
	"context"
	"time"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/job-status/internal/account"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/page"
	"filmgate.dev/services/job-status/internal/text"
)

// accounts keeps the accounts of the installation.
type accounts struct {
	jobsv1.UnimplementedAccountServiceServer
	guard *guard
	store accountStore
}

type accountStore interface {
	CreateAccount(ctx context.Context, a account.Account, by audit.Actor) (account.Account, error)
	Account(ctx context.Context, slug string) (account.Account, error)
	Accounts(ctx context.Context, p page.Page) ([]account.Account, error)
}

func (s *accounts) CreateAccount(ctx context.Context, req *jobsv1.CreateAccountRequest) (*jobsv1.Account, error) {
	c, err := s.guard.asService(ctx)
	if err != nil {
		return nil, err
	}
	a, err := account.New(req.GetSlug(), req.GetName(), time.Now())
	if err != nil {
		return nil, err
	}
	if a, err = s.store.CreateAccount(ctx, a, c.actor()); err != nil {
		return nil, err
	}
	return accountProto(a), nil
}

// GetAccount answers people their own account too, also when they name none.
func (s *accounts) GetAccount(ctx context.Context, req *jobsv1.GetAccountRequest) (*jobsv1.Account, error) {
	c, err := s.guard.caller(ctx)
	if err != nil {
		return nil, err
	}
	slug := req.GetSlug()
	if slug == "" {
		slug = c.account
	}
	if !c.service && slug != c.account {
		return nil, fault.New(fault.Denied, "you do not belong to the account %q", text.Clip(slug))
	}
	a, err := s.store.Account(ctx, text.Clip(slug))
	if err != nil {
		return nil, err
	}
	return accountProto(a), nil
}

func (s *accounts) ListAccounts(ctx context.Context, req *jobsv1.ListAccountsRequest) (*jobsv1.ListAccountsResponse, error) {
	if _, err := s.guard.asService(ctx); err != nil {
		return nil, err
	}
	p, err := page.Parse(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	list, err := s.store.Accounts(ctx, p)
	if err != nil {
		return nil, err
	}
	answer := &jobsv1.ListAccountsResponse{NextPageToken: page.Next(p, list, func(a account.Account) string { return a.Slug })}
	for _, a := range list {
		answer.Accounts = append(answer.Accounts, accountProto(a))
	}
	return answer, nil
}
