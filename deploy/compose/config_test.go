package compose

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestBalancerUnderstandsItsConfiguration(t *testing.T) {
	haproxy, err := exec.LookPath("haproxy")
	if err != nil {
		haproxy = "/usr/sbin/haproxy" // where Debian has it, outside a plain user's path
	}
	if out, err := exec.Command(haproxy, "-c", "-f", "haproxy.cfg").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	content, err := os.ReadFile("haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	edge := project(t).Services["sftp-edge"]
	port := func(setting string) string {
		_, port, _ := strings.Cut(*edge.Environment[setting], ":")
		return port
	}
	for _, want := range []string{"check port " + port("FILMGATE_SFTP_HTTP"), "sftp-edge:" + port("FILMGATE_SFTP_ADDRESS"), "send-proxy-v2"} {
		if !strings.Contains(string(content), want) {
			t.Errorf("the balancer does not say %q", want)
		}
	}
	balancer := project(t).Services["balancer"].Networks["sftp"].Ipv4Address
	if got := *edge.Environment["FILMGATE_SFTP_PROXY_FROM"]; got != balancer+"/32" {
		t.Errorf("the edges believe %s, the balancer is %s", got, balancer)
	}
}

func TestPrometheusAsksEveryService(t *testing.T) {
	var config struct {
		Rules []string `yaml:"rule_files"`
		Jobs  []struct {
			Name string `yaml:"job_name"`
			DNS  []struct {
				Names []string
				Type  string
				Port  int
			} `yaml:"dns_sd_configs"`
		} `yaml:"scrape_configs"`
	}
	load(t, "prometheus.yml", &config)
	asked := map[string]string{}
	for _, job := range config.Jobs {
		if len(job.DNS) != 1 || len(job.DNS[0].Names) != 1 || job.DNS[0].Names[0] != job.Name || job.DNS[0].Type != "A" {
			t.Errorf("%s asks %+v", job.Name, job.DNS)
			continue
		}
		asked[job.Name] = fmt.Sprintf("0.0.0.0:%d", job.DNS[0].Port)
	}
	p := project(t)
	for name, service := range p.Services {
		for setting, value := range service.Environment {
			if regexp.MustCompile(`^FILMGATE_[A-Z]+_HTTP$`).MatchString(setting) {
				if asked[name] != *value {
					t.Errorf("%s has its metrics on %s, Prometheus asks %q", name, *value, asked[name])
				}
				delete(asked, name)
			}
		}
	}
	if len(asked) > 0 {
		t.Errorf("Prometheus asks who is not there: %v", asked)
	}
	mounts(t, "prometheus", filepath.Dir(config.Rules[0]))
}

func TestGrafanaFindsItsData(t *testing.T) {
	var sources struct {
		Sources []struct{ Name, Type, URL, UID string } `yaml:"datasources"`
	}
	load(t, "grafana/datasources.yaml", &sources)
	if len(sources.Sources) != 1 || sources.Sources[0].URL != "http://prometheus:9090" || sources.Sources[0].Type != "prometheus" {
		t.Errorf("its data comes from %+v", sources.Sources)
	}
	var boards struct {
		Providers []struct {
			Type    string
			Options struct{ Path string }
		}
	}
	load(t, "grafana/dashboards.yaml", &boards)
	mounts(t, "grafana", boards.Providers[0].Options.Path)
}

func load(t *testing.T, file string, into any) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// mounts checks that a service has something at a path.
func mounts(t *testing.T, service, path string) {
	t.Helper()
	for _, volume := range project(t).Services[service].Volumes {
		if volume.Target == path {
			return
		}
	}
	t.Errorf("%s has nothing at %s", service, path)
}
