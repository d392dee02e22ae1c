package jobstatus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

func TestOperatorsNameTheAccount(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		must(h.accounts.CreateAccount(h.as(serviceToken, ""), &jobsv1.CreateAccountRequest{Slug: "berg"}))(t)
		refused(h.accounts.CreateAccount(h.operator, &jobsv1.CreateAccountRequest{Slug: "berg"}))(t, fault.Exists)
		refused(h.accounts.CreateAccount(h.operator, &jobsv1.CreateAccountRequest{Slug: "Berg!"}))(t, fault.Invalid)
		if got := must(h.accounts.ListAccounts(h.operator, &jobsv1.ListAccountsRequest{}))(t).GetAccounts(); len(got) != 2 || got[0].GetSlug() != "berg" || got[0].GetName() != "berg" {
			t.Errorf("accounts: %v", got)
		}
		words := refused(h.jobs.ListJobs(h.as(operatorToken, "nowhere"), &jobsv1.ListJobsRequest{}))(t, fault.NotFound)
		if words != `there is no account "nowhere"` {
			t.Errorf("words: %q", words)
		}
		refused(h.jobs.ListJobs(h.as(operatorToken, ""), &jobsv1.ListJobsRequest{}))(t, fault.Invalid)
		refused(h.jobs.ListJobs(h.as("guessed", "demo"), &jobsv1.ListJobsRequest{}))(t, fault.Denied)

		// What is one account's is not another's.
		j := h.job("JOB00001")
		berg := h.as(operatorToken, "berg")
		refused(h.jobs.GetJob(berg, &jobsv1.GetJobRequest{Key: &jobsv1.GetJobRequest_Id{Id: j.GetId()}}))(t, fault.NotFound)
		refused(h.jobs.SetJobLocked(berg, &jobsv1.SetJobLockedRequest{Id: j.GetId(), Locked: true}))(t, fault.NotFound)
		must(h.jobs.CreateJob(berg, &jobsv1.CreateJobRequest{InternalName: "JOB00001"}))(t)
		anna, _ := h.photographer("anna")
		refused(h.users.GetUser(berg, &jobsv1.GetUserRequest{Key: &jobsv1.GetUserRequest_SftpUserName{SftpUserName: "anna"}}))(t, fault.NotFound)
		refused(h.users.SetUserActive(berg, &jobsv1.SetUserActiveRequest{Id: anna.GetId()}))(t, fault.NotFound)
		refused(h.jobs.CreateJob(berg, &jobsv1.CreateJobRequest{InternalName: "JOB00002", Assignees: []string{anna.GetId()}}))(t, fault.NotFound)
		words = refused(h.users.CreateUser(berg, &jobsv1.CreateUserRequest{Role: jobsv1.Role_ROLE_UPLOAD_ONLY, SftpUserName: "anna"}))(t, fault.Exists)
		if words != "the SFTP user name anna is in use already; choose another" {
			t.Errorf("words: %q", words)
		}
	})
}

func TestPeopleHaveTheirOwnAccount(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		must(h.accounts.CreateAccount(h.operator, &jobsv1.CreateAccountRequest{Slug: "berg"}))(t)
		_, admin := h.person("eva@example.com", jobsv1.Role_ROLE_ADMIN)
		if got := must(h.accounts.GetAccount(admin, &jobsv1.GetAccountRequest{}))(t); got.GetSlug() != "demo" {
			t.Errorf("own account: %v", got)
		}
		refused(h.accounts.GetAccount(admin, &jobsv1.GetAccountRequest{Slug: "berg"}))(t, fault.Denied)
		refused(h.accounts.ListAccounts(admin, &jobsv1.ListAccountsRequest{}))(t, fault.Denied)
		refused(h.accounts.CreateAccount(admin, &jobsv1.CreateAccountRequest{Slug: "mine"}))(t, fault.Denied)
	})
}

