package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// cluster is what deploy/local/cluster.sh runs in a folder of its own.
type cluster struct {
	script string
	data   string
	env    map[string]string // what `cluster.sh env` says
}

func (c *cluster) start(ctx context.Context) error {
	if _, err := c.run(ctx, "start"); err != nil {
		return err
	}
	text, err := c.run(ctx, "env")
	if err != nil {
		return err
	}
	c.env = map[string]string{}
	for said := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(said), "export "), "=")
		c.env[name] = strings.Trim(value, `'"`)
	}
	return nil
}

func (c *cluster) stop() error {
	_, err := c.run(context.Background(), "stop") // also when everything else was told to end
	return err
}

func (c *cluster) run(ctx context.Context, command string) (string, error) {
	cmd := exec.CommandContext(ctx, c.script, command)
	cmd.Env = append(os.Environ(), "FILMGATE_CLUSTER_DATA="+c.data)
	out, err := output(cmd)
	if err != nil {
		return "", fmt.Errorf("cluster.sh %s: %w", command, err)
	}
	return string(out), nil
}

// filmgate runs the operator's command and puts what it answers into a value.
func (c *cluster) filmgate(ctx context.Context, answer any, args ...string) error {
	bin, _, _ := strings.Cut(c.env["PATH"], ":")
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "filmgate"), append(args, "--account", account, "--json")...)
	cmd.Env = os.Environ()
	for name, value := range c.env {
		if name != "PATH" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	out, err := output(cmd)
	if err != nil {
		return fmt.Errorf("filmgate %s: %w", strings.Join(args, " "), err)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(out, answer)
}

// processes answers where each process has its /metrics, by its name, such as sftp-edge-1.
func (c *cluster) processes() (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(c.data, "run/ports"))
	if err != nil {
		return nil, err
	}
	services := []string{"album-mapper", "job-status", "processing", "sftp-edge", "studio"}
	at := map[string]string{}
	for said := range strings.Lines(string(text)) {
		name, port, _ := strings.Cut(strings.TrimSpace(said), "=")
		if process, ok := strings.CutSuffix(name, "-http"); ok && slices.Contains(services, service(process)) {
			at[process] = "127.0.0.1:" + port
		}
	}
	if len(at) < len(services) {
		return nil, fmt.Errorf("only these processes have metrics: %v", at)
	}
	return at, nil
}

// service is the name of a process without its number.
func service(process string) string { return process[:strings.LastIndex(process, "-")] }

// output runs a program; what it complained about is in the error.
func output(cmd *exec.Cmd) ([]byte, error) {
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return out, err
}
