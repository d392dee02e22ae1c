package rpc

import (
	"context"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	catalogv1 "filmgate.dev/proto/catalog/v1"

	"filmgate.dev/services/album-mapper/internal/album"
	"filmgate.dev/services/album-mapper/internal/photo"
	"filmgate.dev/services/album-mapper/internal/place"
)

// RenameAlbum changes an album's name.
func (s *Service) RenameAlbum(ctx context.Context, req *catalogv1.RenameAlbumRequest) (*catalogv1.Album, error) {
	who, err := s.callers.changer(ctx)
	if err != nil {
		return nil, err
	}
	f, err := s.album(ctx, who.account, req.GetId())
	if err != nil {
		return nil, err
	}
	if err := s.Changes.RenameAlbum(ctx, who.by, f, req.GetName()); err != nil {
		return nil, err
	}
	tree, err := s.tree(ctx, who.account, f.JobID)
	if err != nil {
		return nil, err
	}
	return tree.album(tree.folders[f.ID]), nil
}

// album finds an album that stands.
func (s *Service) album(ctx context.Context, account, id string) (album.Folder, error) {
	f, known, err := s.rows().Folder(ctx, id)
	if err != nil {
		return f, err
	}
	if !known || f.Account != account || f.Kind != files.KindAlbum || f.Standing.State != place.Here {
		return f, fault.New(fault.NotFound, "there is no such album")
	}
	return f, nil
}

// MovePhoto moves a photo to another album or section of its job.
func (s *Service) MovePhoto(ctx context.Context, req *catalogv1.MovePhotoRequest) (*catalogv1.Photo, error) {
	who, p, err := s.changing(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	if p.Shown() == photo.Removed {
		return nil, fault.New(fault.Invalid, "the photo is in the trash: restore it first")
	}
	section, err := sectionOf(req.GetSection())
	if err != nil {
		return nil, err
	}
	in, known, err := s.rows().Folder(ctx, p.Entry.Parent)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, fault.New(fault.NotFound, "the photo's album is not known")
	}
	if section == "" {
		section = in.In()
	}
	to := req.GetAlbumId()
	if to == "" {
		to = in.Album()
	}
	target, err := s.album(ctx, who.account, to)
	if err != nil {
		return nil, err
	}
	if target.JobID != p.Entry.Job.ID {
		return nil, fault.New(fault.Invalid, "a photo can only be moved within its job")
	}
	if target.ID != in.Album() || section != in.In() {
		if err := s.Changes.MovePhoto(ctx, who.by, p, files.Entry{
			Job: p.Entry.Job, JobName: p.Entry.JobName, Parent: target.ID, Section: string(section), Name: p.Entry.Name,
		}); err != nil {
			return nil, err
		}
	}
	return s.show(ctx, who.account, req.GetId())
}

// changing answers the photo of a call that changes it.
func (s *Service) changing(ctx context.Context, id string) (caller, *photo.Photo, error) {
	who, err := s.callers.changer(ctx)
	if err != nil {
		return who, nil, err
	}
	p, err := s.find(ctx, who.account, id)
	return who, p, err
}

// RemovePhoto puts a photo into the trash. One that is there already stays there.
func (s *Service) RemovePhoto(ctx context.Context, req *catalogv1.RemovePhotoRequest) (*catalogv1.Photo, error) {
	who, p, err := s.changing(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	if p.Shown() != photo.Removed {
		if err := s.Changes.RemovePhoto(ctx, who.by, p); err != nil {
			return nil, err
		}
	}
	return s.show(ctx, who.account, req.GetId())
}

// RestorePhoto takes a photo out of the trash.
func (s *Service) RestorePhoto(ctx context.Context, req *catalogv1.RestorePhotoRequest) (*catalogv1.Photo, error) {
	who, p, err := s.changing(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	if p.Shown() == photo.Removed {
		if err := s.Changes.RestorePhoto(ctx, who.by, p); err != nil {
			return nil, err
		}
	}
	return s.show(ctx, who.account, req.GetId())
}

// SetPhotoHidden hides a photo from customers or shows it again.
func (s *Service) SetPhotoHidden(ctx context.Context, req *catalogv1.SetPhotoHiddenRequest) (*catalogv1.Photo, error) {
	who, _, err := s.changing(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	if err := s.Changes.HidePhoto(ctx, who.account, req.GetId(), req.GetHidden()); err != nil {
		return nil, err
	}
	return s.show(ctx, who.account, req.GetId())
}

// RetryPhoto has a failed photo processed again.
func (s *Service) RetryPhoto(ctx context.Context, req *catalogv1.RetryPhotoRequest) (*catalogv1.Photo, error) {
	who, _, err := s.changing(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	if err := s.Changes.RetryPhoto(ctx, who.account, req.GetId()); err != nil {
		return nil, err
	}
	return s.show(ctx, who.account, req.GetId())
}
