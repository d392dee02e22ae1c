package jobstatus_test

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	jobstatus "filmgate.dev/services/job-status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	serviceToken  = "the-token-of-services"
	operatorToken = "the-token-of-the-operator"
)

// house is a running job-status and clients of it, over gRPC on loopback.
type house struct {
	t        *testing.T
	identity jobsv1.IdentityServiceClient
	accounts jobsv1.AccountServiceClient
	jobs     jobsv1.JobServiceClient
	users    jobsv1.UserServiceClient
	audit    jobsv1.AuditServiceClient
	edge     jobsv1.EdgeServiceClient
	nats     *nats.Conn
	// operator's calls in the account demo.
	operator context.Context
}

// each runs suite against a service on each kind of database.
func each(t *testing.T, suite func(t *testing.T, h *house)) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) { suite(t, open(t, db)) })
}

func open(t *testing.T, db *sqldb.DB) *house {
	t.Helper()
	_, nc := natstest.Start(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := events.Provision(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	service, err := jobstatus.New(t.Context(), jobstatus.Config{ServiceToken: serviceToken, OperatorToken: operatorToken},
		jobstatus.Deps{DB: db, NATS: nc, Log: log, Installation: "test"})
	if err != nil {
		t.Fatal(err)
	}
	server := serve.NewGRPC(serve.GRPCConfig{Log: log})
	service.Register(server)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := serve.Dial(lis.Addr().String(), serve.DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- service.Run(ctx) }()
	go func() { done <- serve.GRPC(ctx, lis, server) }()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		conn.Close()
	})
	h := &house{
		t: t, nats: nc,
		identity: jobsv1.NewIdentityServiceClient(conn), accounts: jobsv1.NewAccountServiceClient(conn), jobs: jobsv1.NewJobServiceClient(conn),
		users: jobsv1.NewUserServiceClient(conn), audit: jobsv1.NewAuditServiceClient(conn), edge: jobsv1.NewEdgeServiceClient(conn),
	}
	h.operator = h.as(operatorToken, "demo")
	must(h.accounts.CreateAccount(h.operator, &jobsv1.CreateAccountRequest{Slug: "demo", Name: "Demo studio"}))(t)
	return h
}

// as makes calls carry a token and name an account.
func (h *house) as(token, account string) context.Context {
	ctx, cancel := context.WithTimeout(h.t.Context(), 30*time.Second)
	h.t.Cleanup(cancel)
	ctx = serve.WithBearer(ctx, token)
	if account != "" {
		ctx = serve.WithAccount(ctx, account)
	}
	return ctx
}

// service is what the edge's calls carry.
func (h *house) service() context.Context { return h.as(serviceToken, "") }

// must answers what a call answered; it must not fail.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%v (%v)", err, fault.KindOf(err))
		}
		return v
	}
}

// refused checks that a call failed by a kind.
func refused[T any](v T, err error) func(*testing.T, fault.Kind) string {
	return func(t *testing.T, kind fault.Kind) string {
		t.Helper()
		if !fault.Is(err, kind) {
			t.Fatalf("answered %v, %v (%v); want %v", v, err, fault.KindOf(err), kind)
		}
		return fault.Message(err)
	}
}

func (h *house) job(name string, assignees ...string) *jobsv1.Job {
	h.t.Helper()
	return must(h.jobs.CreateJob(h.operator, &jobsv1.CreateJobRequest{InternalName: name, Assignees: assignees}))(h.t)
}

// user makes a person who signs in at the pages, and answers their context.
func (h *house) person(email string, role jobsv1.Role, rights ...string) (*jobsv1.User, context.Context) {
	h.t.Helper()
	made := must(h.users.CreateUser(h.operator, &jobsv1.CreateUserRequest{Email: email, Role: role, Rights: rights}))(h.t)
	in := must(h.identity.SignIn(h.t.Context(), &jobsv1.SignInRequest{Email: email, Password: made.GetGeneratedWebPassword()}))(h.t)
	return made.GetUser(), h.as(in.GetToken(), "")
}

// photographer makes an SFTP user and answers the generated password too.
func (h *house) photographer(name string, jobs ...string) (*jobsv1.User, string) {
	h.t.Helper()
	made := must(h.users.CreateUser(h.operator, &jobsv1.CreateUserRequest{
		DisplayName: name, Role: jobsv1.Role_ROLE_UPLOAD_ONLY, SftpUserName: name, JobIds: jobs,
	}))(h.t)
	return made.GetUser(), made.GetGeneratedSftpPassword()
}

func (h *house) login(name, password string) (*jobsv1.Principal, error) {
	answer, err := h.edge.Authenticate(h.service(), &jobsv1.AuthenticateRequest{
		UserName: name, Credential: &jobsv1.AuthenticateRequest_Password{Password: password},
		ClientAddress: "192.0.2.7:50000", ClientVersion: "SSH-2.0-test",
	})
	return answer.GetPrincipal(), err
}
