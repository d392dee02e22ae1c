// Package events is the event contract: what Filmgate's services say to each other and to everybody else, on which
// subjects of which streams, and how to say and hear it.
//
// Every event is a CloudEvents 1.0 JSON document with an id made of the fact itself, so that retries, replays and
// repairs say the same sentence again and nobody acts on it twice.
package events

//go:generate go run ./internal/contract
