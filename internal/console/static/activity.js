// The activity page keeps itself up to date: it fetches itself and takes over
// the part that changes. What is open stays open, and the focus where it is.

import { toast } from './dom.js';

const EVERY = 5000;
const live = document.getElementById('live');
const pause = document.getElementById('pause');
let paused = false;
let failed = false;

async function refresh() {
  if (paused || document.hidden) return;
  try {
    const response = await fetch(location.href, { headers: { Accept: 'text/html' } });
    if (!response.ok || response.redirected) throw new Error(response.statusText);
    const fresh = new DOMParser().parseFromString(await response.text(), 'text/html').getElementById('live');
    if (!fresh || paused) return;
    take(fresh);
    failed = false;
  } catch {
    if (!failed) toast('The server does not answer; trying again.');
    failed = true;
  }
}

function take(fresh) {
  const key = (e) => e.dataset.key;
  const open = new Set([...live.querySelectorAll('details[open]')].map(key));
  const focused = document.activeElement?.closest('#live details');
  const link = focused && [...focused.querySelectorAll('summary, a')].indexOf(document.activeElement);
  for (const d of fresh.querySelectorAll('details')) d.open = open.has(key(d));
  live.replaceChildren(...[...fresh.childNodes].map((n) => document.adoptNode(n)));
  if (!focused) return;
  const again = [...live.querySelectorAll('details')].find((d) => key(d) === key(focused));
  again?.querySelectorAll('summary, a')[link]?.focus({ preventScroll: true });
}

pause.hidden = false;
pause.addEventListener('click', () => {
  paused = !paused;
  pause.setAttribute('aria-pressed', String(paused));
  if (!paused) refresh();
});
setInterval(refresh, EVERY);
