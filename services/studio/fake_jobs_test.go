package studio_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
	jobsv1 "filmgate.dev/proto/jobs/v1"

	"github.com/oklog/ulid/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const password = "correct horse"

// jobStatus plays job-status: one installation with any number of accounts, in memory.
type jobStatus struct {
	jobsv1.UnimplementedIdentityServiceServer
	jobsv1.UnimplementedJobServiceServer
	jobsv1.UnimplementedUserServiceServer
	jobsv1.UnimplementedAccountServiceServer
	jobsv1.UnimplementedAuditServiceServer
	jobsv1.UnimplementedBanServiceServer

	mu      sync.Mutex
	jobs    []*jobsv1.Job
	users   []*jobsv1.User
	audit   []*jobsv1.AuditEvent
	bans    []*jobsv1.Ban
	tokens  map[string]string // token → user id
	signIns int
	down    bool
}

func (f *jobStatus) caller(ctx context.Context) (*jobsv1.User, error) {
	if f.down {
		return nil, fault.New(fault.Unavailable, "the database cannot be reached; try again")
	}
	id, ok := f.tokens[serve.BearerToken(ctx)]
	if !ok {
		return nil, fault.Unauthenticated("the token is not known")
	}
	return f.user(id)
}

// allowed is caller with a right.
func (f *jobStatus) allowed(ctx context.Context, right string) (*jobsv1.User, error) {
	user, err := f.caller(ctx)
	if err == nil && user.GetRole() != jobsv1.Role_ROLE_ADMIN && !slices.Contains(user.GetRights(), right) {
		return nil, fault.New(fault.Denied, "this needs the right %q", right)
	}
	return user, err
}

func (f *jobStatus) user(id string) (*jobsv1.User, error) {
	for _, user := range f.users {
		if user.GetId() == id {
			return user, nil
		}
	}
	return nil, fault.New(fault.NotFound, "there is no such user")
}

func (f *jobStatus) job(account, id string) (*jobsv1.Job, error) {
	for _, job := range f.jobs {
		if job.GetId() == id && job.GetAccount() == account {
			return job, nil
		}
	}
	return nil, fault.New(fault.NotFound, "there is no such job")
}

// ---- identity ----

func principal(user *jobsv1.User) *jobsv1.Principal {
	return &jobsv1.Principal{
		Account: user.GetAccount(), UserId: user.GetId(), UserName: user.GetEmail(), DisplayName: user.GetDisplayName(),
		Role: user.GetRole(), Rights: user.GetRights(),
	}
}

func (f *jobStatus) SignIn(_ context.Context, r *jobsv1.SignInRequest) (*jobsv1.SignInResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signIns++
	if f.down {
		return nil, fault.New(fault.Unavailable, "the database cannot be reached; try again")
	}
	for _, user := range f.users {
		if user.GetEmail() != "" && user.GetEmail() == r.GetEmail() && r.GetPassword() == password {
			token := "token-" + ulid.Make().String()
			f.tokens[token] = user.GetId()
			return &jobsv1.SignInResponse{Token: token, ExpiresAt: timestamppb.New(time.Now().Add(time.Hour)), Principal: principal(user)}, nil
		}
	}
	return nil, fault.Unauthenticated("e-mail address or password is wrong")
}

func (f *jobStatus) SignOut(ctx context.Context, _ *jobsv1.SignOutRequest) (*jobsv1.SignOutResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.tokens, serve.BearerToken(ctx))
	return &jobsv1.SignOutResponse{}, nil
}

func (f *jobStatus) WhoAmI(ctx context.Context, _ *jobsv1.WhoAmIRequest) (*jobsv1.Principal, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	user, err := f.caller(ctx)
	if err != nil {
		return nil, err
	}
	return principal(user), nil
}

func (f *jobStatus) GetAccount(_ context.Context, r *jobsv1.GetAccountRequest) (*jobsv1.Account, error) {
	return &jobsv1.Account{Slug: r.GetSlug(), Name: "Studio " + strings.ToUpper(r.GetSlug()[:1]) + r.GetSlug()[1:]}, nil
}

// ---- jobs ----

func (f *jobStatus) ListJobs(ctx context.Context, r *jobsv1.ListJobsRequest) (*jobsv1.ListJobsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	user, err := f.caller(ctx)
	if err != nil {
		return nil, err
	}
	answer := &jobsv1.ListJobsResponse{}
	for _, job := range f.jobs {
		text := strings.ToLower(job.GetInternalName() + " " + job.GetName())
		if job.GetAccount() == user.GetAccount() && strings.Contains(text, strings.ToLower(r.GetQuery())) &&
			(len(r.GetStatuses()) == 0 || slices.Contains(r.GetStatuses(), job.GetStatus())) {
			answer.Jobs = append(answer.Jobs, proto.CloneOf(job))
		}
	}
	return answer, nil
}

