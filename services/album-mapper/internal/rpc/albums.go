package rpc

import (
	"bytes"
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/sqldb"
	catalogv1 "filmgate.dev/proto/catalog/v1"

	"filmgate.dev/services/album-mapper/internal/album"
	"filmgate.dev/services/album-mapper/internal/photo"
	"filmgate.dev/services/album-mapper/internal/place"
	"filmgate.dev/services/album-mapper/internal/store"
)

// ListAlbums answers a job's albums in natural order.
func (s *Service) ListAlbums(ctx context.Context, req *catalogv1.ListAlbumsRequest) (*catalogv1.ListAlbumsResponse, error) {
	who, err := s.callers.of(ctx)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(req.GetPageSize(), 100, 500)
	if err != nil {
		return nil, err
	}
	from, err := parsePosition(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if _, err := s.job(ctx, who.account, req.GetJobId()); err != nil {
		return nil, err
	}
	tree, err := s.tree(ctx, who.account, req.GetJobId())
	if err != nil {
		return nil, err
	}
	reply := &catalogv1.ListAlbumsResponse{}
	for _, a := range tree.albums {
		if a.Standing.State != place.Here || !after(a, from) {
			continue
		}
		if len(reply.Albums) == size {
			last := reply.Albums[size-1]
			reply.NextPageToken, err = position{AlbumSort: album.SortKey(last.Name), AlbumID: last.Id}.token()
			return reply, err
		}
		reply.Albums = append(reply.Albums, tree.album(a))
	}
	return reply, nil
}

// after reports whether an album comes after where a page ended.
func after(a album.Folder, p position) bool {
	order := bytes.Compare(album.SortKey(a.Name), p.AlbumSort)
	return order > 0 || order == 0 && a.ID > p.AlbumID
}

// tree is a job's folders with the numbers of their photos.
type tree struct {
	albums  []album.Folder // in natural order, also those that are gone
	folders map[string]album.Folder
	// parts are the folders of an album's sections: files directly in the album are individuals too.
	parts  map[string]map[events.Section][]string
	counts map[string][]store.Count // by folder
}

func (s *Service) tree(ctx context.Context, account, job string) (tree, error) {
	t := tree{folders: map[string]album.Folder{}, parts: map[string]map[events.Section][]string{}, counts: map[string][]store.Count{}}
	return t, s.DB.InReadTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		folders, err := store.In(tx).Folders(ctx, account, job)
		if err != nil {
			return err
		}
		for _, f := range folders {
			t.folders[f.ID] = f
			if f.Kind == files.KindAlbum {
				t.albums = append(t.albums, f)
			}
			if t.parts[f.Album()] == nil {
				t.parts[f.Album()] = map[events.Section][]string{}
			}
			t.parts[f.Album()][f.In()] = append(t.parts[f.Album()][f.In()], f.ID)
		}
		counts, err := store.In(tx).CountPhotos(ctx, account, job)
		for _, c := range counts {
			t.counts[c.Folder] = append(t.counts[c.Folder], c)
		}
		return err
	})
}

func (t tree) album(a album.Folder) *catalogv1.Album {
	return &catalogv1.Album{
		Id: a.ID, JobId: a.JobID, Name: a.Name, CreatedAt: timestamppb.New(a.CreatedAt),
		Group: t.section(a.ID, events.SectionGroup), Individuals: t.section(a.ID, events.SectionIndividuals),
	}
}

func (t tree) section(albumID string, section events.Section) *catalogv1.Counts {
	sum := &catalogv1.Counts{}
	for _, folder := range t.parts[albumID][section] {
		for _, c := range t.counts[folder] {
			count(sum, c)
		}
	}
	return sum
}

func count(sum *catalogv1.Counts, c store.Count) {
	if c.State == photo.Removed {
		sum.Removed += c.Photos
		return
	}
	sum.Total += c.Photos
	sum.Bytes += c.Bytes
	switch c.State {
	case photo.Processing:
		sum.Processing += c.Photos
	case photo.Ready:
		sum.Ready += c.Photos
	case photo.Failed:
		sum.Failed += c.Photos
	}
}

// CountPhotos answers the counts of several jobs.
func (s *Service) CountPhotos(ctx context.Context, req *catalogv1.CountPhotosRequest) (*catalogv1.CountPhotosResponse, error) {
	who, err := s.callers.of(ctx)
	if err != nil {
		return nil, err
	}
	if len(req.GetJobIds()) > 500 {
		return nil, fault.New(fault.Invalid, "at most 500 jobs can be counted at once")
	}
	reply := &catalogv1.CountPhotosResponse{}
	err = s.DB.InReadTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		rows := store.In(tx)
		reply.Jobs = nil
		for _, id := range req.GetJobIds() {
			albums, err := rows.CountAlbums(ctx, who.account, id)
			if err != nil {
				return err
			}
			counts, err := rows.CountPhotos(ctx, who.account, id)
			if err != nil {
				return err
			}
			job := &catalogv1.JobCounts{JobId: id, Albums: albums, Photos: &catalogv1.Counts{}}
			for _, c := range counts {
				count(job.Photos, c)
			}
			reply.Jobs = append(reply.Jobs, job)
		}
		return nil
	})
	return reply, err
}
