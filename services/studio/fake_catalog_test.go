package studio_test

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"

	"filmgate.dev/pkg/fault"
	catalogv1 "filmgate.dev/proto/catalog/v1"

	"google.golang.org/protobuf/proto"
)

// albumMapper plays album-mapper: a catalog in memory.
type albumMapper struct {
	catalogv1.UnimplementedCatalogServiceServer
	jobs *jobStatus // knows the callers

	mu     sync.Mutex
	albums []*catalogv1.Album
	photos []*catalogv1.Photo
	gets   int
	down   bool
}

// enter checks the caller and locks; the answer unlocks.
func (f *albumMapper) enter(ctx context.Context) (account string, leave func(), err error) {
	f.jobs.mu.Lock()
	user, err := f.jobs.caller(ctx)
	f.jobs.mu.Unlock()
	f.mu.Lock()
	if err == nil && f.down {
		err = fault.New(fault.Unavailable, "the catalog cannot be reached; try again")
	}
	return user.GetAccount(), f.mu.Unlock, err
}

func (f *albumMapper) owns(account, job string) bool {
	f.jobs.mu.Lock()
	defer f.jobs.mu.Unlock()
	_, err := f.jobs.job(account, job)
	return err == nil
}

func (f *albumMapper) find(account, id string) (*catalogv1.Photo, error) {
	for _, photo := range f.photos {
		if photo.GetId() == id && f.owns(account, photo.GetJobId()) {
			return photo, nil
		}
	}
	return nil, fault.New(fault.NotFound, "there is no such photo")
}

func countIn(c *catalogv1.Counts, photo *catalogv1.Photo) {
	c.Total++
	switch photo.GetState() {
	case catalogv1.PhotoState_PHOTO_STATE_PROCESSING:
		c.Processing++
	case catalogv1.PhotoState_PHOTO_STATE_READY:
		c.Ready++
	case catalogv1.PhotoState_PHOTO_STATE_FAILED:
		c.Failed++
	case catalogv1.PhotoState_PHOTO_STATE_REMOVED:
		c.Removed++
		return
	}
	c.Bytes += photo.GetBytes()
}

func (f *albumMapper) ListAlbums(ctx context.Context, r *catalogv1.ListAlbumsRequest) (*catalogv1.ListAlbumsResponse, error) {
	_, leave, err := f.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	answer := &catalogv1.ListAlbumsResponse{}
	for _, album := range f.albums {
		if album.GetJobId() != r.GetJobId() {
			continue
		}
		album = proto.CloneOf(album)
		album.Group, album.Individuals = &catalogv1.Counts{}, &catalogv1.Counts{}
		for _, photo := range f.photos {
			switch {
			case photo.GetAlbumId() != album.GetId():
			case photo.GetSection() == catalogv1.Section_SECTION_GROUP:
				countIn(album.Group, photo)
			default:
				countIn(album.Individuals, photo)
			}
		}
		answer.Albums = append(answer.Albums, album)
	}
	return answer, nil
}

func (f *albumMapper) ListPhotos(ctx context.Context, r *catalogv1.ListPhotosRequest) (*catalogv1.ListPhotosResponse, error) {
	account, leave, err := f.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	var found []*catalogv1.Photo
	for _, photo := range f.photos {
		wanted := slices.Contains(r.GetStates(), photo.GetState()) ||
			len(r.GetStates()) == 0 && photo.GetState() != catalogv1.PhotoState_PHOTO_STATE_REMOVED
		if wanted && photo.GetJobId() == r.GetJobId() && f.owns(account, r.GetJobId()) &&
			(r.GetAlbumId() == "" || photo.GetAlbumId() == r.GetAlbumId()) &&
			(r.GetSection() == 0 || photo.GetSection() == r.GetSection()) {
			found = append(found, proto.CloneOf(photo))
		}
	}
	slices.SortFunc(found, func(a, b *catalogv1.Photo) int { return cmp.Compare(a.GetName(), b.GetName()) })
	from, _ := strconv.Atoi(r.GetPageToken())
	to := min(len(found), from+int(r.GetPageSize()))
	answer := &catalogv1.ListPhotosResponse{Photos: found[from:to]}
	if to < len(found) {
		answer.NextPageToken = strconv.Itoa(to)
	}
	return answer, nil
}

