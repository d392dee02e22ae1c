package charts

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// nats-server itself takes what devstack tells it, for one server and for three: JetStream, and every user by its own key and
// with the rights that it has in production.
func TestNATSTakesItsConfiguration(t *testing.T) {
	t.Setenv("POD_NAME", "devstack-nats-0")
	secrets := inventSecrets(t)
	for _, replicas := range []string{"1", "3"} {
		t.Run(replicas, func(t *testing.T) {
			dir := t.TempDir()
			for _, o := range render(t, "devstack", "devstack", "-f", secrets, "--set", "nats.replicas="+replicas) {
				if o.Data["nats.conf"] != "" {
					write(t, filepath.Join(dir, "nats.conf"), o.Data["nats.conf"])
					write(t, filepath.Join(dir, "nkeys.conf"), o.Data["nkeys.conf"])
				}
				for _, c := range o.pod().Containers {
					for _, e := range c.Env {
						if c.Name == "nats" && e.Value != "" {
							t.Setenv(e.Name, e.Value)
						}
					}
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
			production, err := server.ProcessConfigFile("../deploy/nats/nkeys.conf")
			if err != nil {
				t.Fatal(err)
			}
			if len(options.Nkeys) != 9 || len(options.Users) != 0 {
				t.Errorf("%d users with nkeys, %d with passwords", len(options.Nkeys), len(options.Users))
			}
			rights := map[string]*server.NkeyUser{}
			for _, user := range production.Nkeys {
				rights[user.Nkey] = user
			}
			for _, user := range options.Nkeys {
				if want := rights[user.Nkey]; want == nil || user.Account.Name != want.Account.Name || !reflect.DeepEqual(user.Permissions, want.Permissions) {
					t.Errorf("a user of %s has other rights than in production: %v", user.Account.Name, user.Permissions)
				}
				if user.Permissions == nil && user.Account.Name != "FILMGATE-LISTENER" {
					t.Errorf("a user of %s may do everything", user.Account.Name)
				}
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
