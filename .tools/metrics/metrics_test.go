// Package metrics holds the dashboards and alert rules against the product: every metric and label that they name is served
// by a filmgate that runs.
package metrics

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

const root = "../.."

// scraped are labels that Prometheus adds to whatever it fetches.
var scraped = []string{"instance", "job", "namespace", "le", "__name__"}

func TestEveryMetricThatIsNamedIsServed(t *testing.T) {
	named := map[string][]string{} // where each query is
	for _, file := range glob(t, "charts/filmgate/rules/*.yaml") {
		for _, expr := range rules(t, file) {
			named[expr] = append(named[expr], filepath.Base(file))
		}
	}
	for _, file := range glob(t, "charts/filmgate/dashboards/*.json") {
		for _, expr := range queries(t, file) {
			named[expr] = append(named[expr], filepath.Base(file))
		}
	}
	if len(named) < 50 {
		t.Fatalf("only %d queries were found", len(named))
	}
	served := serve(t)
	used := map[string]bool{}
	for expr, where := range named {
		for _, problem := range check(expr, served, used) {
			t.Errorf("%v: %s\n\tin %s", where, problem, expr)
		}
	}
	t.Logf("%d queries name %d metrics; %d are served", len(named), len(used), len(served))
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v %v", pattern, found, err)
	}
	return found
}

func rules(t *testing.T, file string) (exprs []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Groups []struct {
			Rules []struct{ Expr string }
		}
	}
	if err := yaml.Unmarshal(data, &all); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, group := range all.Groups {
		for _, rule := range group.Rules {
			exprs = append(exprs, rule.Expr)
		}
	}
	return exprs
}

// anyNamespace stands for what a dashboard's variable holds.
const anyNamespace = ".*"

// queries finds every "expr" of a dashboard, and puts something in place of Grafana's own variables.
func queries(t *testing.T, file string) (exprs []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var board any
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			if expr, ok := node["expr"].(string); ok {
				exprs = append(exprs, strings.NewReplacer("$__rate_interval", "5m", "$__range", "6h", "$namespace", anyNamespace).Replace(expr))
			}
			for _, value := range node {
				walk(value)
			}
		case []any:
			for _, value := range node {
				walk(value)
			}
		}
	}
	walk(board)
	return exprs
}

// serve runs the whole product and answers what it serves: the labels of each metric, with their values.
func serve(t *testing.T) map[string]map[string][]string {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "filmgate")
	build := exec.Command("go", "build", "-o", binary, "./services/all-in-one")
	build.Dir = root
	build.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GOWORK=") || strings.HasPrefix(v, "GOFLAGS=") })
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building filmgate: %v\n%s", err, out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	run := exec.Command(binary, "run", "--data", filepath.Join(dir, "data"), "--sftp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--metrics", address)
	run.Stderr = os.Stderr
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Signal(os.Interrupt)
		_ = run.Wait()
	})
	var served map[string]map[string][]string
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		served, err = scrape("http://" + address + "/metrics")
		// What the bus is asked for comes last.
		if err == nil && served["filmgate_stream_replicas"] != nil && served["filmgate_dlq_messages"] != nil && served["filmgate_outbox_depth"] != nil && len(served["filmgate_consumer_oldest_seconds"]["consumer"]) == 4 {
			return served
		}
		if time.Now().After(deadline) {
			t.Fatalf("filmgate does not serve all of its metrics: %v, %v", err, slices.Sorted(maps.Keys(served)))
		}
	}
}

func scrape(url string) (map[string]map[string][]string, error) {
	answer, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	textParser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := textParser.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	served := map[string]map[string][]string{}
	for name, family := range families {
		values := map[string][]string{}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				values[label.GetName()] = append(values[label.GetName()], label.GetValue())
			}
		}
		served[name] = values
		if family.GetType().String() == "HISTOGRAM" {
			for _, end := range []string{"_bucket", "_sum", "_count"} {
				served[name+end] = values
			}
		}
	}
	return served, nil
}

// check answers what a query names that is not served.
func check(expr string, served map[string]map[string][]string, used map[string]bool) (problems []string) {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return []string{err.Error()}
	}
	has := func(metric, label string) bool {
		_, ok := served[metric][label]
		return ok || slices.Contains(scraped, label)
	}
	var walk func(parser.Node) []string // answers the metrics below a node
	walk = func(node parser.Node) (metrics []string) {
		for child := range parser.ChildrenIter(node) {
			metrics = append(metrics, walk(child)...)
		}
		switch n := node.(type) {
		case *parser.VectorSelector:
			metrics = append(metrics, n.Name)
			used[n.Name] = true
			if served[n.Name] == nil {
				problems = append(problems, n.Name+" is not served")
				break
			}
			for _, m := range n.LabelMatchers {
				if m.Name == "le" && m.Type == labels.MatchEqual && !strings.Contains(m.Value, ".") {
					problems = append(problems, fmt.Sprintf(`%[1]s with %[2]s: Prometheus 3 keeps a bound of %[3]s as %[3]s.0; say le=~"%[3]s([.]0)?"`, n.Name, m, m.Value))
				}
				if !has(n.Name, m.Name) {
					problems = append(problems, fmt.Sprintf("%s has no label %s", n.Name, m.Name))
				} else if m.Name != "le" && m.Name != labels.MetricName && m.Type == labels.MatchEqual && !slices.Contains(served[n.Name][m.Name], m.Value) {
					problems = append(problems, fmt.Sprintf("%s is never served with %s", n.Name, m))
				}
			}
		case *parser.AggregateExpr:
			for _, metric := range metrics {
				for _, label := range n.Grouping {
					if !n.Without && served[metric] != nil && !has(metric, label) {
						problems = append(problems, fmt.Sprintf("%s has no label %s to group by", metric, label))
					}
				}
			}
		}
		return metrics
	}
	walk(parsed)
	return problems
}

