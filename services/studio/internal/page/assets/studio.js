// Saves reloads. Every page works without this file; with it, a job's page keeps itself up to date while photos arrive,
// photos open in a viewer, and long lists load as they are scrolled to.
'use strict';

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// ---- words and looks that only the browser knows ----

// What swap compares is kept as the server sent it, before anything is painted.
const parts = '.tile, #job-head, #index, #filters, .album-head, .part > h3, .empty';

function paint(root) {
  for (const part of all(parts, root)) part.sent = part.outerHTML;
  for (const time of all('time[datetime]', root)) {
    const at = new Date(time.getAttribute('datetime'));
    if (isNaN(at)) continue;
    const style = 'day' in time.dataset ? {dateStyle: 'medium'} : {dateStyle: 'medium', timeStyle: 'short'};
    time.textContent = at.toLocaleString(undefined, style);
  }
  for (const frame of all('[data-color]', root)) {
    const image = find('img', frame);
    if (!image || (image.complete && image.naturalWidth)) continue;
    frame.style.backgroundColor = frame.dataset.color;
    image.addEventListener('load', () => { frame.style.backgroundColor = ''; }, {once: true});
  }
}

let toastTimer;
function toast(words) {
  const box = find('#toast');
  box.textContent = words;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { box.textContent = ''; }, 8000);
}

// ---- asking the server ----

async function ask(url, options = {}) {
  const answer = await fetch(url, {...options, headers: {'Filmgate-Part': '1'}});
  if (answer.status === 401) location.assign('/signin?next=' + encodeURIComponent(location.pathname + location.search));
  const text = await answer.text();
  if (!answer.ok) throw new Error(text.trim() || 'The server did not answer.');
  return text;
}

async function askPage(url) {
  const page = new DOMParser().parseFromString(await ask(url), 'text/html');
  paint(page);
  return page;
}

// ---- bringing parts up to date: equal elements stay as they are ----

function swap(have, want) {
  if (have.sent && have.sent === want.sent) return;
  if (find('details[open]', have)) return; // somebody is typing in it
  const focused = have.contains(document.activeElement);
  have.replaceWith(want);
  if (focused) find('a, button', want)?.focus();
}

// merge makes the children of `have` those of `want`. With lists = false, the photos of lists stay as they are.
function merge(have, want, lists) {
  const known = new Map([...have.children].map((c) => [c.id, c]));
  let at = have.firstElementChild;
  for (const child of [...want.children]) {
    const same = child.id && known.get(child.id);
    if (!same) { have.insertBefore(child, at); continue; }
    if (same === at) at = at.nextElementSibling; else have.insertBefore(same, at);
    if ('list' in same.dataset && 'merge' in same.dataset) { if (lists) merge(same, child, lists); }
    else if ('merge' in same.dataset) merge(same, child, lists);
    else swap(same, child);
  }
  while (at) { const next = at.nextElementSibling; at.remove(); at = next; }
}

// fill makes the lists of a page that was read again as long as they are here, so that nobody loses their place.
async function fill(page) {
  for (const list of all('.grid', page)) {
    const here = document.getElementById(list.id);
    const loaded = here ? all(':scope > .tile', here).length : 0;
    for (let more = find('.more', list); more && all('.tile', list).length < loaded; more = find('.more', list)) {
      more.replaceWith(...(await askPage(find('a', more).href)).body.children);
    }
  }
}

function mergeShell(page, lists) {
  for (const id of ['job-head', 'index', 'filters']) {
    const have = document.getElementById(id), want = page.getElementById(id);
    if (have && want) swap(have, want);
  }
  const have = find('#albums'), want = page.getElementById('albums');
  if (have && want) merge(have, want, lists);
}

const natural = new Intl.Collator('en', {numeric: true, sensitivity: 'base'});

