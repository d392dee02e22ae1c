package tree

import (
	"context"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// Finder walks through the files log.
type Finder struct {
	Rules
	Log *files.Log
}

// Find answers what stands at a path below a job's folder.
func (f Finder) Find(ctx context.Context, job files.Job, p Path) (files.Entry, error) {
	if f.FolderLike(p) {
		return f.Folder(ctx, job, p)
	}
	folder, err := f.Folder(ctx, job, p.Folder())
	if err != nil {
		return files.Entry{}, err
	}
	return f.Log.File(ctx, job, folder.ID, p.Name())
}

// Folder answers the album or section at a path.
func (f Finder) Folder(ctx context.Context, job files.Job, p Path) (files.Entry, error) {
	if !f.FolderLike(p) || p.Depth() < Album {
		return files.Entry{}, fault.New(fault.NotFound, "there is no folder %q", p)
	}
	album, err := f.Log.Folder(ctx, job, files.Root, p.Album())
	if err != nil || p.Depth() == Album {
		return album, err
	}
	return f.Log.Folder(ctx, job, album.ID, p.Name())
}
