// A sign-in's time as a bar: what it was spent on, one after the other.

import { h } from './dom.js';

const labels = {
  user: 'Find pool, client and user', password: 'Check the password', claims: 'Collect the claims', trigger: 'Trigger: the function answers',
  signing: 'Sign the tokens', wait: 'Hold the refusal back, so that its time tells nothing', rest: 'Finish and write down',
};

// took is a length of time, given in nanoseconds, for reading.
export function took(ns) {
  if (ns < 1e6) return `${Math.floor(ns / 1e3)} µs`;
  if (ns < 1e7) return `${(ns / 1e6).toFixed(1)} ms`;
  return ns < 1e9 ? `${Math.floor(ns / 1e6)} ms` : `${(ns / 1e9).toFixed(1)} s`;
}

// spans lays the phases of a sign-in out on a bar that is 1000 wide.
export function spans(event) {
  const whole = event.Duration;
  let at = 0;
  return (event.Phases ?? []).map(({ Name, Duration }) => {
    const x = (1000 * at) / whole;
    at += Duration;
    return { name: Name, label: labels[Name] ?? Name, took: took(Duration), x, width: (1000 * Duration) / whole, share: Math.round((100 * Duration) / whole) };
  });
}

const svg = (tag, attributes, ...children) => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
};

// spansView is the bar and its legend; nothing if nothing was measured.
export function spansView(event) {
  if (!(event?.Duration > 0)) return [];
  const list = spans(event);
  const known = (s) => (Object.hasOwn(labels, s.name) ? ` span-${s.name}` : '');
  return [
    svg('svg', { class: 'spans', viewBox: '0 0 1000 30', preserveAspectRatio: 'none', role: 'img', 'aria-label': `Where the time went: ${list.map((s) => `${s.label} ${s.took}`).join(', ')}` },
      ...list.map((s) => svg('rect', { class: known(s).trim(), x: s.x.toFixed(1), y: 0, width: s.width.toFixed(1), height: 30 }, svg('title', {}, `${s.label}: ${s.took}`)))),
    h('ul', { class: 'span-list' }, ...list.map((s) => h('li', {}, h('span', { class: `key${known(s)}` }), ` ${s.label}: ${s.took} (${s.share} %)`))),
  ];
}
