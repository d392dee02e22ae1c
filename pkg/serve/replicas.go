package serve

import (
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"filmgate.dev/pkg/fault"
)

const (
	// maxReplicas bounds a written list; a name that DNS knows has no such bound.
	maxReplicas = 64
	// takeTurns gives calls to every replica that answers, in turn. A replica that died is left out as soon as its connection
	// breaks; the library's own choice would keep all calls on the first one that it reached.
	takeTurns = `{"loadBalancingConfig": [{"round_robin": {}}]}`
	// listScheme names targets that are a list: host:port,host:port.
	listScheme = "list"
)

// replicas answers the addresses of a target: itself, or those of a list "host:port,host:port".
func replicas(target string) ([]string, error) {
	if !strings.Contains(target, ",") {
		return []string{target}, nil
	}
	list := strings.Split(target, ",")
	if len(list) > maxReplicas {
		return nil, fault.New(fault.Invalid, "%d addresses are too many to dial: give a name that DNS knows", len(list))
	}
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
		if host, port, err := net.SplitHostPort(list[i]); err != nil || host == "" || port == "" {
			return nil, fault.New(fault.Invalid, "%q is not a list of addresses to dial: say host:port,host:port", target)
		}
	}
	return list, nil
}

// listed makes the options that dial a list. Each replica's certificate is checked against its own host.
func listed(list []string) grpc.DialOption {
	known := make([]resolver.Endpoint, len(list))
	for i, address := range list {
		host, _, _ := net.SplitHostPort(address) // replicas saw that it has both
		known[i].Addresses = []resolver.Address{{Addr: address, ServerName: host}}
	}
	r := manual.NewBuilderWithScheme(listScheme)
	r.InitialState(resolver.State{Endpoints: known})
	return grpc.WithResolvers(r)
}
