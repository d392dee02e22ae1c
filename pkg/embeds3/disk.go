package embeds3

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// disk knows which files and folders an object consists of.
type disk struct {
	buckets string
	// attributes is empty where the file system keeps attributes with the file.
	attributes string
	sync       func(path string) error
}

// commit syncs what a key's write has created or changed: the file, its attributes, and the folders up to the top.
func (d disk) commit(bucket, key string) error {
	file := filepath.Join(d.buckets, bucket, filepath.FromSlash(key))
	if err := d.sync(file); err != nil {
		return err
	}
	if err := d.syncParents(file, d.buckets); err != nil {
		return err
	}
	if d.attributes == "" {
		return nil
	}
	folder := filepath.Join(d.attributes, bucket, filepath.FromSlash(key), "meta")
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was said about it
	}
	if err != nil {
		return fmt.Errorf("list attributes: %w", err)
	}
	for _, entry := range entries {
		if err := d.sync(filepath.Join(folder, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err // a file that is gone was another write's temporary one
		}
	}
	return d.syncParents(filepath.Join(folder, "any"), d.attributes)
}

// syncParents syncs every folder above path up to top, because each may have been created for it.
func (d disk) syncParents(path, top string) error {
	for path != top {
		path = filepath.Dir(path)
		if err := d.sync(path); err != nil {
			return err
		}
	}
	return nil
}

// fsync waits until the disk holds the file or folder. Opening it anew is enough: the kernel syncs the file, not the handle.
func fsync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync to disk: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s to disk: %w", path, err)
	}
	return nil
}
