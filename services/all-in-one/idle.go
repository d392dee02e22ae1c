package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// idleCommand is what a container runs in which an operator runs the others: images have no shell that could sleep.
func idleCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "idle",
		Short: "Do nothing until stopped: for a container in which you run the other commands",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintln(cmd.OutOrStdout(), "Run the other commands beside this one, such as: filmgate account list")
			<-cmd.Context().Done()
			return nil
		},
	}
}
