package main

import (
	"fmt"
	"slices"
	"strings"
)

// service is a program of ours that gets an image of its own.
type service struct {
	name    string // of the binary and of the image
	module  string // its folder in the checkout
	command string // the package in that folder
	says    string // what the label says that it does
}

// services are all of them. filmgate is the operator's command, which also provisions, smokes and runs everything in one.
var services = []service{
	{"sftp-edge", "services/sftp-edge", "./cmd/sftp-edge", "Filmgate: takes photographers' files over SFTP"},
	{"job-status", "services/job-status", "./cmd/job-status", "Filmgate: accounts, users and jobs, and who may see what"},
	{"album-mapper", "services/album-mapper", "./cmd/album-mapper", "Filmgate: the catalog of albums and photos"},
	{"processing", "services/processing", "./cmd/processing", "Filmgate: thumbnails and previews of photos"},
	{"studio", "services/studio", "./cmd/studio", "Filmgate: the pages that a studio works on"},
	{"filmgate", "services/all-in-one", ".", "Filmgate: the operator's commands, and everything in one process"},
}

// choose answers the services of a list such as "studio,processing"; all of them when it is empty.
func choose(list string) ([]service, error) {
	if list == "" {
		return services, nil
	}
	var chosen []service
	for name := range strings.SplitSeq(list, ",") {
		at := slices.IndexFunc(services, func(s service) bool { return s.name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no service %q; there are %s", name, strings.Join(names(), ", "))
		}
		chosen = append(chosen, services[at])
	}
	return chosen, nil
}

func names() []string {
	var all []string
	for _, s := range services {
		all = append(all, s.name)
	}
	return all
}
