package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"filmgate.dev/services/all-in-one/internal/provisioning"
)

func provisionCommand() *cobra.Command {
	var reference strings.Builder
	provisioning.Reference(&reference)
	cmd := &cobra.Command{
		Use:   "provision",
		Short: "Make what the services need: streams, consumers, the bucket, database schemas",
		Long: `Makes what Filmgate's services need on servers that are there already, or patches what
differs, and says what it did. It can be run again at any time, and before each upgrade:
the services themselves then need no right to make or change anything.

It refuses whatever would destroy something, says so, and ends with an error: fewer
copies, another kind of stream, a stream that is somebody else's. Nothing is deleted.

The bucket is provisioned when FILMGATE_S3_ENDPOINT is set, and each database when its
address is.

Settings are environment variables:

` + strings.TrimRight(reference.String(), "\n"),
		Args: cobra.NoArgs,
	}
	dryRun := cmd.Flags().Bool("dry-run", false, "say what would be done, and change nothing")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := provisioning.New(os.LookupEnv, cmd.OutOrStdout(), *dryRun)
		if err != nil {
			return err
		}
		return p.Run(cmd.Context())
	}
	return cmd
}
