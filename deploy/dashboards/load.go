package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/testphotos"
)

const (
	account = "north"
	job     = "SCHOOL-26"
)

// load is a day at a studio, in minutes: photographers who send photos one by one and in heaps, somebody who makes mistakes,
// strangers who try to get in, and a person who watches the studio's page.
type load struct {
	*cluster
	folder  string
	jobID   string
	photos  []string // files of different photos
	window  *browser
	people  struct{ sftp, web string } // passwords
	counted atomic.Int64
}

func prepareLoad(ctx context.Context, c *cluster, folder string, window *browser) (*load, error) {
	l := &load{cluster: c, folder: folder, window: window}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	for i := range 6 {
		name := filepath.Join(folder, fmt.Sprintf("photo-%d.jpg", i))
		photo := testphotos.JPEG(testphotos.Options{Width: 1800, Height: 1200, Seed: uint64(i + 1), Camera: testphotos.Studio(), Quality: 97})
		if err := os.WriteFile(name, photo, 0o600); err != nil {
			return nil, err
		}
		l.photos = append(l.photos, name)
	}
	for _, key := range []string{"eva", "stranger"} {
		if _, err := output(exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", filepath.Join(folder, key))); err != nil {
			return nil, err
		}
	}
	var made struct{ ID string }
	var eva struct{ SFTPPassword string }
	var ada struct{ WebPassword string }
	err := errors.Join(
		c.filmgate(ctx, nil, "account", "create", account),
		c.filmgate(ctx, &made, "job", "create", job),
		c.filmgate(ctx, &eva, "user", "create", "--sftp-user", "eva", "--all-jobs"),
		c.filmgate(ctx, nil, "user", "key", "eva", filepath.Join(folder, "eva.pub")),
		c.filmgate(ctx, &ada, "user", "create", "--email", "ada@studio.example", "--role", "admin"),
	)
	l.jobID, l.people.sftp, l.people.web = made.ID, eva.SFTPPassword, ada.WebPassword
	return l, err
}

// sent is how many good photos were told OK.
func (l *load) sent() int { return int(l.counted.Load()) }

func (l *load) run(ctx context.Context, length time.Duration) error {
	g, ctx := errgroup.WithContext(ctx)
	at := func(share float64, work func(context.Context) error) {
		g.Go(func() error {
			pause(ctx, time.Duration(float64(length)*share))
			return work(ctx)
		})
	}
	at(0.03, func(ctx context.Context) error { return l.oneByOne(ctx, "Class 1", time.Duration(float64(length)*0.9)) })
	at(0.10, func(ctx context.Context) error { return l.oneByOne(ctx, "Class 2", time.Duration(float64(length)*0.6)) })
	at(0.25, func(ctx context.Context) error { return l.heap(ctx, "Class 3", l.lftp) })
	at(0.55, func(ctx context.Context) error { return l.heap(ctx, "Class 4", l.rclone) })
	at(0.08, func(ctx context.Context) error { return l.mistakes(ctx, time.Duration(float64(length)*0.8)) })
	at(0.12, func(ctx context.Context) error { return l.strangers(ctx, time.Duration(float64(length)*0.7)) })
	at(0.40, l.attack)
	at(0.00, func(ctx context.Context) error { return l.watch(ctx, length) })
	return g.Wait()
}

// pause is a person's pace; nobody waits for anything with it.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// oneByOne is a camera that sends what was just taken, faster in the middle of the day.
func (l *load) oneByOne(ctx context.Context, album string, length time.Duration) error {
	cmd := l.sftp(ctx, "eva", "127.0.0.1")
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		_, err := output(cmd)
		done <- err
	}()
	fmt.Fprintf(in, "mkdir \"%s/%s\"\n", job, album)
	n := 0
	for begun := time.Now(); time.Since(begun) < length && ctx.Err() == nil; n++ {
		fmt.Fprintf(in, "put %q \"%s/%s/IMG_%04d.jpg\"\n", l.photos[n%len(l.photos)], job, album, n)
		noon := math.Sin(math.Pi * time.Since(begun).Seconds() / length.Seconds())
		pause(ctx, time.Duration(float64(3*time.Second)/(0.7+1.6*noon)))
	}
	in.Close()
	if err := <-done; err != nil {
		return err
	}
	l.counted.Add(int64(n))
	return nil
}

// heap is a card that is emptied into an album.
func (l *load) heap(ctx context.Context, album string, send func(ctx context.Context, from, album string) error) error {
	const photos = 24
	from := filepath.Join(l.folder, album)
	if err := os.Mkdir(from, 0o700); err != nil {
		return err
	}
	for i := range photos {
		if err := os.Link(l.photos[i%len(l.photos)], filepath.Join(from, fmt.Sprintf("DSC_%04d.jpg", i))); err != nil {
			return err
		}
	}
	if err := send(ctx, from, album); err != nil {
		return err
	}
	l.counted.Add(photos)
	return nil
}

