package events

import (
	"context"
	"encoding/json"
	"reflect"

	"filmgate.dev/pkg/fault"
)

// Handler is told one message. The kind of its error decides what becomes of the message; see Consume.
type Handler = func(context.Context, Message) error

// Handle turns a function about one kind of data into a Handler. A message of another type, or whose data cannot be read,
// is Invalid.
func Handle[T any](handle func(context.Context, Envelope, T) error) Handler {
	return func(ctx context.Context, msg Message) error {
		env, data, err := Open[T](msg.Data)
		if err != nil {
			return err
		}
		return handle(ctx, env, data)
	}
}

// Open decodes an event whose data is a T.
func Open[T any](message []byte) (Envelope, T, error) {
	var data T
	env, err := Decode(message)
	if err != nil {
		return env, data, err
	}
	if kind, known := kindOf(shortType(env.Type)); known && reflect.TypeOf(kind.Data) != reflect.TypeFor[T]() {
		return env, data, fault.New(fault.Invalid, "event %s carries a %T, and was expected to carry a %T", env.ID, kind.Data, data)
	} else if !known {
		return env, data, fault.New(fault.Invalid, "event %s is of the unknown type %s", env.ID, env.Type)
	}
	if err := json.Unmarshal(env.Data, &data); err != nil {
		return env, data, fault.Wrap(err, fault.Invalid, "the data of event %s cannot be read", env.ID)
	}
	return env, data, nil
}

// ByType gives each type of event its handler. Types without one are acknowledged: a consumer is older than the next type.
type ByType map[Type]Handler

// Handle is a Handler.
func (b ByType) Handle(ctx context.Context, msg Message) error {
	env, err := Decode(msg.Data)
	if err != nil {
		return err
	}
	handle, ok := b[shortType(env.Type)]
	if !ok {
		return nil
	}
	return handle(ctx, msg)
}
