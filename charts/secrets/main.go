// Command secrets invents everything secret that a trial needs, and prints it as values of the chart devstack: NATS seeds, S3
// keys, passwords, tokens, SSH host keys, and certificates for the services. Keep the file: the host keys in it are what
// photographers' programs remember.
package main

import (
	"flag"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// Values are what devstack is told.
type Values struct {
	NATS struct {
		Users map[string]string `yaml:"users"` // name → public key
	} `yaml:"nats"`
	Secrets struct {
		Seeds         map[string]string `yaml:"natsSeeds"`
		RoutePassword string            `yaml:"natsRoutePassword"`
		S3            struct {
			AccessKey string `yaml:"accessKey"`
			SecretKey string `yaml:"secretKey"`
		} `yaml:"s3"`
		Postgres struct {
			Superuser string `yaml:"superuser"`
			Owner     string `yaml:"owner"`
			Jobs      string `yaml:"jobs"`
			Catalog   string `yaml:"catalog"`
		} `yaml:"postgres"`
		Tokens struct {
			Service  string `yaml:"service"`
			Operator string `yaml:"operator"`
		} `yaml:"tokens"`
		HostKeys     map[string]string      `yaml:"hostKeys"`
		CA           string                 `yaml:"ca"`
		Certificates map[string]Certificate `yaml:"certificates"`
	} `yaml:"secrets"`
}

func main() {
	release := flag.String("release", "filmgate", "name that charts/filmgate will be installed under")
	namespace := flag.String("namespace", "default", "namespace that it will be installed in")
	domain := flag.String("cluster-domain", "cluster.local", "the cluster's own domain")
	flag.Parse()
	if flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	v, err := invent(*release, *namespace, *domain)
	if err == nil {
		err = print(v)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "secrets:", err)
		os.Exit(1)
	}
}

func print(v Values) error {
	fmt.Println("# Secrets of a trial, for `helm install devstack charts/devstack -f THIS`. Not for production: everything in one file.")
	e := yaml.NewEncoder(os.Stdout)
	e.SetIndent(2)
	return e.Encode(v)
}

// users are the NATS users that charts/filmgate needs, and one for other teams' programs.
var users = []string{"sftp-edge", "job-status", "album-mapper", "processing", "studio", "provision", "restore", "smoke", "listener"}

func invent(release, namespace, domain string) (Values, error) {
	var v Values
	var err error
	v.NATS.Users, v.Secrets.Seeds = map[string]string{}, map[string]string{}
	for _, user := range users {
		if v.NATS.Users[user], v.Secrets.Seeds[user], err = natsUser(); err != nil {
			return v, err
		}
	}
	s := &v.Secrets
	s.RoutePassword = token()
	s.S3.AccessKey, s.S3.SecretKey = "filmgate", token()
	s.Postgres.Superuser, s.Postgres.Owner, s.Postgres.Jobs, s.Postgres.Catalog = token(), token(), token(), token()
	s.Tokens.Service, s.Tokens.Operator = token(), token()
	if s.HostKeys, err = hostKeys(); err != nil {
		return v, err
	}
	s.CA, s.Certificates, err = certificates(release, namespace, domain)
	return v, err
}
