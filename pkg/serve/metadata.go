package serve

import (
	"context"
	"strings"

	"google.golang.org/grpc/metadata"
)

// The metadata keys of every call.
const (
	authorizationKey = "authorization"
	accountKey       = "filmgate-account"
	bearerPrefix     = "Bearer "
)

// WithBearer makes calls with ctx carry the token, whatever the connection's default is.
func WithBearer(ctx context.Context, token string) context.Context {
	return withMetadata(ctx, authorizationKey, bearerPrefix+token)
}

// WithAccount makes calls with ctx name the account: for tokens of services and operators, which have none of their own.
func WithAccount(ctx context.Context, slug string) context.Context {
	return withMetadata(ctx, accountKey, slug)
}

// BearerToken answers the token of an incoming call, or "".
func BearerToken(ctx context.Context) string {
	value := incoming(ctx, authorizationKey)
	if len(value) >= len(bearerPrefix) && strings.EqualFold(value[:len(bearerPrefix)], bearerPrefix) {
		return value[len(bearerPrefix):]
	}
	return ""
}

// AccountName answers the account that an incoming call names, or "".
func AccountName(ctx context.Context) string { return incoming(ctx, accountKey) }

func withMetadata(ctx context.Context, key, value string) context.Context {
	out, _ := metadata.FromOutgoingContext(ctx)
	out = out.Copy()
	out.Set(key, value)
	return metadata.NewOutgoingContext(ctx, out)
}

func incoming(ctx context.Context, key string) string {
	values := metadata.ValueFromIncomingContext(ctx, key)
	if len(values) != 1 {
		return ""
	}
	return values[0]
}
