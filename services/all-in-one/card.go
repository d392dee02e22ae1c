package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// card is everything a person or a program needs to use this instance: DIR/card.json, readable by its owner only.
type card struct {
	SFTP struct {
		Address       string `json:"address"` // host:port
		User          string `json:"user"`
		Password      string `json:"password"`
		HostKeySHA256 string `json:"host_key_sha256"` // SHA256:… of the ed25519 key, as OpenSSH prints it
	} `json:"sftp"`
	Studio struct {
		URL      string `json:"url"`
		Email    string `json:"email"`
		Password string `json:"password"`
	} `json:"studio"`
	NATS struct {
		// URL carries the operator's credentials; ConsumerURL those of a program that may only hear PHOTOS.
		URL         string `json:"url"`
		ConsumerURL string `json:"consumer_url"`
	} `json:"nats"`
	S3 struct {
		Endpoint  string `json:"endpoint"`
		AccessKey string `json:"access_key"`
		SecretKey string `json:"secret_key"`
		Bucket    string `json:"bucket"`
	} `json:"s3"`
	GRPC struct {
		Address string `json:"address"`
		Token   string `json:"token"` // the operator's
	} `json:"grpc"`
}

func cardPath(data string) string { return filepath.Join(data, "card.json") }

// readCard finds the instance that uses the data folder.
func readCard(data string) (card, error) {
	var c card
	b, err := os.ReadFile(cardPath(data))
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("no Filmgate instance uses the folder %s: start one with `filmgate run --data %s`, or point --data (or FILMGATE_DATA) at the right folder", data, data)
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("%s is not readable as JSON: %w", cardPath(data), err)
	}
	return c, nil
}

// write stores the card where the operator's commands look for it.
func (c card) write(data string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return writePrivate(cardPath(data), append(b, '\n'))
}

// print shows the card to the person who started the instance; find is what commands need to find its folder.
func (c card) print(w io.Writer, data, find string, first bool) {
	host, port, _ := strings.Cut(c.SFTP.Address, ":")
	if strings.HasPrefix(c.SFTP.Address, "[") {
		i := strings.LastIndex(c.SFTP.Address, ":")
		host, port = c.SFTP.Address[:i], c.SFTP.Address[i+1:]
	}
	fmt.Fprintf(w, `
  Filmgate is running.

  Photographers   sftp://%s
                  user %s   password %s
                  host key %s
                  try: sftp -P %s %s@%s     then: put -r "Class 1" JOB00001
                  (FileZilla: host sftp://%s, port %s)

  Studio          %s
                  e-mail %s   password %s

  Operators       %s job list%s
                  %s events tail%s
                  everything above, and the addresses for programs: %s

  Stop with Ctrl-C.
`,
		c.SFTP.Address, c.SFTP.User, c.SFTP.Password, c.SFTP.HostKeySHA256, port, c.SFTP.User, host, host, port,
		c.Studio.URL, c.Studio.Email, c.Studio.Password,
		command(), find, command(), find, cardPath(data))
	if first {
		fmt.Fprint(w, "\n  First start: the account demo, job JOB00001 and these passwords were just made.\n")
	}
	fmt.Fprintln(w)
}

// command answers how this binary was called: .bin/filmgate is on nobody's PATH.
func command() string {
	if len(os.Args) > 0 && os.Args[0] != "" {
		return os.Args[0]
	}
	return "filmgate"
}

// dataFlag answers what to add to a command so that it finds the folder; nothing where the default does. It is asked
// before the embedded S3 server starts, which changes the working folder.
func dataFlag(data string) string {
	if standard, err := filepath.Abs("filmgate-data"); err == nil && standard == data {
		return ""
	}
	if strings.ContainsAny(data, " '\"()&$") {
		return " --data '" + strings.ReplaceAll(data, "'", `'\''`) + "'"
	}
	return " --data " + data
}

// writePrivate replaces a file that only its owner may read, so that a crash leaves the old content or the new.
func writePrivate(path string, b []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := f.Chmod(0o600); err != nil {
		return errors.Join(err, f.Close())
	}
	if _, err := f.Write(b); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
