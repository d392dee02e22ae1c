package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

var userTable = table[*jobsv1.User]{
	head: "SFTP USER\tE-MAIL\tNAME\tROLE\tRIGHTS\tJOBS\tKEYS\tACTIVE",
	row: func(u *jobsv1.User) string {
		jobs, active := "assigned", "yes"
		if u.GetAllJobs() {
			jobs = "all"
		}
		switch {
		case !u.GetActive():
			active = "no"
		case u.GetSftp().GetUserName() != "" && !u.GetSftp().GetEnabled():
			active = "SFTP off"
		}
		return strings.Join([]string{orDash(u.GetSftp().GetUserName()), orDash(u.GetEmail()), u.GetDisplayName(), roleName(u.GetRole()), orDash(strings.Join(u.GetRights(), " ")), jobs, strconv.Itoa(len(u.GetSftp().GetKeys())), active}, "\t")
	},
	json: func(u *jobsv1.User) any { return userObject(u) },
	none: "No user yet. Make one: filmgate user create --sftp-user NAME",
}

type userJSON struct {
	ID          string     `json:"id"`
	Email       string     `json:"email,omitempty"`
	Name        string     `json:"name"`
	Role        string     `json:"role"`
	Rights      []string   `json:"rights"`
	AllJobs     bool       `json:"allJobs"`
	Active      bool       `json:"active"`
	SFTPUser    string     `json:"sftpUser,omitempty"`
	SFTPEnabled bool       `json:"sftpEnabled"`
	Keys        []string   `json:"keys"`
	CreatedAt   *time.Time `json:"createdAt,omitempty"`
	// Shown once, by create and password.
	WebPassword  string `json:"webPassword,omitempty"`
	SFTPPassword string `json:"sftpPassword,omitempty"`
}

func userObject(u *jobsv1.User) userJSON {
	keys := []string{}
	for _, k := range u.GetSftp().GetKeys() {
		keys = append(keys, k.GetFingerprint())
	}
	return userJSON{
		ID: u.GetId(), Email: u.GetEmail(), Name: u.GetDisplayName(), Role: roleName(u.GetRole()),
		Rights: append([]string{}, u.GetRights()...), AllJobs: u.GetAllJobs(), Active: u.GetActive(),
		SFTPUser: u.GetSftp().GetUserName(), SFTPEnabled: u.GetSftp().GetEnabled(), Keys: keys, CreatedAt: stamp(u.GetCreatedAt()),
	}
}

// newUser is a user with passwords that are shown this once.
type newUser struct {
	user         *jobsv1.User
	webPassword  string
	sftpPassword string
}

func (n newUser) print(w io.Writer, asJSON bool) error {
	if asJSON {
		t := table[newUser]{json: func(n newUser) any {
			v := userObject(n.user)
			v.WebPassword, v.SFTPPassword = n.webPassword, n.sftpPassword
			return v
		}}
		return t.print(w, true, n)
	}
	if err := userTable.print(w, false, n.user); err != nil {
		return err
	}
	if n.sftpPassword != "" {
		fmt.Fprintf(w, "\nSFTP password of %s: %s\n", n.user.GetSftp().GetUserName(), n.sftpPassword)
	}
	if n.webPassword != "" {
		fmt.Fprintf(w, "\nStudio password of %s: %s\n", n.user.GetEmail(), n.webPassword)
	}
	if n.sftpPassword+n.webPassword != "" {
		fmt.Fprintln(w, "It is shown only this once.")
	}
	return nil
}

func roleName(r jobsv1.Role) string { return strings.TrimPrefix(r.String(), "ROLE_") }

func userCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Users: create, list, show, on, off, password, key",
		Long: `A user is a person of an account: with an e-mail address for the studio page, with an
SFTP user name for uploads, or both. Wherever a user is asked for, the id, the e-mail
address and the SFTP user name all do.`,
	}
	for _, c := range []*cobra.Command{
		userCreateCommand(o), userListCommand(o),
		userAction(o, "show USER", "Show one user", func(_ context.Context, _ jobsv1.UserServiceClient, u *jobsv1.User) (newUser, error) {
			return newUser{user: u}, nil
		}),
		userAction(o, "off USER", "Switch a user off, web and SFTP; open connections end within two seconds", setActive(false)),
		userAction(o, "on USER", "Switch a user on again", setActive(true)),
		userAction(o, "password USER", "Make a new SFTP password and show it once", func(ctx context.Context, users jobsv1.UserServiceClient, u *jobsv1.User) (newUser, error) {
			r, err := users.SetSFTPAccess(ctx, &jobsv1.SetSFTPAccessRequest{Id: u.GetId(), Enabled: true, GeneratePassword: true})
			return newUser{user: r.GetUser(), sftpPassword: r.GetGeneratedPassword()}, err
		}),
		userKeyCommand(o),
	} {
		cmd.AddCommand(jsonFlag(c, o))
	}
	return cmd
}

