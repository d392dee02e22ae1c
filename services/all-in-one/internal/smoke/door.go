package smoke

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"io/fs"
	"net"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/fault"
)

// album is the folder in the job.
const album = "Smoke test"

// photo is what is uploaded: a picture that never was before.
type photo struct {
	name, path string
	bytes      []byte
}

func newPhoto(job string) (photo, error) {
	const width, height = 320, 240
	picture := image.NewGray(image.Rect(0, 0, width, height))
	if _, err := rand.Read(picture.Pix); err != nil {
		return photo{}, err
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, nil); err != nil {
		return photo{}, err
	}
	name := strings.ToLower(rand.Text()) + ".jpg"
	return photo{name: name, path: path.Join(job, album, name), bytes: out.Bytes()}, nil
}

// door is a photographer's connection.
type door struct {
	conn *ssh.Client
	sftp *sftp.Client
	key  string // the host's
}

// login connects over SSH, and goes on trying while nobody answers.
func (r *run) login(ctx context.Context) (string, error) {
	for {
		var err error
		r.door, err = r.knock(ctx)
		if err == nil {
			break
		}
		if !fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
			return "", err
		}
		timer := time.NewTimer(500 * time.Millisecond)
		select {
		case <-ctx.Done():
			timer.Stop()
			return "", err
		case <-timer.C:
		}
	}
	pinned := "as pinned"
	if r.HostKey == "" {
		pinned = "taken as it is: pin it with FILMGATE_SMOKE_HOST_KEY_SHA256"
	}
	return fmt.Sprintf("%s, host key %s, %s", r.SFTP, r.door.key, pinned), nil
}

func (r *run) knock(ctx context.Context) (*door, error) {
	wire, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", r.SFTP)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "nobody answers at %s", r.SFTP)
	}
	// Whatever the server does or does not, it ends with the context.
	stop := context.AfterFunc(ctx, func() { _ = wire.Close() })
	d := &door{}
	config := &ssh.ClientConfig{
		User: r.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(r.key.signer)},
		HostKeyCallback: func(_ string, _ net.Addr, host ssh.PublicKey) error {
			if d.key = ssh.FingerprintSHA256(host); r.HostKey != "" && d.key != r.HostKey {
				return errOtherHost
			}
			return nil
		},
		// The key whose fingerprint everybody is shown comes first.
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoECDSA256},
		ClientVersion:     "SSH-2.0-filmgate-smoke",
	}
	conn, channels, requests, err := ssh.NewClientConn(wire, r.SFTP, config)
	if err != nil {
		stop()
		_ = wire.Close()
		switch {
		case errors.Is(err, errOtherHost):
			return nil, fault.New(fault.Denied, "the host key of %s is %s, not %s as FILMGATE_SMOKE_HOST_KEY_SHA256 says", r.SFTP, d.key, r.HostKey)
		case errors.Is(err, io.EOF), errors.As(err, new(net.Error)):
			return nil, fault.Wrap(err, fault.Unavailable, "%s broke off", r.SFTP)
		}
		return nil, fault.Wrap(err, fault.Denied, "%s does not let %s in", r.SFTP, r.User)
	}
	d.conn = ssh.NewClient(conn, channels, requests)
	if d.sftp, err = sftp.NewClient(d.conn); err != nil {
		_ = d.conn.Close()
		return nil, fault.Wrap(err, fault.Unavailable, "%s speaks no SFTP", r.SFTP)
	}
	return d, nil
}

var errOtherHost = errors.New("another host key")

// upload puts the photo into the album; the answer to CLOSE is the promise that it is kept.
func (r *run) upload(context.Context) (string, error) {
	var err error
	if r.photo, err = newPhoto(r.Job); err != nil {
		return "", err
	}
	if err := r.door.sftp.MkdirAll("/" + path.Dir(r.photo.path)); err != nil {
		return "", fmt.Errorf("making the folder %s: %w", path.Dir(r.photo.path), err)
	}
	file, err := r.door.sftp.Create("/" + r.photo.path)
	if err != nil {
		return "", fmt.Errorf("opening %s: %w", r.photo.path, err)
	}
	_, err = file.Write(r.photo.bytes)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("sending %s: %w", r.photo.path, err)
	}
	return fmt.Sprintf("%s, %d bytes, said to be kept", r.photo.path, len(r.photo.bytes)), nil
}

func (d *door) remove(name string) error {
	if name == "" {
		return nil
	}
	// After a failed upload there may be nothing.
	if _, err := d.sftp.Stat("/" + name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return d.sftp.Remove("/" + name)
}

func (d *door) close() {
	_ = d.sftp.Close()
	_ = d.conn.Close()
}