func TestIndividualsHaveJustTheirRights(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mine, other := h.job("JOB00001"), h.job("JOB00002")
		_, planner := h.person("planner@example.com", jobsv1.Role_ROLE_INDIVIDUAL, "jobs")
		manager, asManager := h.person("manager@example.com", jobsv1.Role_ROLE_INDIVIDUAL, "users", "upload")
		looker, asLooker := h.person("looker@example.com", jobsv1.Role_ROLE_INDIVIDUAL, "photos")
		admin, asAdmin := h.person("admin@example.com", jobsv1.Role_ROLE_ADMIN)
		must(h.jobs.AssignUsers(planner, &jobsv1.AssignUsersRequest{Id: mine.GetId(), UserIds: []string{looker.GetId()}}))(t)

		// The right jobs.
		if got := must(h.jobs.ListJobs(planner, &jobsv1.ListJobsRequest{}))(t).GetJobs(); len(got) != 2 {
			t.Errorf("the planner sees %v", got)
		}
		if got := must(h.jobs.ListJobs(asLooker, &jobsv1.ListJobsRequest{}))(t).GetJobs(); len(got) != 1 || got[0].GetId() != mine.GetId() {
			t.Errorf("the looker sees %v", got)
		}
		refused(h.jobs.GetJob(asLooker, &jobsv1.GetJobRequest{Key: &jobsv1.GetJobRequest_Id{Id: other.GetId()}}))(t, fault.NotFound)
		words := refused(h.jobs.SetJobLocked(asLooker, &jobsv1.SetJobLockedRequest{Id: mine.GetId(), Locked: true}))(t, fault.Denied)
		if words != `this needs the right "jobs"; ask an administrator of your studio` {
			t.Errorf("words: %q", words)
		}
		refused(h.jobs.CreateJob(asManager, &jobsv1.CreateJobRequest{InternalName: "JOB00003"}))(t, fault.Denied)
		refused(h.audit.ListAudit(asLooker, &jobsv1.ListAuditRequest{}))(t, fault.Denied)

		// The right users, which does not make anybody more than its holder is.
		refused(h.users.ListUsers(asLooker, &jobsv1.ListUsersRequest{}))(t, fault.Denied)
		refused(h.users.GetUser(asLooker, &jobsv1.GetUserRequest{Key: &jobsv1.GetUserRequest_Id{Id: admin.GetId()}}))(t, fault.Denied)
		must(h.users.GetUser(asLooker, &jobsv1.GetUserRequest{Key: &jobsv1.GetUserRequest_Id{Id: looker.GetId()}}))(t)
		refused(h.users.SetWebPassword(asLooker, &jobsv1.SetWebPasswordRequest{Id: admin.GetId()}))(t, fault.Denied)
		must(h.users.CreateUser(asManager, &jobsv1.CreateUserRequest{Role: jobsv1.Role_ROLE_UPLOAD_ONLY, SftpUserName: "anna"}))(t)
		refused(h.users.CreateUser(asManager, &jobsv1.CreateUserRequest{Role: jobsv1.Role_ROLE_ADMIN, Email: "x@example.com"}))(t, fault.Denied)
		refused(h.users.CreateUser(asManager, &jobsv1.CreateUserRequest{Role: jobsv1.Role_ROLE_INDIVIDUAL, Rights: []string{"jobs"}, Email: "x@example.com"}))(t, fault.Denied)
		refused(h.users.UpdateUser(asManager, &jobsv1.UpdateUserRequest{Id: manager.GetId(), DisplayName: "me", Role: jobsv1.Role_ROLE_ADMIN}))(t, fault.Denied)
		refused(h.users.SetWebPassword(asManager, &jobsv1.SetWebPasswordRequest{Id: admin.GetId()}))(t, fault.Denied)
		refused(h.users.SetSFTPAccess(asManager, &jobsv1.SetSFTPAccessRequest{Id: admin.GetId(), UserName: "admin", Enabled: true, GeneratePassword: true}))(t, fault.Denied)

		// The last administrator stays one.
		words = refused(h.users.SetUserActive(asAdmin, &jobsv1.SetUserActiveRequest{Id: admin.GetId()}))(t, fault.Invalid)
		if words != "this is the last administrator of the account; make somebody else one first" {
			t.Errorf("words: %q", words)
		}
		must(h.users.UpdateUser(asAdmin, &jobsv1.UpdateUserRequest{Id: manager.GetId(), DisplayName: "Manager", Role: jobsv1.Role_ROLE_ADMIN, Revision: manager.GetRevision()}))(t)
		refused(h.users.UpdateUser(asAdmin, &jobsv1.UpdateUserRequest{Id: manager.GetId(), DisplayName: "Lost", Role: jobsv1.Role_ROLE_ADMIN, Revision: manager.GetRevision()}))(t, fault.Conflict)
		must(h.users.SetUserActive(asAdmin, &jobsv1.SetUserActiveRequest{Id: admin.GetId()}))(t)
		if _, err := h.jobs.ListJobs(asAdmin, &jobsv1.ListJobsRequest{}); !fault.IsUnauthenticated(err) {
			t.Errorf("switched off, and still in: %v", err)
		}
	})
}

