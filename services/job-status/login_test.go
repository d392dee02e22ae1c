package jobstatus_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"testing"

	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

func TestSFTPLogin(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u, password := h.photographer("anna")
		p := must(h.login("anna", password))(t)
		if p.GetUserId() != u.GetId() || p.GetAccount() != "demo" || p.GetUserName() != "anna" || p.GetRole() != jobsv1.Role_ROLE_UPLOAD_ONLY || p.GetService() {
			t.Errorf("principal: %v", p)
		}
		if got := p.GetRights(); len(got) != 1 || got[0] != "upload" {
			t.Errorf("rights of an upload-only user: %v", got)
		}
		wrong := refused(h.login("anna", "not it"))(t, fault.Denied)
		unknown := refused(h.login("nobody", password))(t, fault.Denied)
		must(h.users.SetSFTPAccess(h.operator, &jobsv1.SetSFTPAccessRequest{Id: u.GetId()}))(t)
		off := refused(h.login("anna", password))(t, fault.Denied)
		if wrong != unknown || wrong != off {
			t.Errorf("a stranger can tell %q, %q and %q apart", wrong, unknown, off)
		}
		if _, err := h.login("anna", password); !fault.IsUnauthenticated(err) {
			t.Errorf("the refusal is %v, want UNAUTHENTICATED", err)
		}

		log := must(h.audit.ListAudit(h.operator, &jobsv1.ListAuditRequest{UserId: u.GetId()}))(t)
		var actions []string
		for _, e := range log.GetEvents() {
			actions = append(actions, e.GetAction()+" "+e.GetDetail())
			if e.GetAction() == "login" && e.GetClientAddress() != "192.0.2.7:50000" {
				t.Errorf("address: %v", e)
			}
		}
		want := []string{
			"login_refused sftp SSH-2.0-test: SFTP access of this user was switched off; ask your studio",
			"login_refused sftp SSH-2.0-test: SFTP access of this user was switched off; ask your studio",
			"login_refused sftp SSH-2.0-test: wrong password",
			"login sftp SSH-2.0-test",
		}
		if len(actions) != len(want) {
			t.Fatalf("audit: %q", actions)
		}
		for i := range want {
			if actions[i] != want[i] {
				t.Errorf("audit %d: %q, want %q", i, actions[i], want[i])
			}
		}
	})
}

func TestSFTPLoginByKey(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u, _ := h.photographer("anna")
		public, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key := must(ssh.NewPublicKey(public))(t)
		line := string(ssh.MarshalAuthorizedKey(key)[:len(ssh.MarshalAuthorizedKey(key))-1]) + " anna@laptop"
		u = must(h.users.AddSSHKey(h.operator, &jobsv1.AddSSHKeyRequest{Id: u.GetId(), AuthorizedKey: line}))(t)
		if k := u.GetSftp().GetKeys(); len(k) != 1 || k[0].GetFingerprint() != ssh.FingerprintSHA256(key) || k[0].GetComment() != "anna@laptop" {
			t.Errorf("keys: %v", k)
		}
		refused(h.users.AddSSHKey(h.operator, &jobsv1.AddSSHKeyRequest{Id: u.GetId(), AuthorizedKey: line}))(t, fault.Exists)
		refused(h.users.AddSSHKey(h.operator, &jobsv1.AddSSHKeyRequest{Id: u.GetId(), AuthorizedKey: "ssh-ed25519 nonsense"}))(t, fault.Invalid)
		refused(h.users.AddSSHKey(h.operator, &jobsv1.AddSSHKeyRequest{Id: u.GetId(), AuthorizedKey: "-----BEGIN OPENSSH PRIVATE KEY-----"}))(t, fault.Invalid)

		by := func(name string, blob []byte, signed bool) (*jobsv1.AuthenticateResponse, error) {
			return h.edge.Authenticate(h.service(), &jobsv1.AuthenticateRequest{UserName: name, Credential: &jobsv1.AuthenticateRequest_PublicKey{
				PublicKey: &jobsv1.PublicKeyCredential{Blob: blob, Signed: signed}}})
		}
		must(by("anna", key.Marshal(), false))(t)
		p := must(by("anna", key.Marshal(), true))(t).GetPrincipal()
		if p.GetUserId() != u.GetId() {
			t.Errorf("principal: %v", p)
		}
		other := refused(by("anna", []byte("another key"), false))(t, fault.Denied)
		unknown := refused(by("nobody", key.Marshal(), false))(t, fault.Denied)
		if other != unknown {
			t.Errorf("a stranger can tell %q from %q", other, unknown)
		}
		logins := 0
		for _, e := range must(h.audit.ListAudit(h.operator, &jobsv1.ListAuditRequest{}))(t).GetEvents() {
			if e.GetAction() == "login" || e.GetAction() == "login_refused" {
				logins++
			}
		}
		if logins != 1 {
			t.Errorf("%d logins in the audit, want the signed one alone", logins)
		}
		must(h.users.RemoveSSHKey(h.operator, &jobsv1.RemoveSSHKeyRequest{Id: u.GetId(), Fingerprint: ssh.FingerprintSHA256(key)}))(t)
		refused(by("anna", key.Marshal(), true))(t, fault.Denied)
	})
}

