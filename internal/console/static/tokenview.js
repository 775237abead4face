// A token on the page: its three parts, its claims with their sentences, what
// the checks say, and the claims before and after a trigger. Whatever a token
// holds is text.

import { headerMeaning, meaning, sealedHeaderMeaning, times } from './claimtext.js';
import { h } from './dom.js';
import { visible } from './show.js';
import { moment } from './token.js';

const jsonText = (value) => visible(JSON.stringify(value, null, 1)?.replace(/\n\s*/g, ' ') ?? '');

// tokenView shows a decoded token; checked is verify's result.
export function tokenView(title, decoded, checked, now, id) {
  const head = h('h2', { id: `${id}-h` }, title);
  const section = (...children) => h('section', { 'aria-labelledby': `${id}-h`, id }, head, ...children);
  if (decoded.kind === 'error') return section(h('p', { class: 'error' }, decoded.why));
  if (decoded.kind === 'sealed') {
    return section(h('p', {}, decoded.why), rawText(title, decoded, ['header', 'signature', 'signature', 'claims', 'signature']),
      h('h3', { class: 'tk-header' }, 'Header'), table('Header', decoded.header, sealedHeaderMeaning, now));
  }
  const use = decoded.claims.token_use;
  return section(
    verdict(checked),
    rawText(title, decoded, ['header', 'claims', 'signature']),
    h('p', { class: 'parts' }, h('span', { class: 'tk-header' }, 'header'), ' . ', h('span', { class: 'tk-claims' }, 'claims'), ' . ', h('span', { class: 'tk-signature' }, 'signature')),
    h('h3', { class: 'tk-header' }, 'Header'), table('Header', decoded.header, headerMeaning, now),
    h('h3', { class: 'tk-claims' }, 'Claims'), table('Claims', decoded.claims, (name) => meaning(name, use), now),
    h('h3', { class: 'tk-signature' }, 'Verification'), checks(checked),
  );
}

export function verdictText(checked) {
  if (checked.ok) return 'Verified: the signature and everything else that was checked hold.';
  if (checked.lines.some((l) => l.ok === false)) {
    return checked.signed ? 'Not valid: the signature holds, but another check does not.' : 'Not valid: verification failed.';
  }
  return 'Not verified: there is no key to check the signature with.';
}

function verdict(checked) {
  const bad = checked.lines.find((l) => l.ok === false);
  return h('p', { class: `verdict ${checked.ok ? 'flash' : bad ? 'error' : 'warning'}` }, verdictText(checked), bad ? ` ${bad.why}` : '');
}

function rawText(title, decoded, classes) {
  const parts = decoded.parts.flatMap((p, i) => [i ? '.' : '', h('span', { class: `tk-${classes[i]}` }, p)]);
  return h('pre', { class: 'token', tabindex: '0', role: 'region', 'aria-label': `${title} as it is sent` }, ...parts);
}

function table(caption, members, explain, now) {
  const rows = Object.entries(members).map(([name, value]) => {
    const m = times.has(name) ? moment(value, now) : null;
    const notes = [m && h('time', { datetime: m.iso }, `${m.local} (${m.relative}). `), explain(name)];
    return h('tr', {}, h('th', { scope: 'row' }, visible(name)), h('td', { class: 'value', 'data-label': 'Value' }, jsonText(value)), h('td', { 'data-label': 'Meaning' }, ...notes));
  });
  return h('table', { class: 'claims cards' },
    h('caption', { class: 'visually-hidden' }, caption),
    h('thead', {}, h('tr', {}, ...['Name', 'Value', 'Meaning'].map((t) => h('th', { scope: 'col' }, t)))),
    h('tbody', {}, ...rows));
}

function checks(checked) {
  return h('ul', { class: 'checks' }, ...checked.lines.map((l) => h('li', { class: l.ok === null ? 'none' : l.ok ? 'ok' : 'bad' },
    h('span', { class: 'mark' }, l.ok === null ? 'unknown' : l.ok ? '✓ ok' : '✗ failed'), ' ', h('strong', {}, `${l.check}: `), visible(l.why))));
}

const words = { added: '+ added', changed: '± changed', suppressed: '− suppressed', refused: '✗ refused', same: 'same' };

// compareView shows the claims of a token before and after its trigger.
export function compareView(title, list) {
  const cell = (value, gone) => (value === undefined ? h('span', { class: 'muted' }, 'not there') : h(gone ? 'del' : 'span', gone ? { class: 'gone' } : {}, jsonText(value)));
  const rows = list.map((r) => h('tr', { class: r.change },
    h('th', { scope: 'row' }, visible(r.claim)),
    h('td', { class: 'what', 'data-label': 'Change' }, words[r.change]),
    h('td', { 'data-label': 'Before' }, cell(r.before, r.change === 'suppressed')),
    h('td', { 'data-label': 'After' }, cell(r.after),
      ...r.inner.map((t) => h('p', { class: 'hint' }, visible(t))),
      r.change === 'refused' && h('p', { class: 'hint' }, r.asked === undefined ? '' : `asked for ${jsonText(r.asked)}; `, visible(r.why)))));
  return h('table', { class: 'compare cards' },
    h('caption', {}, title),
    h('thead', {}, h('tr', {}, ...['Claim', 'Change', 'Before the trigger', 'After'].map((t) => h('th', { scope: 'col' }, t)))),
    h('tbody', {}, ...rows));
}
