package rpc

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/sqldb"
	catalogv1 "filmgate.dev/proto/catalog/v1"

	"filmgate.dev/services/album-mapper/internal/album"
	"filmgate.dev/services/album-mapper/internal/photo"
	"filmgate.dev/services/album-mapper/internal/store"
)

// sections in the order in which they are listed.
func sections() []events.Section {
	return []events.Section{events.SectionGroup, events.SectionIndividuals}
}

// ListPhotos pages through a job's photos, in natural order of album, section and file name.
func (s *Service) ListPhotos(ctx context.Context, req *catalogv1.ListPhotosRequest) (*catalogv1.ListPhotosResponse, error) {
	who, err := s.callers.of(ctx)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(req.GetPageSize(), 200, 1000)
	if err != nil {
		return nil, err
	}
	from, err := parsePosition(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	shown, err := filter(req.GetStates())
	if err != nil {
		return nil, err
	}
	only, err := sectionOf(req.GetSection())
	if err != nil {
		return nil, err
	}
	job, err := s.job(ctx, who.account, req.GetJobId())
	if err != nil {
		return nil, err
	}
	tree, err := s.tree(ctx, who.account, job.ID)
	if err != nil {
		return nil, err
	}
	if id := req.GetAlbumId(); id != "" {
		if f, ok := tree.folders[id]; !ok || f.Kind != files.KindAlbum {
			return nil, fault.New(fault.NotFound, "there is no such album")
		}
	}
	reply := &catalogv1.ListPhotosResponse{}
	for _, a := range tree.albums {
		same := a.ID == from.AlbumID && bytes.Equal(album.SortKey(a.Name), from.AlbumSort)
		if req.GetAlbumId() != "" && a.ID != req.GetAlbumId() || !same && !after(a, from) {
			continue
		}
		for i, section := range sections() {
			if only != "" && section != only || same && i < from.Section {
				continue
			}
			begin := position{}
			if same && i == from.Section {
				begin = from
			}
			more, err := s.section(ctx, who.account, job.ID, tree, a.ID, section, shown, begin, size-len(reply.Photos)+1)
			if err != nil {
				return nil, err
			}
			for _, p := range more {
				if len(reply.Photos) == size {
					return reply, nil
				}
				reply.Photos = append(reply.Photos, s.photo(p, job, tree.folders[p.Entry.Parent], a))
				reply.NextPageToken, err = position{AlbumSort: album.SortKey(a.Name), AlbumID: a.ID, Section: i,
					PhotoSort: album.SortKey(p.Entry.Name), PhotoID: p.ID()}.token()
				if err != nil {
					return nil, err
				}
			}
		}
	}
	reply.NextPageToken = "" // nothing follows
	return reply, nil
}

// section reads photos of one section, which may lie in two folders, in order.
func (s *Service) section(ctx context.Context, account, job string, t tree, albumID string, section events.Section, shown photo.Filter, from position, limit int) ([]*photo.Photo, error) {
	var found []*photo.Photo
	for _, folder := range t.parts[albumID][section] {
		if !slices.ContainsFunc(t.counts[folder], func(c store.Count) bool { return shown.Includes(c.State) }) {
			continue
		}
		more, err := s.rows().Photos(ctx, account, job, folder, shown, from.PhotoSort, from.PhotoID, limit)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	slices.SortFunc(found, func(a, b *photo.Photo) int {
		return cmp.Or(bytes.Compare(album.SortKey(a.Entry.Name), album.SortKey(b.Entry.Name)), cmp.Compare(a.ID(), b.ID()))
	})
	return found[:min(len(found), limit)], nil
}

// GetPhoto answers one photo.
func (s *Service) GetPhoto(ctx context.Context, req *catalogv1.GetPhotoRequest) (*catalogv1.Photo, error) {
	who, err := s.callers.of(ctx)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, who.account, req.GetId())
}

func (s *Service) find(ctx context.Context, account, id string) (*photo.Photo, error) {
	p, known, err := s.rows().PhotoOf(ctx, account, id)
	if err == nil && !known {
		return nil, fault.New(fault.NotFound, "there is no such photo")
	}
	return p, err
}

// show answers a photo as it is now.
func (s *Service) show(ctx context.Context, account, id string) (*catalogv1.Photo, error) {
	var shown *catalogv1.Photo
	err := s.DB.InReadTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		rows := store.In(tx)
		p, known, err := rows.PhotoOf(ctx, account, id)
		if err != nil {
			return err
		}
		if !known {
			return fault.New(fault.NotFound, "there is no such photo")
		}
		in, _, err := rows.Folder(ctx, p.Entry.Parent)
		if err != nil {
			return err
		}
		top := in
		if in.Album() != in.ID {
			if top, _, err = rows.Folder(ctx, in.Album()); err != nil {
				return err
			}
		}
		job, known, err := rows.Job(ctx, p.Entry.Job.ID)
		if err != nil {
			return err
		}
		if !known {
			job = unheard(p.Entry.Job.ID, p.Entry.JobName)
		}
		shown = s.photo(p, job, in, top)
		return nil
	})
	return shown, err
}

func filter(states []catalogv1.PhotoState) (photo.Filter, error) {
	if len(states) == 0 {
		return photo.Kept(), nil
	}
	var asked []photo.State
	for _, state := range states {
		switch state {
		case catalogv1.PhotoState_PHOTO_STATE_PROCESSING:
			asked = append(asked, photo.Processing)
		case catalogv1.PhotoState_PHOTO_STATE_READY:
			asked = append(asked, photo.Ready)
		case catalogv1.PhotoState_PHOTO_STATE_FAILED:
			asked = append(asked, photo.Failed)
		case catalogv1.PhotoState_PHOTO_STATE_REMOVED:
			asked = append(asked, photo.Removed)
		default:
			return photo.Filter{}, fault.New(fault.Invalid, "there is no photo state %d", state)
		}
	}
	return photo.Of(asked...), nil
}

func sectionOf(section catalogv1.Section) (events.Section, error) {
	switch section {
	case catalogv1.Section_SECTION_UNSPECIFIED:
		return "", nil
	case catalogv1.Section_SECTION_GROUP:
		return events.SectionGroup, nil
	case catalogv1.Section_SECTION_INDIVIDUALS:
		return events.SectionIndividuals, nil
	}
	return "", fault.New(fault.Invalid, "there is no section %d", section)
}
