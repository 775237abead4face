// What a function did: its log as it is written (follow, pause, clear,
// filter), and its latest runs.

import { data, region } from './api.js';
import { visible } from './show.js';

const MAX_LINES = 2000; // in the page; older ones go
const $ = (id) => document.getElementById(id);
const page = document.getElementById('function');

let lines = []; // {element, text}
let paused = false;
let waiting = []; // what came while paused
let shownWaiting = 0;
let seen = new Set(); // lines that came, so that following again shows none twice

function matches(text) { return text.toLowerCase().includes($('log-filter').value.toLowerCase()); }

function element(l) {
  const row = document.createElement('div');
  row.className = `log-line log-${['stdout', 'stderr', 'platform'].includes(l.stream) ? l.stream : 'other'}`;
  const time = document.createElement('time');
  time.dateTime = l.time;
  time.textContent = new Date(l.time).toLocaleTimeString(undefined, { hour12: false });
  const text = document.createElement('span');
  text.textContent = visible(String(l.text));
  row.append(time, ' ', text);
  return row;
}

function add(list) {
  const log = $('log');
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  for (const l of list) {
    const row = element(l);
    row.hidden = !matches(row.textContent);
    lines.push({ row });
    log.append(row);
  }
  while (lines.length > MAX_LINES) lines.shift().row.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
  $('log-empty').hidden = lines.length > 0;
}

function receive(l) {
  const key = `${l.time} ${l.text}`;
  if (seen.has(key)) return;
  seen.add(key);
  if (seen.size > 2 * MAX_LINES) seen = new Set([...seen].slice(-MAX_LINES));
  if (!paused) {
    add([l]);
    return;
  }
  waiting.push(l);
  if (waiting.length > MAX_LINES) waiting.shift();
  shownWaiting++;
  $('log-state').textContent = `Paused, ${shownWaiting} new lines`;
}

$('log-pause').addEventListener('click', () => {
  paused = !paused;
  $('log-pause').setAttribute('aria-pressed', String(paused));
  $('log-state').textContent = paused ? 'Paused' : 'Following';
  if (!paused) {
    add(waiting);
    waiting = [];
    shownWaiting = 0;
  }
});

$('log-clear').addEventListener('click', () => {
  lines = [];
  $('log').replaceChildren();
  $('log-empty').hidden = false;
});

$('log-filter').addEventListener('input', () => {
  for (const { row } of lines) row.hidden = !matches(row.textContent);
});

// follow reads lines of JSON until the server or the page ends it.
async function follow() {
  const query = new URLSearchParams({ function: page.dataset.name, region: region(), tail: '200', follow: 'true' });
  const answer = await fetch(`/console/data/logs?${query}`, { credentials: 'same-origin' });
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.message ?? `the server answered ${answer.status}`);
  }
  if (!paused) $('log-state').textContent = 'Following';
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    for (const p of parts) if (p !== '') receive(JSON.parse(p));
  }
}

async function start() {
  let wait = 1000;
  for (;;) {
    const began = Date.now();
    try {
      await follow();
    } catch (e) {
      $('log-state').textContent = `Not following: ${e.message}`;
    }
    wait = Date.now() - began > 10_000 ? 1000 : Math.min(wait * 2, 5000);
    await new Promise((done) => { setTimeout(done, wait); });
  }
}

// runs shows the latest invocations, newest first.
async function runs() {
  const said = $('runs-state');
  try {
    const all = (await data('invocations')).invocations;
    const invocations = all.filter((i) => i.function === page.dataset.arn);
    $('runs').hidden = invocations.length === 0;
    said.textContent = invocations.length === 0 ? 'There are none that this server remembers.' : '';
    $('runs').tBodies[0].replaceChildren(...invocations.slice(0, 50).map(runRow));
  } catch (e) {
    said.textContent = `Not known: ${e.message}`;
  }
}

function runRow(i) {
  const failed = i.hostError || i.functionError;
  const cells = [
    ['Time', new Date(i.time).toLocaleTimeString(undefined, { hour12: false })],
    ['Outcome', failed ? `Failed: ${failed}` : 'Succeeded'],
    ['Duration', `${i.durationMs} ms`],
    ['Start', i.cold ? `cold, ${i.initMs ?? 0} ms` : 'warm'],
    ['Memory', i.maxMemoryMB ? `${i.maxMemoryMB} MB` : ''],
    ['Version', i.version],
    ['Caller', i.source ? i.source.replace(/^.*:userpool\//, '') : 'API'],
    ['Request', i.requestId],
  ];
  const tr = document.createElement('tr');
  if (failed) tr.className = 'run-failed';
  for (const [label, text] of cells) {
    const td = document.createElement('td');
    td.dataset.label = label;
    td.textContent = visible(String(text));
    tr.append(td);
  }
  return tr;
}

start();
runs();
setInterval(() => { if (!document.hidden && !paused) runs(); }, 5000);
