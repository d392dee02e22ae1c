package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/version"
)

// options are the settings that every command shares.
type options struct {
	data   string // the data folder of a local instance, absolute
	server string // gRPC address of a remote one
	// catalog is the address of album-mapper, where it is another one than server.
	catalog string
	token   string // bearer token for it
	ca      string // certificates that it is checked against; empty = the system's
	cert    string // certificate that it is shown, with its key
	key     string
	// plaintext allows gRPC without TLS to another machine.
	plaintext bool
	account   string // the account to act in
	json      bool
}

func rootCommand() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use:   "filmgate",
		Short: "Photographers upload over SFTP; studios see the photos.",
		Long: `Filmgate receives photographers' uploads over SFTP, sorts them into jobs, albums and
sections, makes thumbnails, and shows it all live on a studio page.

Start it:
  filmgate run                          everything in one process, data in ./filmgate-data

Then, in another terminal (the same --data, or FILMGATE_DATA, finds the instance):
  filmgate job create WEDDING-12 --name "Anna & Tom"
  filmgate user create --sftp-user eva --name "Eva Berg" --job WEDDING-12
  filmgate photo list --job WEDDING-12
  filmgate job status WEDDING-12 selling
  filmgate events tail                  what other programs hear, as it happens

Without an instance:
  filmgate pictures inspect IMG_1.jpg   what Filmgate thinks of a photo file, and makes of it`,
		Version:       version.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			// The embedded S3 server changes the working folder, so every path is made absolute here.
			dir, err := filepath.Abs(o.data)
			if err != nil {
				return err
			}
			o.data = dir
			return o.readToken()
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&o.data, "data", envOr("FILMGATE_DATA", "filmgate-data"), "data folder of the local instance (FILMGATE_DATA)")
	flags.StringVar(&o.server, "server", os.Getenv("FILMGATE_SERVER"), "gRPC address of a remote instance, host:port, or several with commas between them (FILMGATE_SERVER)")
	flags.StringVar(&o.catalog, "catalog", os.Getenv("FILMGATE_CATALOG"), "gRPC address of album-mapper where it is not that of --server, as in a cluster (FILMGATE_CATALOG)")
	flags.StringVar(&o.token, "token", "", "token for --server; better given as FILMGATE_TOKEN, or in a file that FILMGATE_TOKEN_FILE names")
	flags.StringVar(&o.ca, "ca", envOr("FILMGATE_CA", os.Getenv("FILMGATE_TLS_CA_PATH")), "certificates that --server is checked against, PEM; the system's when empty (FILMGATE_CA, FILMGATE_TLS_CA_PATH)")
	flags.StringVar(&o.cert, "cert", os.Getenv("FILMGATE_TLS_CERT_PATH"), "certificate to show to --server, PEM, where it wants one (FILMGATE_TLS_CERT_PATH)")
	flags.StringVar(&o.key, "key", os.Getenv("FILMGATE_TLS_KEY_PATH"), "key of that certificate, PEM (FILMGATE_TLS_KEY_PATH)")
	flags.BoolVar(&o.plaintext, "plaintext", os.Getenv("FILMGATE_GRPC_PLAINTEXT") == "true", "allow --server without TLS, such as inside a mesh that encrypts (FILMGATE_GRPC_PLAINTEXT=true)")
	flags.Lookup("plaintext").DefValue = "false"
	flags.StringVar(&o.account, "account", os.Getenv("FILMGATE_ACCOUNT"), "account to act in; needed when there are several (FILMGATE_ACCOUNT)")

	root.AddCommand(runCommand(o), provisionCommand(), smokeCommand(), accountCommand(o), userCommand(o), jobCommand(o), photoCommand(o), picturesCommand(o), banCommand(o), eventsCommand(o), moveCommand(o), rebuildCommand(), idleCommand())
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n") // as the services say it
	root.CompletionOptions.HiddenDefaultCmd = true
	explainUse(root)
	return root
}

// readToken takes the token of --server from the environment, or from the file that is named there.
func (o *options) readToken() error {
	if o.server == "" || o.token != "" {
		return nil
	}
	var given struct {
		Token string `env:"FILMGATE_TOKEN"`
	}
	if err := env.Parse(os.LookupEnv, &given); err != nil {
		return err
	}
	o.token = given.Token
	return nil
}

// explainUse has every command answer wrong use with the right one: a group otherwise takes a subcommand that it does not
// know for a wish to read its help, and a script goes on.
func explainUse(cmd *cobra.Command) {
	if cmd.HasParent() && cmd.HasSubCommands() {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return fmt.Errorf("unknown command %q; see `%s --help`", args[0], cmd.CommandPath())
		}
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return fmt.Errorf("%w; use: %s", err, cmd.UseLine())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		explainUse(sub)
	}
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
