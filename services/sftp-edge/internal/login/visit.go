package login

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// Visit is one connection that has not logged in yet. The SSH library calls its callbacks one after the other.
type Visit struct {
	door *Door
	ctx  context.Context // ends with the time that a stranger has
	conn ssh.ConnMetadata

	passwords int
	offers    int
	in        bool // somebody was let in
	settled   bool // nothing is left to count: a failure was, or nobody could be asked
	banned    bool
}

// Config is the server's side of this connection.
func (v *Visit) Config() *ssh.ServerConfig {
	config := v.door.config
	config.PasswordCallback = v.password
	config.PublicKeyCallback = v.offered
	config.VerifiedPublicKeyCallback = v.signed
	return &config
}

// End is called when the login is over, however it went. A client that offered keys and never came in has failed once,
// however many keys it had: that is counted here, because keys that are only offered are not.
func (v *Visit) End() {
	if v.in || v.settled || v.offers == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.ctx), patienceAfterwards)
	defer cancel()
	answer, err := v.door.jobs.CountRefusedKeys(ctx, &jobsv1.CountRefusedKeysRequest{
		UserName: valid(v.conn.User()[:min(len(v.conn.User()), maxUserName)]), ClientAddress: v.conn.RemoteAddr().String(),
		ClientVersion: valid(string(v.conn.ClientVersion())), Keys: int32(v.offers), //nolint:gosec // the library allows 128
	})
	if err != nil {
		v.door.log.Warn("a login that failed could not be counted", "client", v.conn.RemoteAddr().String(), "err", fault.FromStatus(err))
		return
	}
	v.obey(answer.GetRefusal())
}

func (v *Visit) password(conn ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
	v.passwords++
	if len(password) > maxPassword {
		return v.refuse(conn, noOrders())
	}
	return v.ask(conn, &jobsv1.AuthenticateRequest{Credential: &jobsv1.AuthenticateRequest_Password{Password: valid(string(password))}})
}

// offered answers whether the key would do. It gives no identity: the client has not shown yet that the key is its own.
func (v *Visit) offered(conn ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	v.offers++
	return v.ask(conn, keyRequest(key, false))
}

func (v *Visit) signed(conn ssh.ConnMetadata, key ssh.PublicKey, _ *ssh.Permissions, _ string) (*ssh.Permissions, error) {
	return v.ask(conn, keyRequest(key, true))
}

func keyRequest(key ssh.PublicKey, signed bool) *jobsv1.AuthenticateRequest {
	return &jobsv1.AuthenticateRequest{Credential: &jobsv1.AuthenticateRequest_PublicKey{
		PublicKey: &jobsv1.PublicKeyCredential{Blob: key.Marshal(), Signed: signed},
	}}
}

// ask has job-status check a credential and does what it says about the time of the answer.
func (v *Visit) ask(conn ssh.ConnMetadata, request *jobsv1.AuthenticateRequest) (*ssh.Permissions, error) {
	v.conn = conn
	if len(conn.User()) > maxUserName || v.banned { // it need not be asked
		return v.refuse(conn, noOrders())
	}
	request.UserName = valid(conn.User())
	request.ClientAddress = conn.RemoteAddr().String()
	request.ClientVersion = valid(string(conn.ClientVersion()))
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	response, err := v.door.jobs.Authenticate(ctx, request)
	orders := ordersOf(err)
	if err = fault.FromStatus(err); err != nil {
		if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
			v.settled = v.settled || orders != nil
			return v.refuse(conn, orders)
		}
		v.settled = true
		v.door.log.Warn("a login could not be checked", "client", request.GetClientAddress(), "err", err)
		return nil, &ssh.BannerError{Err: err, Message: unavailable}
	}
	if response.GetPrincipal().GetUserId() == "" {
		return v.refuse(conn, noOrders())
	}
	if request.GetPublicKey() != nil && !request.GetPublicKey().GetSigned() {
		return &ssh.Permissions{}, nil
	}
	if !v.wait(response.GetDelay().AsDuration()) {
		return nil, errRefused
	}
	v.in = true
	return &ssh.Permissions{ExtraData: map[any]any{principalKey{}: response.GetPrincipal()}}, nil
}

// refuse says no, after the time that was ordered. Only so many clients are kept waiting; those for whom there is no
// place, and those who have tried enough passwords, are sent away.
func (v *Visit) refuse(conn ssh.ConnMetadata, orders *jobsv1.Refusal) (*ssh.Permissions, error) {
	v.conn = conn
	v.obey(orders)
	if delay := orders.GetDelay().AsDuration(); delay > 0 {
		select {
		case v.door.tarpit <- struct{}{}:
			v.wait(delay)
			<-v.door.tarpit
		default:
			return nil, sentAway()
		}
	}
	if v.passwords >= maxPasswords {
		return nil, sentAway()
	}
	return nil, errRefused
}

// obey remembers a ban.
func (v *Visit) obey(orders *jobsv1.Refusal) {
	if orders.GetBannedUntil() == nil {
		return
	}
	v.banned, v.settled = true, true
	v.door.add(Address(v.conn.RemoteAddr()), orders.GetBannedUntil().AsTime())
}

// wait passes time, as long as the client has any. It reports whether all of it passed.
func (v *Visit) wait(delay time.Duration) bool {
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(min(delay, longestDelay))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-v.ctx.Done():
		return false
	}
}

// ordersOf finds what job-status wants done about a refusal.
func ordersOf(err error) *jobsv1.Refusal {
	for _, detail := range status.Convert(err).Details() {
		if orders, ok := detail.(*jobsv1.Refusal); ok {
			return orders
		}
	}
	return nil
}

// noOrders are those for what was refused without asking: they must not be told apart from the others by time.
func noOrders() *jobsv1.Refusal {
	return &jobsv1.Refusal{Delay: durationpb.New(tarpit + rand.N(tarpit))}
}

// sentAway ends the connection: the library does so when no way to log in is left, and knows no other way.
func sentAway() error { return &ssh.PartialSuccessError{} }

// valid makes what a client sent text, which is all that gRPC carries. What is no text has a NUL then, and so is nobody's
// name or password.
func valid(s string) string { return strings.ToValidUTF8(s, "\x00") }
