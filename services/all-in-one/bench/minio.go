package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/objects"
)

// store is a MinIO that keeps its objects in a folder on this disk.
type store struct {
	cmd    *exec.Cmd
	config objects.Config
	bucket *objects.Bucket
}

func startMinIO(ctx context.Context, path, dir string) (*store, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s := &store{config: objects.Config{Endpoint: address, AccessKey: "filmgate", SecretKey: "filmgate-secret", Bucket: "filmgate", Region: "us-east-1"}}
	console, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s.cmd = exec.CommandContext(ctx, path, "server", "--quiet", "--address", address, "--console-address", console, filepath.Join(dir, "minio"))
	s.cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+s.config.AccessKey, "MINIO_ROOT_PASSWORD="+s.config.SecretKey, "MINIO_BROWSER=off",
		"MINIO_UPDATE=off", "HOME="+dir)
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w (`make bench-edge` builds it)", err)
	}
	if err := awaitServer(ctx, address); err != nil {
		return nil, err
	}
	for { // it listens before it is ready
		s.bucket, err = objects.Open(ctx, s.config)
		if !fault.Is(err, fault.Unavailable) {
			return s, err
		}
	}
}

// empty removes every object, so that the next run finds the disk as this one did.
func (s *store) empty(ctx context.Context) error {
	for o, err := range s.bucket.List(ctx, "") {
		if err == nil {
			err = s.bucket.Delete(ctx, o.Key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *store) stop() error {
	s.bucket.Close()
	return errors.Join(s.cmd.Process.Signal(syscall.SIGTERM), s.cmd.Wait())
}