// place puts a tile where its name belongs. A tile beyond what is loaded comes with the rest of its list.
function place(tile) {
  const old = document.getElementById(tile.id), list = document.getElementById(tile.dataset.list);
  if (old && old.parentNode === list && old.dataset.name === tile.dataset.name) { swap(old, tile); return; }
  old?.remove();
  if (!list) return;
  const before = all(':scope > .tile', list).find((t) => natural.compare(t.dataset.name, tile.dataset.name) > 0);
  if (before) list.insertBefore(tile, before);
  else if (!find(':scope > .more', list)) list.append(tile);
}

// ---- lists load as they are scrolled to ----

const scrolled = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { scrolled.unobserve(entry.target); loadMore(entry.target); }
}, {rootMargin: '900px'});

function watchMore() { for (const more of all('.grid > .more')) scrolled.observe(more); }

async function loadMore(more) {
  try {
    const page = await askPage(find('a', more).href);
    if (!more.isConnected) return;
    const tiles = [...page.body.children].filter((t) => !(t.id && document.getElementById(t.id)));
    more.replaceWith(...tiles);
    watchMore();
  } catch (err) { toast(err.message); }
}

// ---- live ----

function live(job) {
  const ids = new Set();
  let everything = false, timer = 0, busy = Promise.resolve(), source = null;

  async function refresh() {
    if (everything) {
      everything = false;
      ids.clear();
      const page = await askPage(location.href);
      await fill(page);
      mergeShell(page, true);
    } else {
      const some = [...ids].slice(0, 100);
      some.forEach((id) => ids.delete(id));
      const url = new URL(job.dataset.changes, location.href);
      some.forEach((id) => url.searchParams.append('photo', id));
      const page = await askPage(url);
      mergeShell(page, false);
      all('#changed > .tile', page).forEach(place);
      all('#gone > li', page).forEach((li) => document.getElementById('p-' + li.dataset.photo)?.remove());
      if (ids.size) soon();
    }
    watchMore();
    document.dispatchEvent(new Event('refreshed'));
  }
  function soon(wait = 30) {
    if (timer) return;
    timer = setTimeout(() => {
      timer = 0;
      busy = busy.then(refresh).catch(() => { everything = true; soon(4000); });
    }, wait);
  }
  function changed(list) { list.forEach((id) => ids.add(id)); soon(); }
  function resync() { everything = true; soon(); }

  function uploads(now) {
    const line = find('#uploads');
    line.hidden = now.count === 0;
    const names = now.first.map((u) => u.path.split('/').slice(1).join('/') + ' (' + u.size + ')');
    if (now.count > now.first.length) names.push('…');
    line.textContent = now.count === 0 ? '' : (now.count === 1 ? '1 photo arriving: ' : now.count + ' photos arriving: ') + names.join(', ');
  }

  function open() {
    if (source) return;
    source = new EventSource(job.dataset.events);
    // Whatever happened between the page and this moment, or while the line was down, is read again.
    source.addEventListener('hello', () => { job.dataset.live = 'yes'; resync(); });
    source.addEventListener('resync', resync);
    source.addEventListener('changed', (e) => changed(JSON.parse(e.data)));
    source.addEventListener('uploads', (e) => uploads(JSON.parse(e.data)));
    source.addEventListener('signed-out', () => location.assign('/signin'));
    source.onerror = () => {
      delete job.dataset.live;
      if (source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      close();
      toast('This page does not update by itself at the moment. It tries again.');
      setTimeout(() => { if (!document.hidden) open(); }, 10000);
    };
  }
  function close() { source?.close(); source = null; delete job.dataset.live; }

  // A page that nobody sees needs no line; browsers have only a few for each site.
  document.addEventListener('visibilitychange', () => { if (document.hidden) close(); else open(); });
  window.addEventListener('pagehide', close);
  window.addEventListener('pageshow', () => { if (!document.hidden) open(); });
  if (!document.hidden) open();
  return {changed};
}

// ---- the viewer ----

const viewer = find('#viewer');
let shown = '';

async function view(link) {
  try {
    const page = await askPage(link.href);
    const close = document.createElement('button');
    close.className = 'close';
    close.ariaLabel = 'Close';
    close.textContent = '×';
    close.onclick = () => viewer.close();
    const prev = step(-1, '‹', 'Previous photo'), next = step(1, '›', 'Next photo');
    viewer.replaceChildren(close, prev, next, ...page.body.children);
    shown = link.closest('.tile').id;
    if (!viewer.open) viewer.showModal();
  } catch (err) { toast(err.message); }
}

function step(by, sign, words) {
  const button = document.createElement('button');
  button.className = by < 0 ? 'step prev' : 'step next';
  button.ariaLabel = words;
  button.textContent = sign;
  button.onclick = () => go(by);
  return button;
}

function go(by) {
  const tiles = all('.tile'), at = tiles.findIndex((t) => t.id === shown);
  const next = tiles[at + by];
  if (at >= 0 && next) { next.scrollIntoView({block: 'nearest'}); view(find('[data-view]', next)); }
}

if (viewer) {
  viewer.addEventListener('keydown', (e) => {
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
    if (e.key === 'ArrowLeft') go(-1);
    if (e.key === 'ArrowRight') go(1);
  });
  viewer.addEventListener('click', (e) => { if (e.target === viewer) viewer.close(); });
  viewer.addEventListener('close', () => { find('#' + CSS.escape(shown) + ' [data-view]')?.focus(); viewer.replaceChildren(); });
}

document.addEventListener('click', (e) => {
  const link = e.target.closest('[data-view]');
  if (!viewer || !link || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
  e.preventDefault();
  view(link);
});

// ---- forms that need no new page ----

const job = find('#job');
const line = job && live(job);

document.addEventListener('submit', async (e) => {
  const form = e.target;
  if (!line || !('quiet' in form.dataset)) return;
  e.preventDefault();
  const button = find('button', form);
  button.disabled = true;
  try {
    await ask(form.action, {method: 'POST', body: new URLSearchParams(new FormData(form))});
    form.closest('details')?.removeAttribute('open');
    const photo = form.closest('[data-photo]')?.dataset.photo;
    const link = photo && find('#p-' + CSS.escape(photo) + ' [data-view]');
    line.changed(photo ? [photo] : []);
    if (viewer.open && form.closest('#viewer')) {
      if (form.action.endsWith('/remove') || form.action.endsWith('/restore')) viewer.close();
      else if (link) view(link);
    }
  } catch (err) { toast(err.message); }
  button.disabled = false;
});

document.addEventListener('change', (e) => { if ('submit' in e.target.dataset) e.target.form.requestSubmit(); });

// ---- small helps ----

// On the page of a new user "every job" is ticked from the start; it and single jobs untick each other.
for (const every of all('[data-every]')) {
  const single = [...every.form.querySelectorAll('[name="' + every.dataset.every + '"]')];
  every.addEventListener('change', () => { if (every.checked) for (const box of single) box.checked = false; });
  for (const box of single) box.addEventListener('change', () => { if (box.checked) every.checked = false; });
}

for (const input of all('[data-suggest]')) {
  const target = input.form.elements[input.dataset.suggest];
  let mine = !target.value;
  target.addEventListener('input', () => { mine = !target.value; });
  input.addEventListener('input', () => {
    if (!mine) return;
    const plain = input.value.toLowerCase().replace(/ä/g, 'ae').replace(/ö/g, 'oe').replace(/ü/g, 'ue').replace(/ß/g, 'ss');
    target.value = plain.normalize('NFD').replace(/[^a-z0-9]+/g, ' ').trim().split(' ').join('.').slice(0, 64);
  });
}

for (const button of all('[data-copy]')) {
  if (!navigator.clipboard) break; // only on https and on this machine
  button.hidden = false;
  button.onclick = async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = 'Copied';
  };
}

if (new URLSearchParams(location.search).has('done')) {
  const here = new URL(location.href);
  here.searchParams.delete('done');
  history.replaceState(null, '', here);
}

paint(document);
watchMore();
