package studio_test

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"filmgate.dev/services/studio"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

type step = chromedp.Action[chromedp.Void]

// chromium opens a window of the given size; it is closed with the test.
func chromium(t *testing.T, width, height int, options ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "google-chrome", "chromium-browser"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("no browser is installed; run: apt-get install --yes chromium")
	}
	options = append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(width, height),
	}, options...)
	allocator, cancelAllocator := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancelAllocator)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	// The first run starts the browser and must have no limit of its own.
	must(t, chromedp.Do(ctx))
	limited, cancelLimited := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancelLimited)
	return limited
}

func signIn(w *world) step {
	return chromedp.Steps(
		chromedp.Navigate(w.url+"/signin"),
		chromedp.SendKeys(chromedp.CSS(`input[name=email]`), "ada@example.org"),
		chromedp.SendKeys(chromedp.CSS(`input[name=password]`), password),
		chromedp.Click(chromedp.CSS(`form button`)),
		chromedp.WaitVisible(chromedp.CSS(`table.jobs`)),
	)
}

// loaded waits until the element is a picture whose bytes have arrived.
func loaded(selector string) step {
	return chromedp.Poll[chromedp.Void](`(() => { const i = document.querySelector('` + selector + `'); return i && i.complete && i.naturalWidth > 0; })()`)
}

func exists(selector string) step {
	return chromedp.Poll[chromedp.Void](`!!document.querySelector('` + selector + `')`)
}

func absent(selector string) step {
	return chromedp.Poll[chromedp.Void](`!document.querySelector('` + selector + `')`)
}

func TestAThumbnailAppearsWithoutReload(t *testing.T) {
	w := newWorld(t, studio.Config{})
	ctx := chromium(t, 1280, 800)
	must(t, chromedp.Do(ctx, signIn(w),
		chromedp.Click(chromedp.CSS(`table.jobs .main a`)),
		chromedp.WaitVisible(chromedp.CSS(`#nothing`)),
		exists(`#job[data-live=yes]`), exists(`#nothing`),
		// A reload would forget this.
		chromedp.Evaluate[chromedp.Void](`window.stillHere = true`),
	))

	album := w.addAlbum(w.job, "Class 1")
	second := w.addPhoto(w.job, album, individuals, "b.jpg")
	w.hint(w.job, second.GetId())
	must(t, chromedp.Do(ctx, exists(`#p-`+second.GetId()+`.processing`), absent(`#nothing`)))

	w.ready(w.job, second, map[string][]byte{"320": jpeg(), "1280": jpeg()})
	w.hint(w.job, second.GetId())
	must(t, chromedp.Do(ctx, exists(`#p-`+second.GetId()+`.ready`), loaded(`#p-`+second.GetId()+` img`)))

	// Another one, which belongs before the first.
	first := w.addPhoto(w.job, album, individuals, "a.jpg")
	w.hint(w.job, first.GetId())
	must(t, chromedp.Do(ctx, exists(`#p-`+first.GetId()+` + #p-`+second.GetId())))

	// The viewer, and a button in it.
	must(t, chromedp.Do(ctx,
		chromedp.Click(chromedp.CSS(`#p-`+second.GetId()+` a`)), loaded(`#viewer .stage img`),
		chromedp.Click(chromedp.CSS(`#viewer form[action$="/hide"] button`)), exists(`#viewer form[action$="/show"]`), exists(`#p-`+second.GetId()+`.hidden-photo`),
		chromedp.KeyEvent(kb.Escape),
		absent(`#viewer[open]`),
	))
	stillHere, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`window.stillHere === true`))
	must(t, err)
	if !stillHere {
		t.Error("the page was reloaded")
	}
}

func TestThePageCatchesUpAfterALostConnection(t *testing.T) {
	w := newWorld(t, studio.Config{})
	album := w.addAlbum(w.job, "Class 1")
	stays := w.addPhoto(w.job, album, group, "a.jpg")
	goes := w.addPhoto(w.job, album, group, "b.jpg")
	ctx := chromium(t, 1280, 800)
	must(t, chromedp.Do(ctx, signIn(w), chromedp.Navigate(w.url+"/jobs/"+w.job.GetId()), exists(`#job[data-live=yes]`)))

	// Nobody tells the page of this: it finds out when its stream comes back.
	w.catalog.mu.Lock()
	w.catalog.photos = w.catalog.photos[:1]
	w.catalog.mu.Unlock()
	comes := w.addPhoto(w.job, album, individuals, "c.jpg")
	must(t, chromedp.Do(ctx,
		chromedp.Evaluate[chromedp.Void](`window.dispatchEvent(new Event('pagehide')); window.dispatchEvent(new Event('pageshow'))`),
		exists(`#p-`+comes.GetId()), absent(`#p-`+goes.GetId()), exists(`#p-`+stays.GetId()),
	))
}

func TestALongAlbumLoadsAsItIsScrolled(t *testing.T) {
	w := newWorld(t, studio.Config{})
	album := w.addAlbum(w.job, "Everybody")
	for i := range 1000 {
		w.addPhoto(w.job, album, individuals, "IMG_"+string(rune('A'+i/100))+string(rune('a'+i/10%10))+string(rune('a'+i%10))+".jpg")
	}
	ctx := chromium(t, 1280, 800)
	must(t, chromedp.Do(ctx, signIn(w), chromedp.Navigate(w.url+"/jobs/"+w.job.GetId()),
		chromedp.Poll[chromedp.Void](`(() => { window.scrollTo(0, document.body.scrollHeight); return document.querySelectorAll('.tile').length === 1000; })()`),
		absent(`.more`),
	))

	// Reading everything again leaves the list as long as it is.
	late := w.addPhoto(w.job, album, individuals, "IMG_Kaa.jpg")
	w.hint(w.job)
	must(t, chromedp.Do(ctx, exists(`#p-`+late.GetId())))
	tiles, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll('.tile').length`))
	must(t, err)
	if tiles != 1001 {
		t.Errorf("%d photos are shown after reading the page again, want 1001", tiles)
	}
}

func TestATickedJobMeansOnlyThisJob(t *testing.T) {
	w := newWorld(t, studio.Config{})
	ctx := chromium(t, 1280, 800)
	must(t, chromedp.Do(ctx, signIn(w),
		chromedp.Navigate(w.url+"/users/new"), exists(`[name=all_jobs]:checked`),
		chromedp.Click(chromedp.CSS(`[name=job]`)), exists(`[name=job]:checked`), absent(`[name=all_jobs]:checked`),
		chromedp.Click(chromedp.CSS(`[name=all_jobs]`)), exists(`[name=all_jobs]:checked`), absent(`[name=job]:checked`),
	))
}
