// Package fault gives an error one of seven kinds, so that every surface says the same thing about it.
//
// An error that carries no kind is Internal: forgetting to decide never leaks detail to a stranger.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Kind is what an error means, whatever surface it is shown on.
type Kind uint8

// The seven kinds. The zero value is Internal.
const (
	Internal    Kind = iota // a bug, or nobody knows
	Invalid                 // never right as given
	NotFound                // not there (yet)
	Exists                  // already done
	Denied                  // not for you
	Conflict                // lost a race
	Unavailable             // try later
)

// String answers the kind's name, as used in logs and metrics.
func (k Kind) String() string {
	names := [...]string{"internal", "invalid", "not_found", "exists", "denied", "conflict", "unavailable"}
	if int(k) < len(names) {
		return names[k]
	}
	return names[Internal]
}

// Error is a kind with a sentence for the person or program that caused it, and the cause for the log.
type Error struct {
	Kind Kind
	// Message is shown to the sender: our own words, never another library's.
	Message string
	// Cause is for the log only.
	Cause error
}

// Error answers the message, followed by the cause.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.Cause.Error()
}

// Unwrap answers the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an error of a kind with a message for its sender.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Wrap gives cause a kind and a message for its sender; the cause is for the log. A nil cause is no error.
func Wrap(cause error, kind Kind, format string, args ...any) error {
	if cause == nil {
		return nil
	}
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Cause: cause}
}

// KindOf answers the kind of the outermost Error in err's chain. Deadlines and cancellations are Unavailable; anything
// else is Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Unavailable
	}
	return Internal
}

// Is reports whether err is of the kind. A nil error is of no kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Message answers the sentence that err's sender may see. It never contains a cause.
func Message(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Kind != Internal {
		return e.Message
	}
	if KindOf(err) == Unavailable {
		return "the server did not answer in time; try again"
	}
	return "something went wrong on the server; the failure was logged"
}
