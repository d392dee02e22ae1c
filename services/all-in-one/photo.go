package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"

	"filmgate.dev/pkg/events"
)

// photoJSON is one photo in the words of the event contract, as far as a list knows it.
type photoJSON struct {
	Photo       events.PhotoRef     `json:"photo"`
	Job         photoJob            `json:"job"`
	Album       photoAlbum          `json:"album"`
	Section     string              `json:"section"`
	File        photoFile           `json:"file"`
	Image       *photoImage         `json:"image,omitempty"`
	Reason      *events.Reason      `json:"reason,omitempty"`
	DuplicateOf string              `json:"duplicateOf,omitempty"`
	Warnings    []events.Warning    `json:"warnings"`
	Original    objectKey           `json:"original"`
	Derivatives []derivativeSummary `json:"derivatives"`
	TraceID     string              `json:"traceId,omitempty"`
}

type photoJob struct {
	ID           string `json:"id"`
	InternalName string `json:"internalName"`
}

type photoAlbum struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type photoFile struct {
	Name       string     `json:"name"`
	Path       string     `json:"path"`
	Bytes      int64      `json:"bytes"`
	SHA256     string     `json:"sha256"`
	UploadedBy string     `json:"uploadedBy"`
	UploadedAt *time.Time `json:"uploadedAt,omitempty"`
	ModifiedAt *time.Time `json:"modifiedAt,omitempty"`
}

type objectKey struct {
	Key string `json:"key"`
}

type photoImage struct {
	DisplayWidth  int32      `json:"displayWidth"`
	DisplayHeight int32      `json:"displayHeight"`
	Placeholder   string     `json:"placeholder"`
	TakenAt       *time.Time `json:"takenAt,omitempty"`
}

type derivativeSummary struct {
	Name      string `json:"name"`
	Width     int32  `json:"width"`
	Height    int32  `json:"height"`
	MediaType string `json:"mediaType"`
	Bytes     int64  `json:"bytes"`
	Key       string `json:"key,omitempty"`
}

func photoTable(job *jobsv1.Job) table[*catalogv1.Photo] {
	return table[*catalogv1.Photo]{
		head: "STATE\tALBUM\tSECTION\tFILE\tSIZE\tPIXELS\tPROBLEM",
		row: func(p *catalogv1.Photo) string {
			pixels := "-"
			if p.GetWidth() > 0 {
				pixels = fmt.Sprintf("%d x %d", p.GetWidth(), p.GetHeight())
			}
			return strings.Join([]string{photoState(p), p.GetAlbumName(), sectionName(p.GetSection()), p.GetName(), size(p.GetBytes()), pixels, orDash(p.GetProblem().GetMessage())}, "\t")
		},
		json: func(p *catalogv1.Photo) any { return photoObject(job, p) },
		none: "No photo in " + job.GetInternalName() + " yet.",
	}
}

func photoObject(job *jobsv1.Job, p *catalogv1.Photo) photoJSON {
	v := photoJSON{
		Photo:   events.PhotoRef{ID: p.GetId(), Version: p.GetVersion(), State: photoState(p)},
		Job:     photoJob{job.GetId(), job.GetInternalName()},
		Album:   photoAlbum{p.GetAlbumId(), p.GetAlbumName()},
		Section: sectionName(p.GetSection()),
		File: photoFile{
			Name: p.GetName(), Path: p.GetPath(), Bytes: p.GetBytes(), SHA256: p.GetSha256(),
			UploadedBy: p.GetUploadedBy(), UploadedAt: stamp(p.GetLandedAt()), ModifiedAt: stamp(p.GetModifiedAt()),
		},
		DuplicateOf: p.GetDuplicateOf(), Warnings: []events.Warning{}, Original: objectKey{p.GetObjectKey()},
		TraceID: p.GetTraceId(), Derivatives: []derivativeSummary{},
	}
	if p.GetWidth() > 0 {
		v.Image = &photoImage{p.GetWidth(), p.GetHeight(), p.GetPlaceholder(), stamp(p.GetTakenAt())}
	}
	if r := p.GetProblem(); r != nil {
		v.Reason = &events.Reason{Code: r.GetCode(), Message: r.GetMessage()}
	}
	for _, n := range p.GetNotices() {
		v.Warnings = append(v.Warnings, events.Warning{Code: n.GetCode(), Message: n.GetMessage()})
	}
	for _, d := range p.GetDerivatives() {
		v.Derivatives = append(v.Derivatives, derivativeSummary{d.GetName(), d.GetWidth(), d.GetHeight(), d.GetMediaType(), d.GetBytes(), d.GetObjectKey()})
	}
	return v
}

// photoState answers "ready" for PHOTO_STATE_READY, as events spell it.
func photoState(p *catalogv1.Photo) string {
	return strings.ToLower(strings.TrimPrefix(p.GetState().String(), "PHOTO_STATE_"))
}

func sectionName(s catalogv1.Section) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "SECTION_"))
}

func photoCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "photo", Short: "Photos: list"}
	list := &cobra.Command{
		Use:   "list --job NAME",
		Short: "List a job's photos with their states",
		Long: `Lists a job's photos by album, section and file name. A photo is "processing" until its
thumbnails exist, then "ready"; one that cannot be used is "failed", with the reason.`,
		Example: `  filmgate photo list --job JOB00001
  filmgate photo list --job JOB00001 --state failed
  filmgate photo list --job JOB00001 --json | jq -r .file.path`,
		Args: cobra.NoArgs,
	}
	name := list.Flags().String("job", "", "the job's internal name")
	_ = list.MarkFlagRequired("job")
	states := list.Flags().StringSlice("state", nil, "only these: processing, ready, failed, removed (default: all but removed)")
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		var want []catalogv1.PhotoState
		for _, s := range *states {
			v, ok := catalogv1.PhotoState_value["PHOTO_STATE_"+strings.ToUpper(s)]
			if !ok || v == 0 {
				return fmt.Errorf("%q is not a state: say processing, ready, failed or removed", s)
			}
			want = append(want, catalogv1.PhotoState(v))
		}
		return o.inAccount(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
			job, err := findJob(ctx, jobsv1.NewJobServiceClient(conn), *name)
			if err != nil {
				return err
			}
			at, err := o.connectCatalog()
			if err != nil {
				return err
			}
			defer at.Close()
			catalog := catalogv1.NewCatalogServiceClient(at)
			photos, err := allPages(func(token string) ([]*catalogv1.Photo, string, error) {
				r, err := catalog.ListPhotos(ctx, &catalogv1.ListPhotosRequest{JobId: job.GetId(), States: want, PageSize: 1000, PageToken: token})
				return r.GetPhotos(), r.GetNextPageToken(), err
			})
			if err != nil {
				return err
			}
			return photoTable(job).print(cmd.OutOrStdout(), o.json, photos...)
		})
	}
	cmd.AddCommand(jsonFlag(list, o))
	return cmd
}
