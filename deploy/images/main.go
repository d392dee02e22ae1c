// Command images makes container images of Filmgate's services from an empty base, without Docker, a registry, root or any
// network beyond Go's modules. Built twice from the same commit, on any machine with the same Go, they have the same digests.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const usage = `Makes container images of Filmgate's services.

  images build            compile, and write OCI layouts, docker archives and bills of materials
  images push PREFIX      send what was built to a registry, as PREFIX/NAME:VERSION, such as 127.0.0.1:5000/filmgate

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "images:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	var r release
	checkout := flags.String("checkout", ".", "the checkout's root")
	out := flags.String("out", ".bin/images", "folder for what is made")
	only := flags.String("only", "", "these services, separated by commas; all when empty")
	platforms := flags.String("platforms", "linux/amd64,linux/arm64", "what to build for")
	flags.StringVar(&r.version, "version", "", "version, and tag; git's description of the commit when empty")
	flags.StringVar(&r.revision, "revision", "", "the commit, for the label; git's when empty")
	flags.StringVar(&r.source, "source", "https://filmgate.dev", "address of the code, for the label")
	verb := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		verb, args = args[0], args[1:]
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	switch {
	case verb == "build" && flags.NArg() == 0:
		if err := r.complete(*checkout); err != nil {
			return err
		}
		targets, err := parsePlatforms(*platforms)
		if err != nil {
			return err
		}
		return makeAll(ctx, stdout, *checkout, *out, chosen, targets, r)
	case verb == "push" && flags.NArg() == 1:
		for _, s := range chosen {
			at, err := push(ctx, *out, s, flags.Arg(0))
			if err != nil {
				return err
			}
			fmt.Fprintln(stdout, at)
		}
		return nil
	}
	return errors.New("say build, or push and where to; -h explains more")
}

func parsePlatforms(list string) ([]v1.Platform, error) {
	var all []v1.Platform
	for text := range strings.SplitSeq(list, ",") {
		platform, err := v1.ParsePlatform(text)
		if err != nil {
			return nil, err
		}
		if _, ok := machines[platform.Architecture]; !ok || platform.OS != "linux" || platform.Variant != "" {
			return nil, fmt.Errorf("%q is not built for; there are linux/amd64 and linux/arm64", text)
		}
		all = append(all, *platform)
	}
	return all, nil
}

func makeAll(ctx context.Context, stdout io.Writer, checkout, out string, chosen []service, platforms []v1.Platform, r release) error {
	base, err := foundation()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "image\tplatform\tMB\tdigest\n")
	for _, s := range chosen {
		p, err := s.make(ctx, checkout, platforms, r, base)
		if err != nil {
			return err
		}
		if err := p.write(out); err != nil {
			return fmt.Errorf("writing %s: %w", s.name, err)
		}
		digest, err := p.index.Digest()
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "filmgate/%s:%s\tall\t\t%s\n", s.name, r.version, digest)
		for _, b := range p.builds {
			digest, err := b.image.Digest()
			if err != nil {
				return err
			}
			size, err := compressed(b.image)
			if err != nil {
				return err
			}
			fmt.Fprintf(table, "\t%s\t%s\t%s\n", b.platform.String(), strconv.FormatFloat(float64(size)/1e6, 'f', 1, 64), digest)
		}
	}
	return table.Flush()
}

// compressed answers how much a machine that has nothing yet fetches for an image.
func compressed(image v1.Image) (int64, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return 0, err
	}
	size := manifest.Config.Size
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	return size, nil
}
