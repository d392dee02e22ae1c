package rpc

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/job-status/internal/access"
	"filmgate.dev/services/job-status/internal/account"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/job"
	"filmgate.dev/services/job-status/internal/user"
)

const (
	rolePrefix   = "ROLE_"
	statusPrefix = "JOB_STATUS_"
)

func roleOf(r jobsv1.Role) (user.Role, error) {
	switch r {
	case jobsv1.Role_ROLE_ADMIN, jobsv1.Role_ROLE_INDIVIDUAL, jobsv1.Role_ROLE_UPLOAD_ONLY:
		return user.Role(strings.TrimPrefix(r.String(), rolePrefix)), nil
	default:
		return "", fault.New(fault.Invalid, "choose a role: administrator, individual or upload-only")
	}
}

func statusOf(s jobsv1.JobStatus) (job.Status, error) {
	if _, known := jobsv1.JobStatus_name[int32(s)]; !known || s == jobsv1.JobStatus_JOB_STATUS_UNSPECIFIED {
		return "", fault.New(fault.Invalid, "choose a status: planning, selling, prepay or archived")
	}
	return job.Status(strings.TrimPrefix(s.String(), statusPrefix)), nil
}

func roleProto(r user.Role) jobsv1.Role {
	return jobsv1.Role(jobsv1.Role_value[rolePrefix+string(r)])
}

func statusProto(s job.Status) jobsv1.JobStatus {
	return jobsv1.JobStatus(jobsv1.JobStatus_value[statusPrefix+string(s)])
}

func timeProto(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }

func rightsProto(rights []user.Right) []string {
	names := make([]string, len(rights))
	for i, r := range rights {
		names[i] = string(r)
	}
	return names
}

func accountProto(a account.Account) *jobsv1.Account {
	return &jobsv1.Account{Slug: a.Slug, Name: a.Name, CreatedAt: timeProto(a.CreatedAt)}
}

func jobProto(j job.Job) *jobsv1.Job {
	return &jobsv1.Job{
		Id: j.ID, Account: j.Account, InternalName: j.InternalName, Name: j.Name, Status: statusProto(j.Status), Locked: j.Locked,
		Assignees: j.Assignees, Revision: j.Revision, CreatedAt: timeProto(j.CreatedAt), UpdatedAt: timeProto(j.UpdatedAt),
	}
}

func userProto(u user.User) *jobsv1.User {
	sftp := &jobsv1.SFTPAccess{UserName: u.SFTP.UserName, Enabled: u.SFTP.Enabled, HasPassword: u.SFTP.Hash != ""}
	for _, k := range u.SFTP.Keys {
		sftp.Keys = append(sftp.Keys, &jobsv1.SSHKey{Fingerprint: k.Fingerprint, Comment: k.Comment, AddedAt: timeProto(k.AddedAt)})
	}
	return &jobsv1.User{
		Id: u.ID, Account: u.Account, Email: u.Email, DisplayName: u.DisplayName, Role: roleProto(u.Role), Rights: rightsProto(u.Rights),
		AllJobs: u.AllJobs, Active: u.Active, Sftp: sftp, Revision: u.Revision, CreatedAt: timeProto(u.CreatedAt),
	}
}

// principalProto is a person, by the name of the way in.
func principalProto(u user.User, name string) *jobsv1.Principal {
	return &jobsv1.Principal{
		Account: u.Account, UserId: u.ID, UserName: name, DisplayName: u.DisplayName, Role: roleProto(u.Role),
		Rights: rightsProto(u.Held()), CredentialsRevision: u.CredentialsRevision,
	}
}

func accessProto(a access.Access) *jobsv1.JobAccess {
	return &jobsv1.JobAccess{
		JobId: a.Job.ID, Account: a.Job.Account, InternalName: a.Job.InternalName, Name: a.Job.Name, Status: statusProto(a.Job.Status),
		Locked: a.Job.Locked, Visible: a.Visible, Writable: a.Writable, Reason: a.Reason, UpdatedAt: timeProto(a.Job.UpdatedAt),
	}
}

func accessesProto(list []access.Access) []*jobsv1.JobAccess {
	out := make([]*jobsv1.JobAccess, len(list))
	for i, a := range list {
		out[i] = accessProto(a)
	}
	return out
}

func snapshotProto(v access.View) *jobsv1.JobsSnapshot {
	return &jobsv1.JobsSnapshot{Jobs: accessesProto(v.Jobs), Revision: v.Revision, Principal: principalProto(v.User, v.User.SFTP.UserName)}
}

func auditProto(e audit.Event) *jobsv1.AuditEvent {
	return &jobsv1.AuditEvent{
		Id: e.ID, Time: timeProto(e.Time), Account: e.Account, UserId: e.UserID, UserName: e.UserName, Action: e.Action,
		JobId: e.JobID, ClientAddress: e.ClientAddress, Detail: e.Detail,
	}
}
