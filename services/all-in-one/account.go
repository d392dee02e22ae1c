package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

var accountTable = table[*jobsv1.Account]{
	head: "ACCOUNT\tNAME",
	row:  func(a *jobsv1.Account) string { return a.GetSlug() + "\t" + a.GetName() },
	json: func(a *jobsv1.Account) any {
		return struct {
			Slug      string     `json:"slug"`
			Name      string     `json:"name"`
			CreatedAt *time.Time `json:"createdAt,omitempty"`
		}{a.GetSlug(), a.GetName(), stamp(a.GetCreatedAt())}
	},
	none: "No account yet. Make one: filmgate account create SLUG",
}

func accountCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "account", Short: "Studios: create, list, show"}
	create := &cobra.Command{
		Use:   "create SLUG",
		Short: "Make an account; its slug (a-z, 0-9, -) never changes",
		Args:  cobra.ExactArgs(1),
	}
	name := create.Flags().String("name", "", "the studio's name (default: the slug)")
	create.RunE = func(cmd *cobra.Command, args []string) error {
		return o.connected(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
			a, err := jobsv1.NewAccountServiceClient(conn).CreateAccount(ctx, &jobsv1.CreateAccountRequest{Slug: args[0], Name: *name})
			if err != nil {
				return err
			}
			return accountTable.print(cmd.OutOrStdout(), o.json, a)
		})
	}
	list := &cobra.Command{
		Use: "list", Short: "List the accounts", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.connected(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
				accounts, err := allPages(func(token string) ([]*jobsv1.Account, string, error) {
					r, err := jobsv1.NewAccountServiceClient(conn).ListAccounts(ctx, &jobsv1.ListAccountsRequest{PageSize: 500, PageToken: token})
					return r.GetAccounts(), r.GetNextPageToken(), err
				})
				if err != nil {
					return err
				}
				return accountTable.print(cmd.OutOrStdout(), o.json, accounts...)
			})
		},
	}
	show := &cobra.Command{
		Use: "show SLUG", Short: "Show one account", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.connected(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
				a, err := jobsv1.NewAccountServiceClient(conn).GetAccount(ctx, &jobsv1.GetAccountRequest{Slug: args[0]})
				if err != nil {
					return err
				}
				return accountTable.print(cmd.OutOrStdout(), o.json, a)
			})
		},
	}
	cmd.AddCommand(jsonFlag(create, o), jsonFlag(list, o), jsonFlag(show, o))
	return cmd
}

// allPages reads a paged list to its end.
func allPages[T any](page func(token string) ([]T, string, error)) ([]T, error) {
	var all []T
	token := ""
	for {
		values, next, err := page(token)
		if err != nil {
			return nil, err
		}
		all = append(all, values...)
		if next == "" {
			return all, nil
		}
		token = next
	}
}
