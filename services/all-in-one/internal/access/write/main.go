// Write writes the NATS server's configuration of Filmgate's users into deploy/nats.
package main

import (
	"log"
	"os"
	"path/filepath"

	"filmgate.dev/services/all-in-one/internal/access"
)

func main() {
	dir := os.Args[1]
	for name, credential := range map[string]access.Credential{"nkeys.conf": access.NKeys, "passwords.conf": access.Passwords} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(access.Config(access.Users(), credential)), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
