// Package compose holds Filmgate's compose.yaml against what it speaks of: the services' own settings, their images, the
// configuration files beside it, and the secrets that secrets.sh makes. There is no code in it but tests.
package compose
