package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// options are the settings that every command shares.
type options struct {
	data   string // the data folder of a local instance, absolute
	server string // gRPC address of a remote one
	token  string // bearer token for it
	ca     string // certificates that it is checked against; empty = the system's
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
  filmgate events tail                  what other programs hear, as it happens`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			// The embedded S3 server changes the working folder, so every path is made absolute here.
			dir, err := filepath.Abs(o.data)
			if err != nil {
				return err
			}
			o.data = dir
			return nil
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&o.data, "data", envOr("FILMGATE_DATA", "filmgate-data"), "data folder of the local instance (FILMGATE_DATA)")
	flags.StringVar(&o.server, "server", os.Getenv("FILMGATE_SERVER"), "gRPC address of a remote instance, host:port (FILMGATE_SERVER)")
	flags.StringVar(&o.token, "token", os.Getenv("FILMGATE_TOKEN"), "token for --server; better given as FILMGATE_TOKEN")
	flags.Lookup("token").DefValue = "" // or --help would print it
	flags.StringVar(&o.ca, "ca", os.Getenv("FILMGATE_CA"), "certificates that --server is checked against, PEM; the system's when empty (FILMGATE_CA)")
	flags.BoolVar(&o.plaintext, "plaintext", false, "allow --server without TLS, such as inside a mesh that encrypts")
	flags.StringVar(&o.account, "account", os.Getenv("FILMGATE_ACCOUNT"), "account to act in; needed when there are several (FILMGATE_ACCOUNT)")

	root.AddCommand(runCommand(o), provisionCommand(), smokeCommand(), accountCommand(o), userCommand(o), jobCommand(o), photoCommand(o), banCommand(o), eventsCommand(o))
	root.CompletionOptions.HiddenDefaultCmd = true
	explainUse(root)
	return root
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

// version answers the commit that the binary was built from, as the Go toolchain recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return info.Main.Version
}
