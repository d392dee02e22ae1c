package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/rogpeppe/go-internal/testscript"
)

// browser is a real Chromium that looks at the studio page.
type browser struct {
	ctx   context.Context
	close func()
}

func (b *browser) end() {
	if b != nil {
		b.close()
	}
}

// cmdBrowser looks at the studio page as a person would:
//
//	browser open JOB       signs in and opens the job's page, by clicking
//	browser shows N STATE  waits until so many photos of a state are on the page, the ready ones with their pictures loaded
//	browser atleast N      waits until at least so many ready ones are
//	browser kept           fails if the page was loaded anew since it was opened
//	browser picture FILE   keeps what it looks like
func cmdBrowser(ts *testscript.TestScript, neg bool, args []string) {
	s := theStory(ts)
	if len(args) == 0 {
		ts.Fatalf("usage: browser open|shows|atleast|kept|picture")
	}
	if args[0] == "open" {
		s.browser = openBrowser(ts)
		s.browser.signIn(ts, s.card["studio"]["email"], s.card["studio"]["password"], args[1])
		return
	}
	switch b := s.browser; args[0] {
	case "shows":
		b.wait(ts, fmt.Sprintf(`document.querySelectorAll('.tile.%s').length === %s && %s`, args[2], args[1], loaded))
	case "atleast":
		_, err := strconv.Atoi(args[1])
		ts.Check(err)
		b.wait(ts, fmt.Sprintf(`document.querySelectorAll('.tile.ready').length >= %s && %s`, args[1], loaded))
	case "kept":
		b.wait(ts, `window.openedOnce === true`)
	case "picture":
		picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), picture, 0o600))
	default:
		ts.Fatalf("browser %s?", args[0])
	}
}

// loaded is true when every ready photo that is in view has its picture.
const loaded = `[...document.querySelectorAll('.tile.ready img')].every((i) => i.getBoundingClientRect().top > innerHeight || i.complete && i.naturalWidth > 0)`

func openBrowser(ts *testscript.TestScript) *browser {
	path := ""
	for _, name := range []string{"chromium", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		ts.Fatalf("no browser: `make setup` installs Chromium")
	}
	// Chromium as root needs --no-sandbox; the rest keeps it from calling home.
	allocator, closeAllocator := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(ts.MkAbs("chromium")), chromedp.WindowSize(1280, 900))
	ctx, closeWindow := chromedp.NewContext(allocator)
	// The first run starts the browser, and must have no limit of its own.
	ts.Check(chromedp.Do(ctx))
	limited, cancel := context.WithTimeout(ctx, 2*patience)
	return &browser{ctx: limited, close: func() { cancel(); closeWindow(); closeAllocator() }}
}

func (b *browser) signIn(ts *testscript.TestScript, email, password, job string) {
	ts.Check(chromedp.Do(b.ctx,
		chromedp.Navigate(ts.Getenv("STUDIO_URL")),
		chromedp.SendKeys(chromedp.CSS(`input[name=email]`), email),
		chromedp.SendKeys(chromedp.CSS(`input[name=password]`), password),
		chromedp.Click(chromedp.CSS(`form button`)),
		chromedp.WaitVisible(chromedp.CSS(`table.jobs`)),
		chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`[...document.querySelectorAll('table.jobs .main a')].find((a) => a.textContent.includes(%q)).click()`, job)),
		chromedp.WaitVisible(chromedp.CSS(`#job[data-live=yes]`)),
		// A page that is loaded anew forgets this.
		chromedp.Evaluate[chromedp.Void](`window.openedOnce = true`),
	))
}

func (b *browser) wait(ts *testscript.TestScript, condition string) {
	err := chromedp.Do(b.ctx, chromedp.Poll[chromedp.Void](condition, chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(50*time.Millisecond)))
	if err != nil {
		page, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`))
		ts.Fatalf("the page never showed %s: %v\nit shows:\n%s\n%s", condition, err, page, tail(ts))
	}
}