func (f *jobStatus) GetJob(ctx context.Context, r *jobsv1.GetJobRequest) (*jobsv1.Job, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	user, err := f.caller(ctx)
	if err != nil {
		return nil, err
	}
	job, err := f.job(user.GetAccount(), r.GetId())
	return proto.CloneOf(job), err
}

func (f *jobStatus) CreateJob(ctx context.Context, r *jobsv1.CreateJobRequest) (*jobsv1.Job, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	user, err := f.allowed(ctx, "jobs")
	if err != nil {
		return nil, err
	}
	for _, job := range f.jobs {
		if strings.EqualFold(job.GetInternalName(), r.GetInternalName()) {
			return nil, fault.New(fault.Exists, "there is already a job %s", job.GetInternalName())
		}
	}
	job := &jobsv1.Job{
		Id: ulid.Make().String(), Account: user.GetAccount(), InternalName: r.GetInternalName(),
		Name: cmp.Or(r.GetName(), r.GetInternalName()), Status: jobsv1.JobStatus_JOB_STATUS_PLANNING, Revision: 1, CreatedAt: timestamppb.Now(),
	}
	f.jobs = append([]*jobsv1.Job{job}, f.jobs...)
	return proto.CloneOf(job), nil
}

// change does something to a job at a revision.
func (f *jobStatus) change(ctx context.Context, id string, revision int64, what func(*jobsv1.Job) error) (*jobsv1.Job, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	user, err := f.allowed(ctx, "jobs")
	if err != nil {
		return nil, err
	}
	job, err := f.job(user.GetAccount(), id)
	if err != nil {
		return nil, err
	}
	if revision != 0 && revision != job.GetRevision() {
		return nil, fault.New(fault.Conflict, "somebody changed the job in the meantime; look at it and try again")
	}
	if err := what(job); err != nil {
		return nil, err
	}
	job.Revision++
	return proto.CloneOf(job), nil
}

func (f *jobStatus) UpdateJob(ctx context.Context, r *jobsv1.UpdateJobRequest) (*jobsv1.Job, error) {
	return f.change(ctx, r.GetId(), r.GetRevision(), func(job *jobsv1.Job) error { job.Name = r.GetName(); return nil })
}

func (f *jobStatus) SetJobStatus(ctx context.Context, r *jobsv1.SetJobStatusRequest) (*jobsv1.Job, error) {
	return f.change(ctx, r.GetId(), r.GetRevision(), func(job *jobsv1.Job) error {
		if job.GetStatus() == jobsv1.JobStatus_JOB_STATUS_SELLING && r.GetStatus() == jobsv1.JobStatus_JOB_STATUS_PREPAY {
			return fault.New(fault.Invalid, "a job cannot go from SELLING to PREPAY")
		}
		job.Status = r.GetStatus()
		return nil
	})
}

func (f *jobStatus) SetJobLocked(ctx context.Context, r *jobsv1.SetJobLockedRequest) (*jobsv1.Job, error) {
	return f.change(ctx, r.GetId(), r.GetRevision(), func(job *jobsv1.Job) error { job.Locked = r.GetLocked(); return nil })
}

func (f *jobStatus) AssignUsers(ctx context.Context, r *jobsv1.AssignUsersRequest) (*jobsv1.Job, error) {
	return f.change(ctx, r.GetId(), r.GetRevision(), func(job *jobsv1.Job) error { job.Assignees = r.GetUserIds(); return nil })
}

// ---- users ----

func (f *jobStatus) ListUsers(ctx context.Context, _ *jobsv1.ListUsersRequest) (*jobsv1.ListUsersResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	caller, err := f.allowed(ctx, "users")
	if err != nil {
		return nil, err
	}
	answer := &jobsv1.ListUsersResponse{}
	for _, user := range f.users {
		if user.GetAccount() == caller.GetAccount() {
			answer.Users = append(answer.Users, proto.CloneOf(user))
		}
	}
	return answer, nil
}

// changeUser does something to a user of the caller's account.
func (f *jobStatus) changeUser(ctx context.Context, id string, what func(*jobsv1.User) error) (*jobsv1.User, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	caller, err := f.allowed(ctx, "users")
	if err != nil {
		return nil, err
	}
	user, err := f.user(id)
	if err != nil || user.GetAccount() != caller.GetAccount() {
		return nil, fault.New(fault.NotFound, "there is no such user")
	}
	if err := what(user); err != nil {
		return nil, err
	}
	return proto.CloneOf(user), nil
}

func (f *jobStatus) GetUser(ctx context.Context, r *jobsv1.GetUserRequest) (*jobsv1.User, error) {
	return f.changeUser(ctx, r.GetId(), func(*jobsv1.User) error { return nil })
}