func TestWebLogin(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		made := must(h.users.CreateUser(h.operator, &jobsv1.CreateUserRequest{Email: "Eva@Example.com", Role: jobsv1.Role_ROLE_ADMIN}))(t)
		in := must(h.identity.SignIn(t.Context(), &jobsv1.SignInRequest{Email: "eva@example.COM", Password: made.GetGeneratedWebPassword()}))(t)
		eva := h.as(in.GetToken(), "")
		p := must(h.identity.WhoAmI(eva, &jobsv1.WhoAmIRequest{}))(t)
		if p.GetUserId() != made.GetUser().GetId() || p.GetUserName() != "Eva@Example.com" || len(p.GetRights()) != 6 {
			t.Errorf("who: %v", p)
		}
		wrong := refused(h.identity.SignIn(t.Context(), &jobsv1.SignInRequest{Email: "eva@example.com", Password: "wrong"}))(t, fault.Denied)
		unknown := refused(h.identity.SignIn(t.Context(), &jobsv1.SignInRequest{Email: "eve@example.com", Password: "wrong"}))(t, fault.Denied)
		if wrong != unknown {
			t.Errorf("a stranger can tell %q from %q", wrong, unknown)
		}
		must(h.identity.SignOut(eva, &jobsv1.SignOutRequest{}))(t)
		if _, err := h.identity.WhoAmI(eva, &jobsv1.WhoAmIRequest{}); !fault.IsUnauthenticated(err) {
			t.Errorf("after signing out: %v", err)
		}
		if _, err := h.identity.WhoAmI(t.Context(), &jobsv1.WhoAmIRequest{}); !fault.IsUnauthenticated(err) {
			t.Errorf("without a token: %v", err)
		}

		// A new password ends every session, and one may set one's own.
		in = must(h.identity.SignIn(t.Context(), &jobsv1.SignInRequest{Email: "eva@example.com", Password: made.GetGeneratedWebPassword()}))(t)
		eva = h.as(in.GetToken(), "")
		refused(h.users.SetWebPassword(eva, &jobsv1.SetWebPasswordRequest{Id: made.GetUser().GetId(), Password: "short"}))(t, fault.Invalid)
		must(h.users.SetWebPassword(eva, &jobsv1.SetWebPasswordRequest{Id: made.GetUser().GetId(), Password: "long enough"}))(t)
		refused(h.identity.WhoAmI(eva, &jobsv1.WhoAmIRequest{}))(t, fault.Denied)
		must(h.identity.SignIn(t.Context(), &jobsv1.SignInRequest{Email: "eva@example.com", Password: "long enough"}))(t)

		if p := must(h.identity.WhoAmI(h.service(), &jobsv1.WhoAmIRequest{}))(t); !p.GetService() {
			t.Errorf("a service is %v", p)
		}
	})
}
