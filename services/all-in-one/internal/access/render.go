package access

//go:generate go run ./write ../../../../deploy/nats

import (
	"fmt"
	"strings"
)

// Account is the NATS account of the services.
const Account = "FILMGATE"

// Credential says how a user proves itself, in the server's configuration.
type Credential func(User) string

// NKeys has users sign with a key of their own; the server knows only its public half, from the environment.
func NKeys(u User) string { return "nkey: $" + Variable("NKEY", u.Name) }

// Passwords has users send a password, which the server has from the environment.
func Passwords(u User) string {
	return fmt.Sprintf("user: %q, password: $%s", u.Name, Variable("PASSWORD", u.Name))
}

// Variable names the server's environment variable of a user.
func Variable(kind, user string) string {
	return "FILMGATE_NATS_" + kind + "_" + strings.ToUpper(strings.ReplaceAll(user, "-", "_"))
}

// Config answers the accounts and users for a nats-server's configuration.
func Config(users []User, credential Credential) string {
	var inside, exports, outside strings.Builder
	for _, u := range users {
		if u.Imported != nil {
			outside.WriteString(u.account(credential, &exports))
			continue
		}
		fmt.Fprintf(&inside, "      # %s\n      { %s, permissions: {\n", u.Does, credential(u))
		if len(u.Publish)+len(u.Deny) > 0 {
			inside.WriteString("        publish: {\n")
			list(&inside, "          allow", u.Publish)
			list(&inside, "          deny", u.Deny)
			inside.WriteString("        }\n")
		}
		list(&inside, "        subscribe", u.Subscribe)
		inside.WriteString("      } }\n")
	}
	return fmt.Sprintf(`# Filmgate's NATS accounts and users, written by `+"`make generate`"+`: do not edit. See deploy/SECURITY.md.
# Add "include <this file>" to a nats-server's configuration and give it the variables named here.
# Their values are read as configuration: a password must begin with a letter, and have nothing but letters, digits, - and _.
accounts: {
  %s: {
    jetstream: enabled
    users: [
%s    ]
    exports: [
%s    ]
  }
%s}
`, Account, inside.String(), exports.String(), outside.String())
}

// account is a program of another team in an account of its own. Permissions in the services' account would not do:
// whoever may pull there chooses where the messages go, also onto subjects that it may not publish on.
func (u User) account(credential Credential, exports *strings.Builder) string {
	name := "FILMGATE-" + strings.ToUpper(u.Name)
	var imports, mappings strings.Builder
	for _, subject := range u.Imported {
		// On $JS.API an account without JetStream is told just that, so the import stands elsewhere and requests are led to it.
		local := strings.Replace(subject, "$JS.API.", "$JS.filmgate.API.", 1)
		fmt.Fprintf(&imports, "      { service: { account: %q, subject: %q }, to: %q }\n", Account, subject, local)
		if local != subject {
			fmt.Fprintf(&mappings, "      %q: %q\n", subject, local)
		}
		// A stream of responses: one pull request is answered by many messages.
		fmt.Fprintf(exports, "      { service: %q, response_type: stream, accounts: [%q] }\n", subject, name)
	}
	return fmt.Sprintf("  # %s\n  %q: {\n    users: [{ %s }]\n    mappings: {\n%s    }\n    imports: [\n%s    ]\n  }\n",
		u.Does, name, credential(u), mappings.String(), imports.String())
}

func list(b *strings.Builder, name string, subjects []string) {
	if len(subjects) == 0 {
		return
	}
	fmt.Fprintf(b, "%s: [\n", name)
	for _, subject := range subjects {
		fmt.Fprintf(b, "            %q\n", subject)
	}
	fmt.Fprintf(b, "%s]\n", strings.Repeat(" ", len(name)-len(strings.TrimLeft(name, " "))))
}
