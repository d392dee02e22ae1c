package charts

import (
	"maps"
	"regexp"
	"slices"
	"testing"
)

// devstack lets in whoever of Filmgate is told where it is, and of Filmgate nobody else.
func TestDevstackLetsInWhoNeedsIt(t *testing.T) {
	serves := map[string]*regexp.Regexp{
		"devstack-nats":     regexp.MustCompile(`^FILMGATE_NATS_URL$`),
		"devstack-minio":    regexp.MustCompile(`^FILMGATE_S3_ENDPOINT$`),
		"devstack-postgres": regexp.MustCompile(`^FILMGATE_[A-Z]+_DATABASE(_FILE)?$`),
	}
	lets := map[string]selector{}
	for _, o := range render(t, "devstack", "devstack", "-f", inventSecrets(t)) {
		if o.Kind == "NetworkPolicy" {
			lets[o.Metadata.Name] = o.Spec.Ingress[0].From[0].PodSelector
		}
	}
	pods := 0
	// Another name of the chart changes labels of its pods.
	for _, o := range render(t, "filmgate", "filmgate", "-f", "filmgate/ci/devstack-values.yaml", "--set", "nameOverride=photos") {
		made := o.made()
		for _, c := range made.Spec.Containers {
			pods++
			for name, setting := range serves {
				needs := slices.ContainsFunc(c.Env, func(e variable) bool { return setting.MatchString(e.Name) })
				if admits := lets[name].matches(made.Metadata.Labels); admits != needs {
					t.Errorf("%s: the policy lets %s in: %v; it is told the address: %v", name, o.Metadata.Name, admits, needs)
				}
			}
		}
	}
	if pods != 9 || len(lets) != 3 {
		t.Errorf("there are %d kinds of pods and the policies %v", pods, slices.Collect(maps.Keys(lets)))
	}
}

// selector is a LabelSelector, as far as devstack's policies use it.
type selector struct {
	MatchLabels      map[string]string `yaml:"matchLabels"`
	MatchExpressions []struct {
		Key, Operator string
		Values        []string
	} `yaml:"matchExpressions"`
}

func (s selector) matches(labels map[string]string) bool {
	for key, value := range s.MatchLabels {
		if labels[key] != value {
			return false
		}
	}
	for _, e := range s.MatchExpressions {
		if e.Operator != "In" || !slices.Contains(e.Values, labels[e.Key]) {
			return false
		}
	}
	return len(s.MatchLabels) > 0
}
