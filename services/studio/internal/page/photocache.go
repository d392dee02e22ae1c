package page

import (
	"sync"
	"time"

	catalogv1 "filmgate.dev/proto/catalog/v1"
)

const (
	photoKept = 30 * time.Second
	// maxPhotos is several full pages; beyond it the cache starts anew.
	maxPhotos = 20_000
)

// photoCache remembers, for moments, what the catalog said of photos, so that a page of 200 thumbnails is one question
// and not 201. What one account was told is never found by another.
type photoCache struct {
	mu     sync.Mutex
	photos map[photoKey]cachedPhoto
}

type photoKey struct{ account, id string }

type cachedPhoto struct {
	photo *catalogv1.Photo
	until time.Time
}

func newPhotoCache() *photoCache { return &photoCache{photos: map[photoKey]cachedPhoto{}} }

func (c *photoCache) put(account string, photos ...*catalogv1.Photo) {
	until := time.Now().Add(photoKept)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.photos)+len(photos) > maxPhotos {
		clear(c.photos)
	}
	for _, photo := range photos {
		c.photos[photoKey{account, photo.GetId()}] = cachedPhoto{photo, until}
	}
}

func (c *photoCache) get(account, id string) *catalogv1.Photo {
	c.mu.Lock()
	defer c.mu.Unlock()
	cached, ok := c.photos[photoKey{account, id}]
	if !ok || time.Now().After(cached.until) {
		return nil
	}
	return cached.photo
}
