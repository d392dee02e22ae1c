package sftpedge

import (
	"math"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/sftp-edge/internal/sftpd"
)

const (
	leastMemory    = 64 << 20
	usualMemory    = 512 << 20
	leastBandwidth = 64 << 10
)

// transferMemory is half of what the Go runtime was told that the process may use: transfers also need memory in the
// kernel's and the libraries' buffers, and the rest of the process needs some.
func transferMemory() env.Bytes {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return usualMemory
	}
	return env.Bytes(max(limit/2, leastMemory))
}

// parseBalancers reads networks, or single addresses.
func parseBalancers(texts []string) (sftpd.Balancers, error) {
	var list sftpd.Balancers
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if address, e := netip.ParseAddr(text); e == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		switch {
		case err != nil:
			return nil, fault.New(fault.Invalid, "FILMGATE_SFTP_PROXY_FROM: %q is not a network; say for example 10.0.0.0/8", text)
		case prefix.Bits() == 0:
			return nil, fault.New(fault.Invalid, "FILMGATE_SFTP_PROXY_FROM: %q would let everybody say who they are; name the load balancers' own networks", text)
		}
		list = append(list, prefix.Masked())
	}
	return list, nil
}

// parseStartups reads start:rate:full, or one number, up to which all are taken.
func parseStartups(text string) (sftpd.Startups, error) {
	parts := strings.Split(text, ":")
	if len(parts) == 1 {
		parts = []string{text, "100", text}
	}
	var n [3]int
	bad := len(parts) != len(n)
	for i, part := range parts[:min(len(parts), len(n))] {
		value, err := strconv.Atoi(strings.TrimSpace(part))
		bad = bad || err != nil || value < 1
		n[i] = value
	}
	if bad || n[1] > 100 || n[2] < n[0] {
		return sftpd.Startups{}, fault.New(fault.Invalid, "FILMGATE_SFTP_MAX_UNAUTHENTICATED is %q; say start:rate:full, for example 64:30:256", text)
	}
	return sftpd.Startups{Start: n[0], Rate: n[1], Full: n[2]}, nil
}
