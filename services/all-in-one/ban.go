package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

var banTable = table[*jobsv1.Ban]{
	head: "ADDRESS\tSINCE\tUNTIL\tTIMES\tLAST TRIED\tACCOUNT",
	row: func(b *jobsv1.Ban) string {
		clock := func(t time.Time) string { return t.Local().Format(time.DateTime) }
		return fmt.Sprintf("%s\t%s\t%s\t%d\t%s\t%s", b.GetNetwork(), clock(b.GetSince().AsTime()), clock(b.GetUntil().AsTime()), b.GetTimes(), b.GetUserName(), orDash(b.GetAccount()))
	},
	json: func(b *jobsv1.Ban) any {
		return struct {
			Network  string     `json:"network"`
			Since    *time.Time `json:"since"`
			Until    *time.Time `json:"until"`
			Times    int32      `json:"times"`
			UserName string     `json:"userName"`
			Account  string     `json:"account,omitempty"`
		}{b.GetNetwork(), stamp(b.GetSince()), stamp(b.GetUntil()), b.GetTimes(), b.GetUserName(), b.GetAccount()}
	},
	none: "No address is banned.",
}

func banCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ban",
		Short: "Addresses that may not log in over SFTP: list, lift",
		Long: `Too many failed SFTP logins ban the address they came from for a while; users are never
locked out. Connections that are open already go on.

Whose address must never be banned, such as an office's, is set where job-status (or
filmgate run) starts: FILMGATE_LOGIN_NEVER_BANNED=203.0.113.9,198.51.100.0/24`,
	}
	list := &cobra.Command{
		Use: "list", Short: "List the bans that are running", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.connected(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
				bans, err := allPages(func(token string) ([]*jobsv1.Ban, string, error) {
					r, err := jobsv1.NewBanServiceClient(conn).ListBans(ctx, &jobsv1.ListBansRequest{PageSize: 500, PageToken: token})
					return r.GetBans(), r.GetNextPageToken(), err
				})
				if err != nil {
					return err
				}
				return banTable.print(cmd.OutOrStdout(), o.json, bans...)
			})
		},
	}
	lift := &cobra.Command{
		Use:   "lift ADDRESS",
		Short: "End a ban; the SFTP servers hear of it within ten seconds",
		Example: `  filmgate ban lift 203.0.113.9
  filmgate ban lift 2001:db8:1:2::/64`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.connected(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
				b, err := jobsv1.NewBanServiceClient(conn).LiftBan(ctx, &jobsv1.LiftBanRequest{Network: args[0]})
				if err != nil {
					return err
				}
				return banTable.print(cmd.OutOrStdout(), o.json, b)
			})
		},
	}
	cmd.AddCommand(jsonFlag(list, o), jsonFlag(lift, o))
	return cmd
}
