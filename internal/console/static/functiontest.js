// The test panel of a function: events, a run, and what came of it.

import { call } from './api.js';
import { compare, parse } from './claims.js';
import { Editor } from './editor.js';
import { eventOf, firstKey, groups, keyOf, templates } from './events.js';
import { failure, frames, report, shortened } from './run.js';
import { coloured, pretty, visible } from './show.js';
import { base64, fromBase64 } from './zip.js';

const $ = (id) => document.getElementById(id);
const MAX_SAVED = 50; // events of a function, in the browser's storage
const MAX_EVENT = 4 << 20; // base64 of it fits into Invoke's 6 MB

const make = (tag, text, className) => {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
};

export class TestPanel {
  constructor(page) {
    this.page = page;
    this.running = false;
    const { region, pool, client, version } = $('test').dataset;
    this.first = firstKey(version);
    this.place = { region, userPoolId: pool, clientId: client };
    this.key = `rockpool.events.${region}/${page.name}`;
    this.editor = new Editor($('event-editor'), { changed: () => this.check() });
    this.fillTemplates();
    this.fillSaved();
    this.use(this.first);
    $('event-template').addEventListener('change', () => this.use($('event-template').value));
    $('event-save').addEventListener('click', () => this.save());
    $('event-delete').addEventListener('click', () => this.remove());
    $('run').addEventListener('click', () => { this.run(); });
  }

  fillTemplates() {
    const list = groups.map(([title, options]) => {
      const group = document.createElement('optgroup');
      group.label = title;
      for (const [label, template] of options) group.append(new Option(`${label} (${template.source})`, keyOf(template)));
      return group;
    });
    $('event-template').append(...list, new Option('Empty object', 'empty'));
  }

  saved() {
    try {
      const all = JSON.parse(localStorage.getItem(this.key) ?? '{}');
      return Object.fromEntries(Object.entries(all).filter(([, v]) => typeof v === 'string'));
    } catch {
      return {}; // not ours, or no storage: there is nothing to show
    }
  }

  fillSaved() {
    const names = Object.keys(this.saved());
    $('event-saved').label = names.length ? 'Saved in this browser' : 'None saved yet';
    $('event-saved').replaceChildren(...names.map((n) => new Option(n, `saved ${n}`)));
  }

  use(key) {
    $('event-template').value = key;
    const savedName = key.startsWith('saved ') ? key.slice(6) : '';
    const text = savedName ? this.saved()[savedName] ?? '{}' : key === 'empty' ? '{}' : JSON.stringify(eventOf(templates.get(key), this.place), null, 2);
    $('event-name').value = savedName;
    $('event-delete').disabled = !savedName;
    this.editor.open('event.json', text);
    this.check();
  }

  save() {
    const name = $('event-name').value.trim();
    const all = this.saved();
    let said = `Saved “${name}” in this browser.`;
    if (name === '' || name.length > 64) said = 'A name of up to 64 characters is needed.';
    else if (!(name in all) && Object.keys(all).length >= MAX_SAVED) said = `There are ${MAX_SAVED} events already; delete one first.`;
    else {
      all[name] = this.editor.value;
      if (!this.store(all)) said = 'The browser has no room for it.';
      else this.use(`saved ${name}`);
    }
    $('event-said').textContent = said;
  }

  remove() {
    const name = $('event-template').value.slice(6);
    const { [name]: _, ...rest } = this.saved();
    this.store(rest);
    this.use(this.first);
    $('event-said').textContent = `Deleted “${name}”.`;
  }

  store(all) {
    try {
      localStorage.setItem(this.key, JSON.stringify(all));
    } catch {
      return false;
    }
    this.fillSaved();
    return true;
  }

  // check says whether the event is JSON.
  check() {
    let said = '';
    try {
      JSON.parse(this.editor.value);
    } catch (e) {
      said = `Not JSON: ${e.message}`;
    }
    if (said === '' && this.editor.value.length > MAX_EVENT) said = 'The event is too large for the console; use the AWS CLI.';
    $('event-problem').textContent = said;
    this.editor.area.setAttribute('aria-invalid', String(said !== ''));
    return said === '';
  }

  clearMarks() { this.page.marks([]); }

