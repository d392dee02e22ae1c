package embednats

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// Consumer is a program of another team: it pulls the stream through the durable consumer that has its own name, which
// CreateConsumers made for it, and can do nothing else. It needs no options: its URL is enough.
//
// Each consumer has an account of its own, so that what it may do is what is imported there. Subject permissions in the
// services' account would not do: whoever may create a consumer chooses where its messages are delivered, and whoever may
// listen on _INBOX.> hears every reply.
type Consumer struct {
	Name     string
	Password string
	Stream   string
}

var (
	token = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	// secret leaves out whatever would need escaping in a URL or in the server's configuration.
	secret = regexp.MustCompile(`^[A-Za-z0-9_.~-]{1,256}$`)
)

func (c Consumer) check() error {
	switch {
	case !token.MatchString(c.Name):
		return fmt.Errorf("a consumer cannot be called %q: use letters, digits, _ and -", c.Name)
	case c.Name == serviceUser:
		return fmt.Errorf("a consumer cannot be called %q: that is the services' own name", c.Name)
	case !token.MatchString(c.Stream):
		return fmt.Errorf("consumer %s: there can be no stream called %q", c.Name, c.Stream)
	case !secret.MatchString(c.Password):
		return fmt.Errorf("consumer %s needs a password of letters, digits, _ . ~ and -", c.Name)
	}
	return nil
}

// services are the subjects that the consumer may send requests to.
func (c Consumer) services() []string {
	return []string{
		"$JS.API.STREAM.INFO." + c.Stream,
		"$JS.API.CONSUMER.INFO." + c.Stream + "." + c.Name,
		"$JS.API.CONSUMER.MSG.NEXT." + c.Stream + "." + c.Name,
		// Both forms of acknowledgement subject: with and without domain and account hash.
		"$JS.ACK." + c.Stream + "." + c.Name + ".>",
		"$JS.ACK.*.*." + c.Stream + "." + c.Name + ".>",
	}
}

func (c Config) options() (*server.Options, error) {
	host, port, err := splitAddr(c.Addr)
	if err != nil {
		return nil, err
	}
	opts := &server.Options{}
	if err := opts.ProcessConfigString(c.accounts()); err != nil {
		return nil, fmt.Errorf("configure the event server: %w", err)
	}
	opts.ServerName = "filmgate"
	opts.Host, opts.Port = host, port
	opts.NoSigs = true
	opts.JetStream = true
	opts.StoreDir = c.Dir
	opts.SyncAlways = !c.SyncLazily
	return opts, nil
}

// splitAddr answers the server's notation, in which port 0 means the well-known one and -1 a free one.
func splitAddr(addr string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("the event server's address %q is not host:port", addr)
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("the event server's address %q has no valid port", addr)
	}
	if n == 0 {
		return host, server.RANDOM_PORT, nil
	}
	return host, int(n), nil
}

// accounts writes who may do what in the server's configuration language: only that gives an account JetStream without
// losing the limits' defaults. Every value in it was checked, so none needs escaping.
func (c Config) accounts() string {
	var strangers, exports strings.Builder
	for _, consumer := range c.Consumers {
		account := "consumer-" + consumer.Name
		var imports, mappings strings.Builder
		for _, subject := range consumer.services() {
			// On $JS.API an account without JetStream is told just that, so the import stands elsewhere and requests are led to it.
			local := strings.Replace(subject, "$JS.API.", "$JS.filmgate.API.", 1)
			fmt.Fprintf(&imports, "      { service: { account: %q, subject: %q }, to: %q }\n", serviceUser, subject, local)
			if local != subject {
				fmt.Fprintf(&mappings, "      %q: %q\n", subject, local)
			}
			// A stream of responses: one pull request is answered by many messages.
			fmt.Fprintf(&exports, "      { service: %q, response_type: stream, accounts: [%q] }\n", subject, account)
		}
		fmt.Fprintf(&strangers, "  %q: {\n    users: [{ user: %q, password: %q }]\n    mappings: {\n%s    }\n    imports: [\n%s    ]\n  }\n",
			account, consumer.Name, consumer.Password, mappings.String(), imports.String())
	}
	return fmt.Sprintf(`accounts: {
  %q: {
    jetstream: enabled
    users: [{ user: %q, password: %q }]
    exports: [
%s    ]
  }
%s}
`, serviceUser, serviceUser, c.Token, exports.String(), strangers.String())
}