func userCreateCommand(o *options) *cobra.Command {
	var req jobsv1.CreateUserRequest
	var role string
	var jobs []string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a user; passwords are generated and shown once",
		Example: `  filmgate user create --sftp-user eva --name "Eva Berg" --job WEDDING-12
  filmgate user create --email tom@studio.example --role admin
  filmgate user create --sftp-user cam7 --role upload_only --all-jobs`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if req.GetEmail() == "" && req.GetSftpUserName() == "" {
				return errors.New("give the user --sftp-user for uploads, --email for the studio page, or both")
			}
			v, ok := jobsv1.Role_value["ROLE_"+strings.ToUpper(role)]
			if !ok || v == 0 {
				return fmt.Errorf("%q is not a role: say admin, individual or upload_only", role)
			}
			req.Role = jobsv1.Role(v)
			if req.GetRole() != jobsv1.Role_ROLE_INDIVIDUAL && !cmd.Flags().Changed("rights") {
				req.Rights = nil
			}
			return o.inAccount(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
				for _, name := range jobs {
					j, err := findJob(ctx, jobsv1.NewJobServiceClient(conn), name)
					if err != nil {
						return err
					}
					req.JobIds = append(req.JobIds, j.GetId())
				}
				r, err := jobsv1.NewUserServiceClient(conn).CreateUser(ctx, &req)
				if err != nil {
					return err
				}
				return newUser{r.GetUser(), r.GetGeneratedWebPassword(), r.GetGeneratedSftpPassword()}.print(cmd.OutOrStdout(), o.json)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.Email, "email", "", "e-mail address, for the studio page")
	f.StringVar(&req.SftpUserName, "sftp-user", "", "SFTP user name: a-z, 0-9, . _ -")
	f.StringVar(&req.DisplayName, "name", "", "the person's name")
	f.StringVar(&role, "role", "individual", "admin, individual or upload_only")
	f.StringSliceVar(&req.Rights, "rights", []string{"upload", "download"}, "for an individual: settings, users, jobs, photos, upload, download")
	f.BoolVar(&req.AllJobs, "all-jobs", false, "every job of the account, not only the assigned ones")
	f.StringSliceVar(&jobs, "job", nil, "assign to this job; may be given several times")
	return cmd
}

func userListCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the users", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.inAccount(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
				users, err := allPages(func(token string) ([]*jobsv1.User, string, error) {
					r, err := jobsv1.NewUserServiceClient(conn).ListUsers(ctx, &jobsv1.ListUsersRequest{PageSize: 500, PageToken: token})
					return r.GetUsers(), r.GetNextPageToken(), err
				})
				if err != nil {
					return err
				}
				return userTable.print(cmd.OutOrStdout(), o.json, users...)
			})
		},
	}
}

func userKeyCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "key USER FILE", Short: "Let a user in with a public key (a .pub file, or - for standard input)",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			line, err := readKey(cmd.InOrStdin(), args[1])
			if err != nil {
				return err
			}
			return o.inAccount(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
				users := jobsv1.NewUserServiceClient(conn)
				u, err := findUser(ctx, users, args[0])
				if err != nil {
					return err
				}
				if u, err = users.AddSSHKey(ctx, &jobsv1.AddSSHKeyRequest{Id: u.GetId(), AuthorizedKey: line}); err != nil {
					return err
				}
				return newUser{user: u}.print(cmd.OutOrStdout(), o.json)
			})
		},
	}
}

// readKey reads at most 16 KiB: no public key is longer.
func readKey(in io.Reader, path string) (string, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, 16<<10))
	return strings.TrimSpace(string(b)), err
}

// userAction is a command that does something to one user and prints it.
func userAction(o *options, use, short string, do func(context.Context, jobsv1.UserServiceClient, *jobsv1.User) (newUser, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.inAccount(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
				users := jobsv1.NewUserServiceClient(conn)
				u, err := findUser(ctx, users, args[0])
				if err != nil {
					return err
				}
				n, err := do(ctx, users, u)
				if err != nil {
					return err
				}
				return n.print(cmd.OutOrStdout(), o.json)
			})
		},
	}
}

func setActive(active bool) func(context.Context, jobsv1.UserServiceClient, *jobsv1.User) (newUser, error) {
	return func(ctx context.Context, users jobsv1.UserServiceClient, u *jobsv1.User) (newUser, error) {
		u, err := users.SetUserActive(ctx, &jobsv1.SetUserActiveRequest{Id: u.GetId(), Active: active})
		return newUser{user: u}, err
	}
}

func findUser(ctx context.Context, users jobsv1.UserServiceClient, name string) (*jobsv1.User, error) {
	req := &jobsv1.GetUserRequest{Key: &jobsv1.GetUserRequest_SftpUserName{SftpUserName: name}}
	if strings.Contains(name, "@") {
		req.Key = &jobsv1.GetUserRequest_Email{Email: name}
	} else if _, err := ulid.ParseStrict(name); err == nil {
		req.Key = &jobsv1.GetUserRequest_Id{Id: name}
	}
	return users.GetUser(ctx, req)
}
