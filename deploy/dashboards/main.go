// Command dashboards shows the chart's dashboards with data in them. It starts a cluster on this machine, lets real clients work
// on it while a real Prometheus watches, asks that for the queries of every panel, and draws what it answers.
//
// The pictures resemble Grafana and are not made by it: what is true in them are the numbers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

type options struct {
	root       string
	prometheus string // the program
	ask        string // a Prometheus that runs
	out        string
	data       string
	length     time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", "../..", "the checkout")
	flag.StringVar(&o.prometheus, "prometheus", "", "the program prometheus, to watch a cluster that is started for this")
	flag.StringVar(&o.ask, "ask", "", "the address of a Prometheus that runs, such as http://127.0.0.1:9090: nothing is started, its last minutes are drawn")
	flag.StringVar(&o.out, "out", ".", "the folder for the pictures")
	flag.StringVar(&o.data, "data", "", "a folder that is not there yet for what cluster and Prometheus write, to be kept; a temporary one when empty")
	flag.DurationVar(&o.length, "for", 150*time.Second, "for how long clients work, or which last minutes are drawn")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

func say(format string, args ...any) { fmt.Printf("dashboards: "+format+"\n", args...) }

func run(ctx context.Context, o options) error {
	boards, err := readBoards(filepath.Join(o.root, "charts/filmgate/dashboards"))
	if err != nil {
		return err
	}
	if (o.prometheus == "") == (o.ask == "") {
		return errors.New("say either -prometheus or -ask; --help explains both")
	}
	window, err := openBrowser(ctx)
	if err != nil {
		return err
	}
	defer window.close()
	if o.ask != "" {
		until := time.Now()
		return draw(ctx, o, boards, source{url: o.ask, scrape: scrapeEvery}, window, until.Add(-o.length), until)
	}
	return perform(ctx, o, boards, window)
}

// perform starts everything, draws what it did, and ends it.
func perform(ctx context.Context, o options, boards []board, window *browser) (err error) {
	folder, remove, err := dataFolder(o.data)
	if err != nil {
		return err
	}
	defer remove()
	say("starting a cluster; its logs are in %s", filepath.Join(folder, "cluster/logs"))
	c := &cluster{script: filepath.Join(o.root, "deploy/local/cluster.sh"), data: filepath.Join(folder, "cluster")}
	defer func() { err = errors.Join(err, c.stop()) }()
	if err := c.start(ctx); err != nil {
		return err
	}
	p, err := startPrometheus(ctx, o, filepath.Join(folder, "prometheus"), c)
	if err != nil {
		return err
	}
	defer p.stop()
	work, err := prepareLoad(ctx, c, filepath.Join(folder, "load"), window)
	if err != nil {
		return err
	}
	from := time.Now()
	say("clients work for %v", o.length)
	if err := work.run(ctx, o.length); err != nil {
		return err
	}
	if err := p.settled(ctx, work.sent()); err != nil {
		return err
	}
	until := time.Now()
	say("%d photos are ready; %v to draw", work.sent(), until.Sub(from).Round(time.Second))
	return errors.Join(draw(ctx, o, boards, p.source, window, from, until), p.watched(ctx, from, until))
}

// draw makes the picture of each dashboard, and says what is not right in them.
func draw(ctx context.Context, o options, boards []board, s source, window *browser, from, until time.Time) error {
	var wrong []error
	for _, b := range boards {
		picture, problems, err := drawBoard(ctx, s, b, window, from, until)
		if err != nil {
			return fmt.Errorf("%s: %w", b.file, err)
		}
		for _, problem := range problems {
			wrong = append(wrong, fmt.Errorf("%s: %w", b.file, problem))
		}
		file := filepath.Join(o.out, b.name()+".png")
		if err := os.WriteFile(file, picture, 0o644); err != nil { //nolint:gosec // a picture for everybody
			return err
		}
		say("%s: %d kB", file, len(picture)/1000)
	}
	return errors.Join(wrong...)
}

// dataFolder makes the folder of everything that is written, where PostgreSQL may come to its own as another user.
func dataFolder(name string) (folder string, remove func(), err error) {
	if name != "" {
		if err := os.Mkdir(name, 0o711); err != nil { //nolint:gosec // its folders are closed again
			return "", nil, err
		}
		folder, err = filepath.Abs(name)
		return folder, func() {}, err
	}
	folder, err = os.MkdirTemp("", "filmgate-dashboards-")
	if err != nil {
		return "", nil, err
	}
	return folder, func() { _ = os.RemoveAll(folder) }, os.Chmod(folder, 0o711) //nolint:gosec // as above
}
