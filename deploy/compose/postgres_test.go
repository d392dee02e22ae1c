package compose

import (
	"bytes"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// A PostgreSQL is made for real, as its image would make it, from the files that are mounted there. Then each role logs in with
// the address that its program is given, and may do its work and nothing else.
func TestRolesOfPostgreSQL(t *testing.T) {
	made := secrets(t)
	db := startPostgres(t, read(t, made, "postgres-password"))
	service := project(t).Services["postgres"]
	scripts := initScripts(service)
	if len(scripts) == 0 {
		t.Fatal("nothing is run when the database is new")
	}
	db.superuser(t, "postgres", "-c", "CREATE DATABASE "+*service.Environment["POSTGRES_DB"])
	for range 2 { // they can be run again, as after a new password
		for _, script := range scripts {
			db.superuser(t, *service.Environment["POSTGRES_DB"], "-f", script)
		}
	}

	for _, schema := range []string{"jobs", "catalog"} {
		other := map[string]string{"jobs": "catalog", "catalog": "jobs"}[schema]
		owner, mine, foreign := read(t, made, schema+"-owner-database"), read(t, made, schema+"-database"), read(t, made, other+"-database")
		db.may(t, owner, "CREATE TABLE "+schema+".things (name TEXT)")
		db.may(t, mine, "INSERT INTO things VALUES ('a'); UPDATE things SET name = 'b'; SELECT * FROM things; DELETE FROM things")
		for _, statement := range []string{"CREATE TABLE more (name TEXT)", "DROP TABLE things", "TRUNCATE things", "CREATE TABLE public.things (name TEXT)"} {
			db.mayNot(t, mine, statement)
		}
		db.mayNot(t, foreign, "SELECT * FROM "+schema+".things")
		db.mayNot(t, owner, "CREATE ROLE another")
	}

	wrong, _ := url.Parse(read(t, made, "jobs-database"))
	wrong.User = url.UserPassword(wrong.User.Username(), read(t, made, "catalog-password"))
	if out, err := db.psql(wrong.String(), "SELECT 1"); err == nil || !strings.Contains(out, "password authentication failed") {
		t.Errorf("with another role's password: %v, %s", err, out)
	}
	log, err := os.ReadFile(db.log)
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"owner", "jobs", "catalog"} {
		if strings.Contains(string(log), read(t, made, role+"-password")) {
			t.Errorf("the password of %s is in the server's log", role)
		}
	}
}

// A password that is lost is said, instead of leaving a role without one.
func TestPasswordsMustBeThere(t *testing.T) {
	db := startPostgres(t, "superuser")
	db.superuser(t, "postgres", "-f", "../postgres/roles.sql")
	folder := t.TempDir()
	for _, name := range []string{"owner-password", "jobs-password"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("a"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db.passwords = folder
	out, err := db.run("postgres", "-f", "../postgres/passwords.sql")
	if err == nil || !strings.Contains(out, "a file of a password is missing or empty") {
		t.Errorf("without catalog-password: %v\n%s", err, out)
	}
}

// initScripts are the files that the image runs once, in its order.
func initScripts(service types.ServiceConfig) []string {
	byTarget := map[string]string{}
	var targets []string
	for _, volume := range service.Volumes {
		if path.Dir(volume.Target) == "/docker-entrypoint-initdb.d" {
			byTarget[volume.Target] = volume.Source
			targets = append(targets, volume.Target)
		}
	}
	slices.Sort(targets)
	var scripts []string
	for _, target := range targets {
		scripts = append(scripts, byTarget[target])
	}
	return scripts
}

// postgres is a server of Debian's that trusts its socket and nobody else, as the image's does.
type postgres struct {
	folder, log, port string
	passwords         string // where passwords.sql looks
}

func startPostgres(t *testing.T, password string) *postgres {
	t.Helper()
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		t.Fatal("PostgreSQL is needed to test: sudo apt-get install -y --no-install-recommends postgresql")
	}
	bin := bins[len(bins)-1]
	folder, err := os.MkdirTemp("", "filmgate-pg-") // short: a socket's path is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.WriteFile(filepath.Join(folder, "password"), []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	var as *syscall.SysProcAttr
	if os.Geteuid() == 0 { // initdb refuses root
		nobody, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(nobody.Uid)
		gid, _ := strconv.Atoi(nobody.Gid)
		for _, name := range []string{folder, filepath.Join(folder, "password")} {
			if err := os.Chown(name, uid, gid); err != nil {
				t.Fatal(err)
			}
		}
		as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	db := &postgres{folder: folder, log: filepath.Join(folder, "log"), passwords: secrets(t)}
	data := filepath.Join(folder, "data")
	initdb := exec.Command(bin+"/initdb", "-D", data, "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile="+filepath.Join(folder, "password"),
		"-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = folder, as
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	for try := 1; ; try++ { // another process may take a free port first
		db.port = freePort(t)
		if db.start(t, bin, data, as) {
			return db
		}
		if try == 3 {
			log, _ := os.ReadFile(db.log)
			t.Fatalf("PostgreSQL does not start\n%s", log)
		}
	}
}

func (db *postgres) start(t *testing.T, bin, data string, as *syscall.SysProcAttr) bool {
	t.Helper()
	log, err := os.Create(db.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	server := exec.Command(bin+"/postgres", "-D", data, "-p", db.port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+db.folder,
		"-c", "fsync=off", "-c", "log_statement=all")
	server.Dir, server.SysProcAttr, server.Stdout, server.Stderr = db.folder, as, log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = server.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGINT)
		<-ended
	})
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := db.run("postgres", "-c", "SELECT 1"); err == nil {
			return true
		}
		select {
		case <-ended:
			return false
		default:
		}
		if time.Now().After(end) {
			t.Fatal("PostgreSQL does not answer")
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// run has the superuser's psql run a command or a file, by the socket and with the arguments of the image.
func (db *postgres) run(database string, args ...string) (string, error) {
	cmd := exec.Command("psql", append([]string{"-v", "ON_ERROR_STOP=1", "--no-password", "--no-psqlrc", "-h", db.folder, "-p", db.port, "-U", "postgres", "-d", database}, args...)...)
	cmd.Env = append(os.Environ(), "PASSWORDS="+db.passwords)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (db *postgres) superuser(t *testing.T, database string, args ...string) {
	t.Helper()
	if out, err := db.run(database, args...); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// psql runs a statement with an address that secrets.sh made, on this server instead of compose's.
func (db *postgres) psql(address, statement string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	query := u.Query()
	search := query.Get("search_path") // which pgx knows and psql does not
	query.Del("search_path")
	u.RawQuery, u.Host = query.Encode(), "127.0.0.1:"+db.port
	cmd := exec.Command("psql", "--no-password", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-d", u.String(), "-c", statement)
	cmd.Env = append(os.Environ(), "PGOPTIONS=-c search_path="+search)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return fmt.Sprintf("%s: %s", u.User.Username(), out.String()), err
}

func (db *postgres) may(t *testing.T, address, statement string) {
	t.Helper()
	if out, err := db.psql(address, statement); err != nil {
		t.Errorf("%s: %v\n%s", statement, err, out)
	}
}

func (db *postgres) mayNot(t *testing.T, address, statement string) {
	t.Helper()
	if out, err := db.psql(address, statement); err == nil || !strings.Contains(out, "permission denied") && !strings.Contains(out, "must be owner") {
		t.Errorf("%s: %v\n%s", statement, err, out)
	}
}
