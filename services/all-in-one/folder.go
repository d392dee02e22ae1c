package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// openFolder makes the data folder if it is missing, checks that it can be written, and locks it for this process. The
// lock goes when the process does, however it ends.
func openFolder(data string) (unlock func() error, err error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data folder %s: %w; choose another with --data", data, reason(err))
	}
	lock, err := os.OpenFile(filepath.Join(data, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot write to the data folder %s: %w; choose another with --data", data, reason(err))
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another Filmgate is already running on the data folder %s: stop it first, or give this one a folder of its own with --data", data)
		}
		return nil, fmt.Errorf("cannot lock the data folder %s: %w", data, err)
	}
	return lock.Close, nil
}

// reason takes the path off a file error: the sentence around it names the folder already.
func reason(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