func (f *albumMapper) CountPhotos(ctx context.Context, r *catalogv1.CountPhotosRequest) (*catalogv1.CountPhotosResponse, error) {
	_, leave, err := f.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	answer := &catalogv1.CountPhotosResponse{}
	for _, id := range r.GetJobIds() {
		counts := &catalogv1.JobCounts{JobId: id, Photos: &catalogv1.Counts{}}
		for _, album := range f.albums {
			if album.GetJobId() == id {
				counts.Albums++
			}
		}
		for _, photo := range f.photos {
			if photo.GetJobId() == id {
				countIn(counts.Photos, photo)
			}
		}
		answer.Jobs = append(answer.Jobs, counts)
	}
	return answer, nil
}

func (f *albumMapper) GetPhoto(ctx context.Context, r *catalogv1.GetPhotoRequest) (*catalogv1.Photo, error) {
	account, leave, err := f.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	f.gets++
	photo, err := f.find(account, r.GetId())
	return proto.CloneOf(photo), err
}

// change does something to a photo.
func (f *albumMapper) change(ctx context.Context, id string, what func(*catalogv1.Photo)) (*catalogv1.Photo, error) {
	account, leave, err := f.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	photo, err := f.find(account, id)
	if err != nil {
		return nil, err
	}
	what(photo)
	return proto.CloneOf(photo), nil
}

func (f *albumMapper) RemovePhoto(ctx context.Context, r *catalogv1.RemovePhotoRequest) (*catalogv1.Photo, error) {
	return f.change(ctx, r.GetId(), func(p *catalogv1.Photo) { p.State = catalogv1.PhotoState_PHOTO_STATE_REMOVED })
}

func (f *albumMapper) RestorePhoto(ctx context.Context, r *catalogv1.RestorePhotoRequest) (*catalogv1.Photo, error) {
	return f.change(ctx, r.GetId(), func(p *catalogv1.Photo) { p.State = catalogv1.PhotoState_PHOTO_STATE_READY })
}

func (f *albumMapper) RetryPhoto(ctx context.Context, r *catalogv1.RetryPhotoRequest) (*catalogv1.Photo, error) {
	return f.change(ctx, r.GetId(), func(p *catalogv1.Photo) { p.State, p.Problem = catalogv1.PhotoState_PHOTO_STATE_PROCESSING, nil })
}

func (f *albumMapper) SetPhotoHidden(ctx context.Context, r *catalogv1.SetPhotoHiddenRequest) (*catalogv1.Photo, error) {
	return f.change(ctx, r.GetId(), func(p *catalogv1.Photo) { p.Hidden = r.GetHidden() })
}

func (f *albumMapper) MovePhoto(ctx context.Context, r *catalogv1.MovePhotoRequest) (*catalogv1.Photo, error) {
	return f.change(ctx, r.GetId(), func(p *catalogv1.Photo) {
		p.AlbumId, p.Section = r.GetAlbumId(), r.GetSection()
		for _, album := range f.albums {
			if album.GetId() == r.GetAlbumId() {
				p.AlbumName = album.GetName()
			}
		}
	})
}

func (f *albumMapper) RenameAlbum(ctx context.Context, r *catalogv1.RenameAlbumRequest) (*catalogv1.Album, error) {
	_, leave, err := f.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	for _, album := range f.albums {
		if album.GetName() == r.GetName() && album.GetId() != r.GetId() {
			return nil, fault.New(fault.Exists, "there is already an album %q", r.GetName())
		}
	}
	for _, album := range f.albums {
		if album.GetId() == r.GetId() {
			album.Name = r.GetName()
			return proto.CloneOf(album), nil
		}
	}
	return nil, fault.New(fault.NotFound, "there is no such album")
}