func (l *load) lftp(ctx context.Context, from, album string) error {
	host, port, _ := strings.Cut(l.env["FILMGATE_SMOKE_SFTP"], ":")
	script := filepath.Join(l.folder, "lftp") // the password is in a file of ours, never in an argument
	text := fmt.Sprintf("set sftp:auto-confirm yes\nset sftp:connect-program \"ssh -a -x -F none -oStrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null -oPubkeyAuthentication=no\"\n"+
		"set cmd:fail-exit yes\nopen -p %s -u eva,%s sftp://%s\nmirror -R --parallel=3 \"%s\" \"%s/%s\"\n", port, l.people.sftp, host, from, job, album)
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		return err
	}
	_, err := output(exec.CommandContext(ctx, "lftp", "--norc", "-f", script))
	return err
}

func (l *load) rclone(ctx context.Context, from, album string) error {
	host, port, _ := strings.Cut(l.env["FILMGATE_SMOKE_SFTP"], ":")
	cmd := exec.CommandContext(ctx, "rclone", "--config", "/dev/null", "--transfers", "4", "copy", from, "edge:"+job+"/"+album)
	cmd.Env = append(os.Environ(), "RCLONE_CONFIG_EDGE_TYPE=sftp", "RCLONE_CONFIG_EDGE_HOST="+host, "RCLONE_CONFIG_EDGE_PORT="+port,
		"RCLONE_CONFIG_EDGE_USER=eva", "RCLONE_CONFIG_EDGE_KEY_FILE="+filepath.Join(l.folder, "eva"), "RCLONE_CONFIG_EDGE_DISABLE_HASHCHECK=true")
	_, err := output(cmd)
	return err
}

// sftp is OpenSSH's client with somebody's key, from an address of this machine.
func (l *load) sftp(ctx context.Context, key, from string, more ...string) *exec.Cmd {
	host, port, _ := strings.Cut(l.env["FILMGATE_SMOKE_SFTP"], ":")
	args := append(more, "-F", "none", "-q", "-P", port, "-b", "-", "-i", filepath.Join(l.folder, key), "-oBindAddress="+from, "-oIdentitiesOnly=yes",
		"-oIdentityAgent=none", "-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR", "eva@"+host)
	return exec.CommandContext(ctx, "sftp", args...)
}

// mistakes are those of people and cables: files that are no photos, names that stand nowhere, an upload that breaks off.
func (l *load) mistakes(ctx context.Context, length time.Duration) error {
	files := map[string][]byte{"text.jpg": testphotos.TextNamedJPG(), "page.jpg": testphotos.HTML(), "half.jpg": testphotos.Truncated(), "bomb.jpg": testphotos.Bomb(),
		"large.jpg": make([]byte, 24<<20)}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(l.folder, name), text, 0o600); err != nil {
			return err
		}
	}
	for n, begun := 0, time.Now(); time.Since(begun) < length && ctx.Err() == nil; n++ {
		bad := []string{"text.jpg", "page.jpg", "half.jpg", "bomb.jpg"}[n%4]
		cmd := l.sftp(ctx, "eva", "127.0.0.1")
		cmd.Stdin = strings.NewReader(fmt.Sprintf("-mkdir \"%[1]s/Retakes\"\n-put %[2]q \"%[1]s/Retakes/%[3]d-%[4]s\"\n-put %[2]q notes.txt\n-put %[2]q \"%[1]s/Retakes/notes.docx\"\n"+
			"-mkdir \"%[1]s/Retakes/a/b/c\"\n-ls NOBODY-99\n", job, filepath.Join(l.folder, bad), n, bad))
		if _, err := output(cmd); err != nil {
			return err
		}
		if err := l.breakOff(ctx, n); err != nil {
			return err
		}
		pause(ctx, 4*time.Second)
	}
	return nil
}

// breakOff is a cable that comes loose in the middle of a file.
func (l *load) breakOff(ctx context.Context, n int) error {
	cmd := l.sftp(ctx, "eva", "127.0.0.1", "-l", "16000")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("put %q \"%s/Retakes/large-%d.jpg\"\n", filepath.Join(l.folder, "large.jpg"), job, n))
	if err := cmd.Start(); err != nil {
		return err
	}
	pause(ctx, 5*time.Second)
	_ = cmd.Process.Kill()
	if cmd.Wait() == nil {
		return errors.New("24 MiB at 2 MB/s were sent in 5 s")
	}
	return nil
}

// strangers offer a key that nobody knows, now and then, each from an address of its own.
func (l *load) strangers(ctx context.Context, length time.Duration) error {
	for n, begun := 0, time.Now(); time.Since(begun) < length && ctx.Err() == nil; n++ {
		if err := l.knock(ctx, fmt.Sprintf("127.0.0.%d", 20+n%8)); err != nil {
			return err
		}
		pause(ctx, 6*time.Second)
	}
	return nil
}

// attack is one address that does not give up: it is banned.
func (l *load) attack(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for range 5 {
		g.Go(func() error {
			for range 6 {
				if err := l.knock(ctx, "127.0.0.66"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (l *load) knock(ctx context.Context, from string) error {
	_, err := output(l.sftp(ctx, "stranger", from))
	var refused *exec.ExitError
	if err == nil {
		return errors.New("a stranger was let in")
	}
	if !errors.As(err, &refused) {
		return err
	}
	return nil
}
