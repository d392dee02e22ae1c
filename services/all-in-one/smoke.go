package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"filmgate.dev/pkg/env"
	"filmgate.dev/services/all-in-one/internal/smoke"
)

func smokeCommand() *cobra.Command {
	var reference strings.Builder
	smoke.Reference(&reference)
	return &cobra.Command{
		Use:   "smoke",
		Short: "Upload one photo to a running Filmgate and wait for its photo.ingested",
		Long: `Does what a photographer does, and waits for what other programs hear: makes an account,
a job and an SFTP user where they are missing, uploads one small photo that never was
before, waits for its photo.ingested on NATS, and removes the photo again. Each step is
said with the time it took. It ends with 0 if everything worked, and with 1 and the
reason if not. This is what helm test runs.

Settings are environment variables:

` + strings.TrimRight(reference.String(), "\n"),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var c smoke.Config
			if err := env.Parse(os.LookupEnv, &c); err != nil {
				return err
			}
			return smoke.Run(cmd.Context(), c, cmd.OutOrStdout())
		},
	}
}
