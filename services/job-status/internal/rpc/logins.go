package rpc

import (
	"github.com/prometheus/client_golang/prometheus"

	"filmgate.dev/pkg/telemetry"
)

// logins counts who came in, and who did not.
type logins struct {
	counted *prometheus.CounterVec
	bans    prometheus.Counter
}

const (
	viaSFTP = "sftp"
	viaWeb  = "web"

	loginOK      = "ok"
	loginRefused = "refused"
	loginBanned  = "banned" // refused unseen
)

func newLogins(r prometheus.Registerer) logins {
	l := logins{
		counted: telemetry.Counter(r, "filmgate_logins_total", "Logins over sftp and web, by result: ok, refused, banned (refused unseen).", "via", "result"),
		bans:    telemetry.Counter(r, "filmgate_bans_total", "Addresses that were banned for too many failed logins.").WithLabelValues(),
	}
	for _, result := range []string{loginOK, loginRefused} { // so that the first is a rise
		l.counted.WithLabelValues(viaSFTP, result)
		l.counted.WithLabelValues(viaWeb, result)
	}
	l.counted.WithLabelValues(viaSFTP, loginBanned)
	return l
}

func (l logins) count(via, result string) { l.counted.WithLabelValues(via, result).Inc() }
