package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// prometheus watches a cluster, with the chart's alert rules.
type prometheus struct {
	source
	end   func()        // asks it to end
	ended chan struct{} // closed when it has ended
	err   error         // why it ended; to be read after that
}

func startPrometheus(ctx context.Context, o options, folder string, c *cluster) (*prometheus, error) {
	processes, err := c.processes()
	if err != nil {
		return nil, err
	}
	rules, err := filepath.Abs(filepath.Join(o.root, "charts/filmgate/rules"))
	if err != nil {
		return nil, err
	}
	var config strings.Builder
	fmt.Fprintf(&config, "global: {scrape_interval: %[1]s, scrape_timeout: %[1]s, evaluation_interval: %[1]s}\n", scrapeEvery)
	fmt.Fprintf(&config, "rule_files: [%q]\nscrape_configs:\n", filepath.Join(rules, "*.yaml"))
	for _, process := range slices.Sorted(maps.Keys(processes)) {
		fmt.Fprintf(&config, "  - {job_name: %s, static_configs: [{targets: [%q], labels: {job: %s, instance: %s}}]}\n",
			process, processes[process], service(process), process)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	running, end := context.WithCancel(ctx)
	p := &prometheus{source: source{url: "http://" + address, scrape: scrapeEvery}, ended: make(chan struct{}), end: end}
	cmd := exec.CommandContext(running, o.prometheus, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+address, "--log.level=warn")
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		end()
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	err = p.until(ctx, "every process was looked at", func() (bool, error) {
		up, err := p.number(ctx, "sum(up)")
		return up == float64(len(processes)), err
	})
	if err != nil {
		text, _ := os.ReadFile(log.Name())
		p.stop()
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	return p, nil
}

func (p *prometheus) stop() {
	p.end()
	<-p.ended
}

func freeAddress(ctx context.Context) (string, error) {
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer free.Close()
	return free.Addr().String(), nil
}

// until waits until something is so. An answer that fails is asked for again: servers begin, and are busy.
func (p *prometheus) until(ctx context.Context, what string, so func() (bool, error)) error {
	limit := time.After(10 * time.Minute)
	for {
		ok, err := so()
		if ok && err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
			return fmt.Errorf("prometheus ended before %s: %w", what, p.err)
		case <-limit:
			return fmt.Errorf("it took more than ten minutes until %s: %w", what, err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// settled waits until so many photos are ready and nothing waits any more, as Prometheus sees it.
func (p *prometheus) settled(ctx context.Context, photos int) error {
	return p.until(ctx, "all photos were ready and no message waited", func() (bool, error) {
		ready, err := p.number(ctx, "sum(filmgate_landed_to_ready_seconds_count)")
		if err != nil || ready < float64(photos) {
			return false, err
		}
		wait, err := p.number(ctx, "max(filmgate_consumer_pending_messages) + max(filmgate_consumer_ack_pending_messages)")
		return wait == 0, err
	})
}

// watched answers what was not right in the watching: a process that could not be looked at, a rule that fails, an alert that
// fires though nothing is wrong. It says which alerts were about to.
func (p *prometheus) watched(ctx context.Context, from, until time.Time) error {
	var wrong []error
	over := p.grid(from, until, 1000)
	seen, err := p.lines(ctx, target{Expr: "min by (instance) (up)", LegendFormat: "{{instance}}"}, over)
	if err != nil {
		return err
	}
	for _, l := range seen {
		missed := 0
		for _, up := range l.values {
			if up != 1 {
				missed++
			}
		}
		if missed > len(l.values)/10 { // a busy machine misses one
			wrong = append(wrong, fmt.Errorf("%s could not be looked at for %d of %d steps", l.name, missed, len(l.values)))
		}
	}
	var loaded struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	if err := p.get(ctx, "rules", nil, &loaded); err != nil {
		return err
	}
	rules := 0
	for _, group := range loaded.Groups {
		for _, rule := range group.Rules {
			if rules++; rule.Health != "ok" {
				wrong = append(wrong, fmt.Errorf("the rule %s is %s: %s", rule.Name, rule.Health, rule.LastError))
			}
		}
	}
	if rules == 0 {
		wrong = append(wrong, errors.New("prometheus has no alert rules"))
	}
	alerts, err := p.lines(ctx, target{Expr: "max by (alertname, alertstate) (ALERTS)", LegendFormat: "{{alertname}} {{alertstate}}"}, over)
	if err != nil {
		return err
	}
	for _, l := range alerts {
		if l.labels["alertstate"] == "firing" {
			wrong = append(wrong, fmt.Errorf("the alert %s fires, and nothing is wrong", l.labels["alertname"]))
		} else {
			say("the alert %s was %s for a while", l.labels["alertname"], l.labels["alertstate"])
		}
	}
	say("%d alert rules were loaded; %d of them saw anything", rules, len(alerts))
	return errors.Join(wrong...)
}