  async run() {
    if (this.running) return;
    if (!this.check()) {
      this.editor.area.focus();
      return;
    }
    this.running = true;
    $('run').disabled = true;
    const status = $('result-status');
    status.className = '';
    status.textContent = 'Running…';
    const event = this.editor.value;
    try {
      const answer = await call('lambda', 'Invoke', {
        FunctionName: this.page.name, LogType: 'Tail', Payload: base64(new TextEncoder().encode(event)),
      });
      this.show(event, answer);
    } catch (e) {
      status.className = 'bad';
      status.textContent = `Not run: ${e.message}`;
      $('result').hidden = true;
      this.clearMarks();
    } finally {
      this.running = false;
      $('run').disabled = false;
    }
  }

  show(event, answer) {
    const text = new TextDecoder().decode(fromBase64(answer.Payload ?? ''));
    const log = new TextDecoder().decode(fromBase64(answer.LogResult ?? ''));
    const failed = Boolean(answer.FunctionError);
    const status = $('result-status');
    status.className = failed ? 'bad' : 'good';
    const error = failed ? failure(text) : null;
    const places = error ? frames(error, this.page.fileNames()) : [];
    status.textContent = failed ? visible(`Failed: ${error.type}: ${error.message}`) : 'Succeeded';
    if (this.page.dirty()) status.textContent += ' (this ran what is deployed, not your changes)';
    $('result').hidden = false;
    coloured($('result-answer'), pretty(text), 'json');
    $('result-log').textContent = visible(log);
    this.measures(report(log), answer.ExecutedVersion);
    this.trace(error, places);
    this.claims(event, failed ? null : text);
    const message = error ? visible(`${error.type}: ${error.message}`).split('\n')[0] : '';
    this.page.marks(places.slice(0, 1).map((p) => ({ file: p.file, line: p.line, message })));
  }

  measures(r, version) {
    const list = r ? [
      ['Duration', `${r.duration} ms`], ['Billed', `${r.billed} ms`], ['Memory', `${r.used} of ${r.memory} MB`],
      ['Start', r.init === null ? 'warm' : `cold, ${r.init} ms`], ['Version', version ?? ''], ['Request', r.requestId],
    ] : [['Version', version ?? '']];
    $('result-measures').replaceChildren(...list.map(([name, value]) => {
      const div = make('div');
      div.append(make('dt', name), make('dd', value));
      return div;
    }));
  }

  // trace lists where the error came from; what lies in the package is a link
  // into the editor.
  trace(error, places) {
    $('result-trace').hidden = !error;
    if (!error) return;
    $('result-places').replaceChildren(...places.map((p) => {
      const button = make('button', `${p.file} line ${p.line}`);
      button.type = 'button';
      button.addEventListener('click', () => { this.page.go(p.file, p.line, p.column); });
      const li = make('li');
      li.append(button);
      return li;
    }));
    $('result-stack').textContent = visible(shortened(error.trace, places));
  }

  // claims compares, for a pre token generation event, before and after.
  claims(eventText, answerText) {
    let event;
    try {
      event = parse(eventText);
    } catch {
      event = {};
    }
    const shown = answerText !== null && String(event?.triggerSource).startsWith('TokenGeneration_');
    $('result-claims').hidden = !shown;
    if (!shown) return;
    let answer = null;
    try {
      answer = parse(answerText);
    } catch { /* compare says what is wrong with it */ }
    const { rows = [], error = '', note = '' } = compare(event, answer);
    $('claims-note').textContent = error || note;
    const changed = rows.filter((r) => r.change !== 'same');
    if (!error && changed.length === 0) $('claims-note').textContent = `${note} The function changed no claim.`.trim();
    const same = rows.filter((r) => r.change === 'same');
    $('claims-changed').hidden = changed.length === 0;
    $('claims-changed').tBodies[0].replaceChildren(...changed.map(claimRow));
    $('claims-rest').hidden = same.length === 0;
    $('claims-rest').firstElementChild.textContent = `${same.length} claims stay as they are`;
    $('claims-same').tBodies[0].replaceChildren(...same.map(claimRow));
  }
}

const words = { added: 'added', changed: 'changed', suppressed: 'suppressed', refused: 'refused', same: '' };

function claimRow(r) {
  const tr = make('tr', undefined, `claim-${r.change}`);
  const value = (v) => (v === undefined ? '–' : visible(JSON.stringify(v)));
  const cells = [['Token', r.token === 'id' ? 'ID' : 'access'], ['Claim', visible(r.claim)], ['Before', value(r.before)], ['After', value(r.after)], ['', r.why ? `${words[r.change] || 'refused'}: ${r.why}` : words[r.change]]];
  for (const [label, text] of cells) {
    const td = make('td', text);
    if (label) td.dataset.label = label;
    tr.append(td);
  }
  return tr;
}
