package main

import (
	"context"
	"time"

	"github.com/chromedp/chromedp"
)

// watch is a person in the studio who mistypes the password, signs in, and looks at the job's page while photos come.
func (l *load) watch(ctx context.Context, length time.Duration) error {
	tab, end := chromedp.NewContext(l.window.ctx)
	defer end()
	defer context.AfterFunc(ctx, end)()
	studio := l.env["FILMGATE_STUDIO"]
	signIn := func(password string) chromedp.Action[chromedp.Void] {
		return chromedp.Steps(
			chromedp.Navigate(studio+"/signin"),
			chromedp.SendKeys(chromedp.CSS(`input[name=email]`), "ada@studio.example"),
			chromedp.SendKeys(chromedp.CSS(`input[name=password]`), password),
			chromedp.Click(chromedp.CSS(`form button`)),
		)
	}
	if err := chromedp.Do(tab, chromedp.EmulateViewport(1280, 2000), signIn("not "+l.people.web), chromedp.WaitVisible(chromedp.CSS(`form .problem`)),
		signIn(l.people.web), chromedp.WaitVisible(chromedp.CSS(`table.jobs`))); err != nil {
		return err
	}
	for begun := time.Now(); time.Since(begun) < length && ctx.Err() == nil; {
		if err := chromedp.Do(tab, chromedp.Navigate(studio+"/jobs/"+l.jobID)); err != nil {
			return err
		}
		pause(ctx, 15*time.Second)
	}
	return nil
}
