package main_test

import (
	"math"
	"net"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdBroken waits until filmgate, started with --log info, has noticed that so many uploads broke off: broken N
func cmdBroken(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	eventually(ts, "broken "+args[0], func() (bool, string) {
		log := ts.ReadFile("filmgate.log")
		return strings.Count(log, `msg="an upload broke off"`) >= want, log
	})
}

// cmdWithin runs a client, which must need no more than so many bytes towards the server, its login included: what goes on
// does not send everything again: within BYTES CLIENT ARG...
func cmdWithin(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || clients[args[1]] == nil {
		ts.Fatalf("usage: within BYTES CLIENT ARG...")
	}
	most, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	port := ts.Getenv("SFTP_PORT")
	p := newProxy(ts, net.JoinHostPort(ts.Getenv("SFTP_HOST"), port), math.MaxInt64)
	defer p.end()
	ts.Setenv("SFTP_PORT", p.port())
	clients[args[1]](ts, neg, args[2:])
	ts.Setenv("SFTP_PORT", port)
	if sent := p.passed.Load(); sent > most {
		ts.Fatalf("%s sent %d bytes", args[1], sent)
	}
}
