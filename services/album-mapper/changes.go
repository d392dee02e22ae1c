package albummapper

import (
	"context"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"

	"filmgate.dev/services/album-mapper/internal/album"
	"filmgate.dev/services/album-mapper/internal/photo"
)

// changeFor bounds a change that somebody waits for.
const changeFor = 15 * time.Second

// Changes that people ask for are appended to the files log, by the same rules as an SFTP client's. What was written is
// then taken into the catalog as if it had been heard, so that whoever asked sees it; hearing it again changes nothing.

// RenameAlbum changes an album's name.
func (s *Service) RenameAlbum(ctx context.Context, by files.By, f album.Folder, name string) error {
	ctx, cancel := context.WithTimeout(ctx, changeFor)
	defer cancel()
	from, err := s.standing(ctx, f.Claim.Subject, f.ID)
	if err != nil {
		return err
	}
	if from.Name == name {
		return nil
	}
	moved, err := s.deps.Files.Move(ctx, files.MoveRequest{From: from, ToParent: files.Root, ToName: name, By: by})
	if fault.Is(err, fault.Exists) {
		return fault.Wrap(err, fault.Exists, "there is another album called %q", name)
	}
	if err != nil {
		return err
	}
	return s.take(ctx, moved)
}

// MovePhoto moves a photo to a section of an album: to says which.
func (s *Service) MovePhoto(ctx context.Context, by files.By, p *photo.Photo, to files.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, changeFor)
	defer cancel()
	from, err := s.standing(ctx, p.Claim.Subject, p.ID())
	if err != nil {
		return err
	}
	folder, err := s.sectionFolder(ctx, by, to)
	if err != nil {
		return err
	}
	moved, err := s.deps.Files.Move(ctx, files.MoveRequest{From: from, ToParent: folder, ToName: from.Name, By: by})
	if fault.Is(err, fault.Exists) {
		return fault.Wrap(err, fault.Exists, "there is a photo called %q already", from.Name)
	}
	if err != nil {
		return err
	}
	return s.take(ctx, moved)
}

// sectionFolder answers the folder in which photos of a section stand; it is made where it is missing. Individuals need
// none: they may stand in the album itself.
func (s *Service) sectionFolder(ctx context.Context, by files.By, to files.Entry) (string, error) {
	found, err := s.deps.Files.Folder(ctx, to.Job, to.Parent, to.Section)
	if err == nil || !fault.Is(err, fault.NotFound) {
		return found.ID, err
	}
	if to.Section == files.SectionIndividuals {
		return to.Parent, nil
	}
	made, err := s.deps.Files.Make(ctx, files.Entry{
		Job: to.Job, JobName: to.JobName, Parent: to.Parent, Name: to.Section,
		UserID: by.UserID, User: by.User, Client: by.Client,
	})
	if err != nil && !fault.Is(err, fault.Exists) {
		return "", err
	}
	return made.ID, s.take(ctx, made)
}

// RemovePhoto puts a photo into the trash.
func (s *Service) RemovePhoto(ctx context.Context, by files.By, p *photo.Photo) error {
	ctx, cancel := context.WithTimeout(ctx, changeFor)
	defer cancel()
	from, err := s.standing(ctx, p.Claim.Subject, p.ID())
	if err != nil {
		return err
	}
	if err := s.deps.Files.Remove(ctx, from, by); err != nil {
		return err
	}
	return s.takeFrom(ctx, from.Subject)
}

// RestorePhoto takes a photo out of the trash, back to where it stood.
func (s *Service) RestorePhoto(ctx context.Context, by files.By, p *photo.Photo) error {
	ctx, cancel := context.WithTimeout(ctx, changeFor)
	defer cancel()
	back, err := s.deps.Files.Restore(ctx, p.Entry, by)
	switch {
	case fault.Is(err, fault.Exists) && back.ID == p.ID():
		// It stands again: the catalog has not heard of it yet.
	case fault.Is(err, fault.Exists):
		return fault.Wrap(err, fault.Exists, "there is another photo called %q where this one stood: move or remove that one first", p.Entry.Name)
	case fault.Is(err, fault.NotFound):
		return fault.Wrap(err, fault.NotFound, "the album in which this photo stood was removed: make it again first")
	case err != nil:
		return err
	}
	return s.take(ctx, back)
}

// standing reads from the log what the catalog believes to stand at a path.
func (s *Service) standing(ctx context.Context, subject, id string) (files.Entry, error) {
	e, err := s.deps.Files.Last(ctx, subject)
	if err != nil {
		return e, err
	}
	if e.Gone() || e.ID != id {
		return e, fault.New(fault.Conflict, "somebody else has just moved or removed it; look again")
	}
	return e, nil
}

// takeFrom takes what stands at a path into the catalog.
func (s *Service) takeFrom(ctx context.Context, subject string) error {
	e, err := s.deps.Files.Last(ctx, subject)
	if err != nil {
		return err
	}
	return s.take(ctx, e)
}

// HidePhoto hides a photo from customers, or shows it again. The log knows nothing of it.
func (s *Service) HidePhoto(ctx context.Context, account, id string, hidden bool) error {
	return s.changePhoto(ctx, account, id, func(p *photo.Photo) error {
		p.Hidden = hidden
		return nil
	})
}

// RetryPhoto gives a failed photo to processing once more.
func (s *Service) RetryPhoto(ctx context.Context, account, id string) error {
	return s.changePhoto(ctx, account, id, func(p *photo.Photo) error {
		switch {
		case p.Shown() == photo.Removed:
			return fault.New(fault.Invalid, "the photo is in the trash: restore it first")
		case !p.Retry():
			return fault.New(fault.Invalid, "only a failed photo can be tried again; this one is %s", p.State)
		}
		return nil
	})
}

func (s *Service) changePhoto(ctx context.Context, account, id string, change func(*photo.Photo) error) error {
	ctx, cancel := context.WithTimeout(ctx, changeFor)
	defer cancel()
	return s.commit(ctx, func(ctx context.Context, t *turn) error {
		p, known, err := t.PhotoOf(ctx, account, id)
		if err != nil {
			return err
		}
		if !known {
			return fault.New(fault.NotFound, "there is no such photo")
		}
		if err := change(p); err != nil {
			return err
		}
		return t.tellPhoto(ctx, p)
	})
}
