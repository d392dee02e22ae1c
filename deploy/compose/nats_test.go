package compose

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// One of the servers is started for real, from the files that it would be given, and each user logs in with its seed.
func TestUsersOfNATSLogIn(t *testing.T) {
	dir, made := t.TempDir(), secrets(t)
	for line := range strings.Lines(read(t, made, "nats-users.env")) {
		name, key, _ := strings.Cut(strings.TrimSpace(line), "=")
		t.Setenv(name, key)
	}
	for to, from := range map[string]string{
		"nats.conf": "nats.conf", "routes.conf": filepath.Join(made, "nats-routes"), "users.conf": "../nats/nkeys.conf",
	} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options, err := server.ProcessConfigFile(filepath.Join(dir, "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if options.StoreDir != "/data" || options.HTTPPort != 8222 || options.Port != 4222 || options.Cluster.Port != 6222 || !options.SyncAlways {
		t.Errorf("it would serve :%d :%d :%d from %s", options.Port, options.HTTPPort, options.Cluster.Port, options.StoreDir)
	}
	peers := map[string]bool{}
	for _, route := range options.Routes {
		password, _ := route.User.Password()
		if password != options.Cluster.Password || route.User.Username() != options.Cluster.Username {
			t.Errorf("%s would be turned away", route.Host)
		}
		peers[route.Host] = true
	}
	for name := range project(t).Services {
		if strings.HasPrefix(name, "nats-") && !peers[name+":6222"] {
			t.Errorf("nobody looks for %s", name)
		}
	}

	// Alone, on this machine, on any port.
	options.Host, options.Port, options.HTTPPort, options.StoreDir, options.NoSigs, options.NoLog = "127.0.0.1", -1, 0, t.TempDir(), true, true
	options.Routes, options.Cluster = nil, server.ClusterOpts{}
	running, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	running.Start()
	defer running.Shutdown()
	if !running.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	for _, user := range []string{"sftp-edge", "job-status", "album-mapper", "processing", "studio", "provision", "restore", "smoke", "listener"} {
		login, err := nats.NkeyOptionFromSeed(filepath.Join(made, "nats-"+user))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := nats.Connect(running.ClientURL(), login)
		if err != nil {
			t.Errorf("%s: %v", user, err)
			continue
		}
		conn.Close()
	}
	if conn, err := nats.Connect(running.ClientURL()); err == nil {
		conn.Close()
		t.Error("a stranger may come in")
	}
}
