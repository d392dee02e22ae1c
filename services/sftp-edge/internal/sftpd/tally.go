package sftpd

import (
	"log/slog"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// tellEvery is how often the log hears of those who were turned away: a flood must not become one of log lines.
const tellEvery = 10 * time.Second

// tally counts the connections that were turned away, by reason.
type tally struct {
	log     *slog.Logger
	counter *prometheus.CounterVec

	mu     sync.Mutex
	told   time.Time
	untold map[string]int
}

func newTally(log *slog.Logger) *tally {
	t := &tally{
		log: log, untold: make(map[string]int),
		counter: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filmgate_sftp_turned_away_total", Help: "Connections that were turned away, by reason.",
		}, []string{"reason"}),
	}
	for _, reason := range []string{
		reasonFull, reasonAddress, reasonStrangers, reasonFewStrangers, reasonSameStrangers,
		reasonHeader, reasonElsewhere, reasonAlgorithms, reasonBanned, reasonUser,
	} { // so that the first is a rise
		t.counter.WithLabelValues(reason)
	}
	return t
}

// add counts one, and tells the log of it and of those since the last time, unless that was just now.
func (t *tally) add(reason string, client net.Addr, more ...any) {
	t.counter.WithLabelValues(reason).Inc()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.untold[reason]++
	if time.Since(t.told) < tellEvery {
		return
	}
	t.told = time.Now()
	t.log.Warn("connections were turned away", append([]any{"reasons", maps.Clone(t.untold), "last_reason", reason, "last_client", client.String()}, more...)...)
	clear(t.untold)
}