func (f *jobStatus) CreateUser(ctx context.Context, r *jobsv1.CreateUserRequest) (*jobsv1.CreateUserResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	caller, err := f.allowed(ctx, "users")
	if err != nil {
		return nil, err
	}
	for _, user := range f.users {
		if r.GetSftpUserName() != "" && user.GetSftp().GetUserName() == r.GetSftpUserName() {
			return nil, fault.New(fault.Exists, "the SFTP user name %q is taken", r.GetSftpUserName())
		}
	}
	user := &jobsv1.User{
		Id: ulid.Make().String(), Account: caller.GetAccount(), Email: r.GetEmail(), DisplayName: r.GetDisplayName(), Role: r.GetRole(),
		Rights: r.GetRights(), AllJobs: r.GetAllJobs(), Active: true, Revision: 1, CreatedAt: timestamppb.Now(),
	}
	answer := &jobsv1.CreateUserResponse{User: user}
	if r.GetSftpUserName() != "" {
		user.Sftp = &jobsv1.SFTPAccess{UserName: r.GetSftpUserName(), Enabled: true, HasPassword: true}
		answer.GeneratedSftpPassword = "tulip-harbor-61-quilt"
	}
	if r.GetEmail() != "" {
		answer.GeneratedWebPassword = "maple-orbit-27-ferry"
	}
	f.users = append(f.users, user)
	return answer, nil
}

func (f *jobStatus) UpdateUser(ctx context.Context, r *jobsv1.UpdateUserRequest) (*jobsv1.User, error) {
	return f.changeUser(ctx, r.GetId(), func(user *jobsv1.User) error {
		user.DisplayName, user.Role, user.Rights, user.AllJobs = r.GetDisplayName(), r.GetRole(), r.GetRights(), r.GetAllJobs()
		user.Revision++
		return nil
	})
}

func (f *jobStatus) SetUserActive(ctx context.Context, r *jobsv1.SetUserActiveRequest) (*jobsv1.User, error) {
	return f.changeUser(ctx, r.GetId(), func(user *jobsv1.User) error { user.Active = r.GetActive(); return nil })
}

func (f *jobStatus) SetSFTPAccess(ctx context.Context, r *jobsv1.SetSFTPAccessRequest) (*jobsv1.SetSFTPAccessResponse, error) {
	answer := &jobsv1.SetSFTPAccessResponse{}
	user, err := f.changeUser(ctx, r.GetId(), func(user *jobsv1.User) error {
		if user.Sftp == nil {
			user.Sftp = &jobsv1.SFTPAccess{}
		}
		user.Sftp.UserName = cmp.Or(r.GetUserName(), user.Sftp.GetUserName())
		user.Sftp.Enabled = r.GetEnabled()
		if r.GetGeneratePassword() {
			user.Sftp.HasPassword = true
			answer.GeneratedPassword = "amber-falcon-88-drift"
		}
		return nil
	})
	answer.User = user
	return answer, err
}

func (f *jobStatus) SetWebPassword(context.Context, *jobsv1.SetWebPasswordRequest) (*jobsv1.SetWebPasswordResponse, error) {
	return &jobsv1.SetWebPasswordResponse{GeneratedPassword: "cedar-lantern-15-brook"}, nil
}

func (f *jobStatus) AddSSHKey(ctx context.Context, r *jobsv1.AddSSHKeyRequest) (*jobsv1.User, error) {
	return f.changeUser(ctx, r.GetId(), func(user *jobsv1.User) error {
		words := strings.Fields(r.GetAuthorizedKey())
		if len(words) < 2 || !strings.HasPrefix(words[0], "ssh-") {
			return fault.New(fault.Invalid, "this is not a public key; paste the one line of the .pub file")
		}
		user.Sftp.Keys = append(user.Sftp.Keys, &jobsv1.SSHKey{Fingerprint: fmt.Sprintf("SHA256:%.43s", words[1]), Comment: words[len(words)-1]})
		return nil
	})
}

func (f *jobStatus) RemoveSSHKey(ctx context.Context, r *jobsv1.RemoveSSHKeyRequest) (*jobsv1.User, error) {
	return f.changeUser(ctx, r.GetId(), func(user *jobsv1.User) error {
		user.Sftp.Keys = slices.DeleteFunc(user.Sftp.Keys, func(k *jobsv1.SSHKey) bool { return k.GetFingerprint() == r.GetFingerprint() })
		return nil
	})
}

func (f *jobStatus) ListAudit(ctx context.Context, _ *jobsv1.ListAuditRequest) (*jobsv1.ListAuditResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.allowed(ctx, "users"); err != nil {
		return nil, err
	}
	return &jobsv1.ListAuditResponse{Events: f.audit}, nil
}
