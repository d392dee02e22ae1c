package charts

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// nats-server itself takes what devstack tells it, for one server and for three: every user by its own key, and JetStream.
func TestNATSTakesItsConfiguration(t *testing.T) {
	t.Setenv("POD_NAME", "devstack-nats-0")
	secrets := inventSecrets(t)
	for _, replicas := range []string{"1", "3"} {
		t.Run(replicas, func(t *testing.T) {
			dir := t.TempDir()
			for _, o := range render(t, "devstack", "devstack", "-f", secrets, "--set", "nats.replicas="+replicas) {
				if text, ok := o.Data["nats.conf"]; ok {
					write(t, filepath.Join(dir, "nats.conf"), text)
				}
				if text, ok := o.StringData["cluster.conf"]; ok {
					write(t, filepath.Join(dir, "routes", "cluster.conf"), text)
				}
			}
			options, err := server.ProcessConfigFile(filepath.Join(dir, "nats.conf"))
			if err != nil {
				t.Fatal(err)
			}
			if !options.JetStream || options.StoreDir != "/data" || options.ServerName != "devstack-nats-0" {
				t.Errorf("JetStream %v in %q of %q", options.JetStream, options.StoreDir, options.ServerName)
			}
			if len(options.Nkeys) != 8 || len(options.Users) != 0 {
				t.Errorf("%d users with nkeys, %d with passwords", len(options.Nkeys), len(options.Users))
			}
			if replicas == "3" && (len(options.Routes) != 3 || options.Cluster.Password == "") {
				t.Errorf("%d routes, password %q", len(options.Routes), options.Cluster.Password)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