func TestBadUsersAreRefusedInWords(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		role := jobsv1.Role_ROLE_INDIVIDUAL
		for words, req := range map[string]*jobsv1.CreateUserRequest{
			"choose a role: administrator, individual or upload-only":                                 {Email: "a@example.com"},
			`"not an address" is not an e-mail address`:                                               {Role: role, Email: "not an address"},
			`there is no right "fly"; the rights are settings, users, jobs, photos, upload, download`: {Role: role, Email: "a@example.com", Rights: []string{"fly"}},
			"the name of a user is missing":                                                           {Role: role},
			"an SFTP password needs an SFTP user name":                                                {Role: role, Email: "a@example.com", SftpPassword: "long enough"},
			"a password needs at least 8 characters":                                                  {Role: role, Email: "a@example.com", WebPassword: "short"},
			"the name of a user must have at most 200 characters":                                     {Role: role, DisplayName: strings.Repeat("x", 201)},
			`there is no job "nope"`:                                                                  {Role: role, Email: "a@example.com", JobIds: []string{"nope"}},
		} {
			if got := refused(h.users.CreateUser(h.operator, req))(t, kindOf(words)); got != words {
				t.Errorf("words: %q, want %q", got, words)
			}
		}
		if got := must(h.users.ListUsers(h.operator, &jobsv1.ListUsersRequest{}))(t).GetUsers(); len(got) != 0 {
			t.Errorf("refused users are there: %v", got)
		}
	})
}

func kindOf(words string) fault.Kind {
	if strings.HasPrefix(words, "there is no job") {
		return fault.NotFound
	}
	return fault.Invalid
}

func TestAuditIsRecordedOnceAndPaged(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		var events []*jobsv1.AuditEvent
		for i := range 5 {
			events = append(events, &jobsv1.AuditEvent{
				Id: ulid.MustNew(ulid.Timestamp(at.Add(time.Duration(i)*time.Second)), ulid.DefaultEntropy()).String(), Time: timestamppb.New(at), Account: "demo",
				UserName: "anna\x1b[31m", Action: "open_refused", JobId: "j1", Detail: "not a photo",
			})
		}
		for range 2 {
			must(h.audit.RecordAudit(h.service(), &jobsv1.RecordAuditRequest{Events: events}))(t)
		}
		req := &jobsv1.ListAuditRequest{JobId: "j1", PageSize: 2}
		var got []string
		for {
			page := must(h.audit.ListAudit(h.operator, req))(t)
			for _, e := range page.GetEvents() {
				got = append(got, e.GetId())
				if strings.ContainsRune(e.GetUserName(), '\x1b') {
					t.Errorf("a control character is in the audit: %q", e.GetUserName())
				}
			}
			if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
				break
			}
		}
		if len(got) != 5 || got[0] != events[4].GetId() || got[4] != events[0].GetId() {
			t.Errorf("got %v", got)
		}
		// One that nobody can read is refused, and keeps out none of the others.
		good := &jobsv1.AuditEvent{Id: ulid.Make().String(), Account: "demo", Action: "open_refused", JobId: "j2"}
		refused(h.audit.RecordAudit(h.service(), &jobsv1.RecordAuditRequest{Events: []*jobsv1.AuditEvent{{Id: "x", Action: "open"}, good}}))(t, fault.Invalid)
		if kept := must(h.audit.ListAudit(h.operator, &jobsv1.ListAuditRequest{JobId: "j2"}))(t).GetEvents(); len(kept) != 1 {
			t.Errorf("%d events were kept, want the good one", len(kept))
		}
	})
}
