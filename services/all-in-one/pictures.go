package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/processing"
)

func picturesCommand(o *options) *cobra.Command {
	group := &cobra.Command{Use: "pictures", Short: "see what is made of photo files; no instance is needed"}
	var (
		out  string
		sale processing.Sale
	)
	inspect := &cobra.Command{
		Use:   "inspect FILE…",
		Short: "say what Filmgate thinks of photo files, and what it makes of them",
		Long: `Does with each file what an instance does with an uploaded photo, and keeps nothing: prints
what the file is and what its camera wrote, what was noticed, what it costs, and what
is made of it; or why it would be rejected, in the words that its photographer reads.
With --out the pictures themselves are written too, as NAME-2048.jpg and so on. What can
be sold is read from the settings of processing (FILMGATE_PROCESSING_SALE_…).

Fails when any of the files would be rejected.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := errors.Join(env.Parse(os.LookupEnv, &sale), sale.Check()); err != nil {
				return err
			}
			return inspectFiles(cmd.Context(), cmd.OutOrStdout(), files, sale, out, o.json)
		},
	}
	inspect.Flags().StringVar(&out, "out", "", "folder to write the pictures into")
	group.AddCommand(jsonFlag(inspect, o))
	return group
}

func inspectFiles(ctx context.Context, w io.Writer, files []string, sale processing.Sale, out string, asJSON bool) error {
	if out != "" {
		if err := os.MkdirAll(out, 0o750); err != nil {
			return err
		}
	}
	bad := 0
	for i, file := range files {
		seen, length, err := inspectFile(ctx, file, sale)
		if err != nil {
			return err
		}
		if seen.Rejection != nil {
			bad++
		}
		if asJSON {
			err = printInspectionJSON(w, file, length, seen)
		} else {
			if i > 0 {
				fmt.Fprintln(w)
			}
			printInspection(w, file, length, seen)
		}
		if err != nil {
			return err
		}
		if err := writeDerivatives(out, file, seen.Derivatives); err != nil {
			return err
		}
	}
	if bad > 0 {
		return fault.New(fault.Invalid, "%d of %d files would be rejected", bad, len(files))
	}
	return nil
}

func inspectFile(ctx context.Context, name string, sale processing.Sale) (processing.Inspection, int64, error) {
	file, err := os.Open(name)
	if err != nil {
		return processing.Inspection{}, 0, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return processing.Inspection{}, 0, err
	}
	var from io.Reader = file
	length := info.Size()
	if !info.Mode().IsRegular() { // a pipe does not say how much is to come: no more is kept than an instance would accept
		const most = 200<<20 + 1
		src, err := io.ReadAll(io.LimitReader(file, most))
		if err != nil {
			return processing.Inspection{}, 0, err
		}
		from, length = bytes.NewReader(src), int64(len(src))
	}
	seen, err := processing.Inspect(ctx, from, length, sale)
	if err != nil {
		err = fmt.Errorf("%s cannot be read: %w", name, err)
	}
	return seen, length, err
}

func writeDerivatives(dir, file string, all []processing.Derivative) error {
	if dir == "" {
		return nil
	}
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	for _, d := range all {
		if err := os.WriteFile(filepath.Join(dir, name+"-"+d.Name+".jpg"), d.JPEG, 0o644); err != nil { //nolint:gosec // pictures to look at
			return err
		}
	}
	return nil
}

func printInspection(w io.Writer, file string, bytes int64, seen processing.Inspection) {
	line := func(name, format string, args ...any) {
		if text := printable(fmt.Sprintf(format, args...)); strings.Trim(text, " ,") != "" {
			fmt.Fprintf(w, "  %-12s %s\n", name, text)
		}
	}
	verdict := "used"
	if seen.Rejection != nil {
		verdict = "rejected"
	}
	fmt.Fprintf(w, "%s: %s\n", printable(file), verdict)
	if seen.Rejection != nil {
		line("why", "%s (%s)", seen.Rejection.Message, seen.Rejection.Code)
	}
	if seen.MediaType == "" {
		line("size", "%s", size(bytes))
		return
	}
	im, exif := seen.Image, seen.EXIF
	kind := strings.TrimPrefix(seen.MediaType, "image/")
	if seen.Progressive {
		kind += ", progressive"
	}
	line("file", "%s, %s, %d x %d pixels (%.1f megapixels)", size(bytes), kind, im.Width, im.Height, float64(im.Width)*float64(im.Height)/1e6)
	if im.Orientation > 1 {
		line("shown as", "%d x %d, turned by EXIF orientation %d", im.DisplayWidth, im.DisplayHeight, im.Orientation)
	}
	line("colours", "%s", im.ColorProfile)
	if exif.TakenAt != nil {
		taken := exif.TakenAt.Format("2006-01-02 15:04:05.999")
		if exif.TakenAtOffset == "" {
			line("taken", "%s, by a clock that knew no time zone", taken)
		} else {
			line("taken", "%s %s", taken, exif.TakenAtOffset)
		}
	}
	line("camera", "%s", joined(", ", strings.TrimSpace(exif.CameraMake+" "+exif.CameraModel), labelled("serial ", exif.CameraSerial), exif.Lens))
	line("exposure", "%s", joined(", ", labelled("", exif.Exposure, " s"), number("f/%g", exif.FNumber), number("ISO %g", float64(exif.ISO)), number("%g mm", exif.FocalLengthMM)))
	if exif.HasGPS {
		line("position", "in the file; in no picture that is made of it")
	}
	line("integrity", "%s", seen.Integrity)
	line("likeness", "%s", joined(", ", labelled("perceptual hash ", im.PerceptualHash), labelled("colour ", im.DominantColor)))
	for _, code := range seen.Codes {
		line("code", "%s, around %.0f %% from the left and %.0f %% from the top", code.Text, 100*middle(code, 0), 100*middle(code, 1))
	}
	if seen.UnreadCard {
		line("code", "there seems to be a card that cannot be read")
	}
	for _, warning := range seen.Warnings {
		line("noticed", "%s (%s)", warning.Message, warning.Code)
	}
	cost := fmt.Sprintf("%s of memory and %s of one core are expected", size(seen.Memory), seconds(seen.CPU))
	if seen.Took > 0 {
		cost += fmt.Sprintf("; it took %s", seconds(seen.Took))
	}
	line("cost", "%s", cost)
	for _, d := range seen.Derivatives {
		line("made", "%s: %d x %d, %s", d.Name, d.Width, d.Height, size(int64(len(d.JPEG))))
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// middle answers where a code is on an axis, as a share of the picture.
func middle(code events.FoundCode, axis int) float64 {
	sum := 0.0
	for _, p := range code.Corners {
		sum += []float64{p.X, p.Y}[axis]
	}
	return sum / float64(max(1, len(code.Corners)))
}

func joined(with string, parts ...string) string {
	var given []string
	for _, p := range parts {
		if p != "" {
			given = append(given, p)
		}
	}
	return strings.Join(given, with)
}

// labelled answers a value between words, or nothing where there is none.
func labelled(before, value string, behind ...string) string {
	if value == "" {
		return ""
	}
	return before + value + strings.Join(behind, "")
}

func number(format string, v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf(format, v)
}

// inspectionJSON is an inspection in the words of the event contract.
type inspectionJSON struct {
	File        string              `json:"file"`
	Bytes       int64               `json:"bytes"`
	MediaType   string              `json:"mediaType,omitempty"`
	Reason      *events.Reason      `json:"reason,omitempty"`
	Image       *events.Image       `json:"image,omitempty"`
	EXIF        *events.EXIF        `json:"exif,omitempty"`
	Integrity   string              `json:"integrity,omitempty"`
	FoundCodes  []events.FoundCode  `json:"foundCodes"`
	UnreadCard  bool                `json:"unreadCard"`
	Warnings    []events.Warning    `json:"warnings"`
	MemoryBytes int64               `json:"memoryBytes,omitempty"`
	ExpectedMS  int64               `json:"expectedMs,omitempty"`
	TookMS      int64               `json:"tookMs,omitempty"`
	Derivatives []derivativeSummary `json:"derivatives"`
}

func printInspectionJSON(w io.Writer, file string, bytes int64, seen processing.Inspection) error {
	j := inspectionJSON{
		File: file, Bytes: bytes, MediaType: seen.MediaType, Reason: seen.Rejection, Integrity: seen.Integrity, Warnings: seen.Warnings,
		MemoryBytes: seen.Memory, ExpectedMS: seen.CPU.Milliseconds(), TookMS: seen.Took.Milliseconds(), Derivatives: []derivativeSummary{},
		FoundCodes: seen.Codes, UnreadCard: seen.UnreadCard,
	}
	if j.FoundCodes == nil {
		j.FoundCodes = []events.FoundCode{}
	}
	if j.Warnings == nil {
		j.Warnings = []events.Warning{}
	}
	if seen.MediaType != "" {
		j.Image = &seen.Image
	}
	if seen.Rejection == nil {
		j.EXIF = &seen.EXIF
	}
	for _, d := range seen.Derivatives {
		j.Derivatives = append(j.Derivatives, derivativeSummary{Name: d.Name, Width: int32(d.Width), Height: int32(d.Height), MediaType: "image/jpeg", Bytes: int64(len(d.JPEG))}) //nolint:gosec // at most 2048
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(j)
}