// TestInstallationsStayApart: one Prometheus often watches several namespaces with an installation each. One that is well must
// not hide that another is not: alerts are per namespace, and each query of a dashboard is for the one that is chosen.
func TestInstallationsStayApart(t *testing.T) {
	for _, file := range glob(t, "charts/filmgate/rules/*.yaml") {
		for _, expr := range rules(t, file) {
			for _, problem := range mixed(expr, true) {
				t.Errorf("%s: %s\n\tin %s", filepath.Base(file), problem, expr)
			}
		}
	}
	for _, file := range glob(t, "charts/filmgate/dashboards/*.json") {
		for _, expr := range queries(t, file) {
			for _, problem := range mixed(expr, false) {
				t.Errorf("%s: %s\n\tin %s", filepath.Base(file), problem, expr)
			}
		}
	}
	for expr, wrong := range map[string]bool{
		`max by (namespace) (a) > 0`:     false,
		`max(a) > 0`:                     true,
		`max by (namespace) (a) > b`:     false,
		`a > sum by (job) (b)`:           true,
		`max without (namespace) (a)`:    true,
		`max without (instance) (a)`:     false,
		`a and on (namespace, job) b`:    false,
		`a and on (instance, job) b`:     true,
		`a * ignoring (namespace) b`:     true,
		`sum by (namespace) (a + b)`:     false,
		`sum by (namespace) (sum(a))`:    true,
		`rate(a[5m])`:                    false,
		`absent(a)`:                      true,
		`max by (namespace) (absent(a))`: true,
	} {
		if problems := mixed(expr, true); (len(problems) > 0) != wrong {
			t.Errorf("%s: %v", expr, problems)
		}
	}
}

// mixed answers where a query takes several namespaces together: an alert may do so nowhere, a panel where it did not ask for the
// chosen one.
func mixed(expr string, alert bool) (problems []string) {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return []string{err.Error()}
	}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.AggregateExpr:
			if alert && slices.Contains(n.Grouping, "namespace") == n.Without {
				problems = append(problems, n.Op.String()+" is not by namespace")
			}
		case *parser.BinaryExpr:
			if m := n.VectorMatching; alert && m != nil && (m.On || len(m.MatchingLabels) > 0) && slices.Contains(m.MatchingLabels, "namespace") != m.On {
				problems = append(problems, n.Op.String()+" matches across namespaces")
			}
		case *parser.Call:
			if alert && strings.HasPrefix(n.Func.Name, "absent") {
				problems = append(problems, n.Func.Name+" knows no namespace")
			}
		case *parser.VectorSelector:
			chosen := slices.ContainsFunc(n.LabelMatchers, func(m *labels.Matcher) bool {
				return m.Name == "namespace" && m.Type == labels.MatchRegexp && m.Value == anyNamespace
			})
			if !alert && !chosen {
				problems = append(problems, n.Name+` is asked for without namespace=~"$namespace"`)
			}
		}
		return nil
	})
	return problems
}

// TestAWrongNameIsFound keeps the test above honest.
func TestAWrongNameIsFound(t *testing.T) {
	served := map[string]map[string][]string{"filmgate_landed_total": {"result": {"landed"}}, "filmgate_close_seconds_bucket": {}}
	for expr, wrong := range map[string]bool{
		`sum by (result) (rate(filmgate_landed_total[5m]))`:          false,
		`sum by (instance) (filmgate_landed_total{result="landed"})`: false,
		`rate(filmgate_landing_total[5m])`:                           true,
		`sum by (reason) (rate(filmgate_landed_total[5m]))`:          true,
		`filmgate_landed_total{result="lander"}`:                     true,
		`filmgate_landed_total{outcome="landed"}`:                    true,
		`filmgate_close_seconds_bucket{le="5"}`:                      true, // Prometheus 3 keeps 5.0
		`filmgate_close_seconds_bucket{le="0.5"}`:                    false,
		`sum(`: true,
	} {
		if problems := check(expr, served, map[string]bool{}); (len(problems) > 0) != wrong {
			t.Errorf("%s: %v", expr, problems)
		}
	}
}
