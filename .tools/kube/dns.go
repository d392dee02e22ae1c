package main

import (
	"context"
	"log"
	"os"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	clog "github.com/coredns/coredns/plugin/pkg/log"
)

// dns is CoreDNS with four plugins. Its own main has sixty, and the SDKs of three clouds with them.
func dns(ctx context.Context, args []string) error {
	corefile, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	clog.SetOutput(os.Stderr)
	log.SetOutput(os.Stderr)
	server, err := caddy.Start(caddy.CaddyfileInput{
		Filepath:       args[0],
		Contents:       corefile,
		ServerTypeName: dnsserverType,
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return server.Stop()
}

const dnsserverType = "dns" // as package dnsserver registers it

func init() {
	if err := dnsserver.Register(); err != nil {
		panic(err)
	}
	caddy.Quiet, dnsserver.Quiet = true, true
}
