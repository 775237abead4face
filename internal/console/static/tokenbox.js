// The paste box. The token stays in this page: it is in no form, no request
// and no storage. An address with #token=… fills the box, since a browser
// sends no server what follows the #.

import { published } from './tokenkeys.js';
import { tokenView, verdictText } from './tokenview.js';
import { decode, poolOf, verify } from './token.js';
import { h } from './dom.js';

const box = document.getElementById('token');
const keys = document.getElementById('jwks');
const result = document.getElementById('result');
const said = document.getElementById('said');
let turn = 0;

function pasted() {
  if (keys.value.trim() === '') return null;
  try {
    return JSON.parse(keys.value);
  } catch {
    return { problem: 'The key set is not JSON.' };
  }
}

async function look() {
  const mine = ++turn;
  if (box.value.trim() === '') {
    result.replaceChildren();
    said.textContent = '';
    return;
  }
  const decoded = decode(box.value);
  let checked = { ok: false, lines: [] };
  let note = '';
  if (decoded.kind === 'jwt') {
    let jwks = pasted();
    const expect = {};
    if (jwks?.problem) [note, jwks] = [jwks.problem, null];
    else if (!jwks) {
      const pool = poolOf(decoded.claims.iss);
      try {
        if (pool) ({ jwks, issuer: expect.issuer } = await published(pool));
        else note = 'The issuer is no user pool of this server. Paste its key set to verify the signature.';
      } catch (e) {
        note = `${e.message} Paste the issuer’s key set to verify the signature.`;
      }
    }
    checked = await verify(decoded, jwks, expect);
  }
  if (mine !== turn) return; // something else was pasted meanwhile
  const title = { id: 'ID token', access: 'Access token' }[decoded.claims?.token_use] ?? 'Token';
  result.replaceChildren(...[note && h('p', { class: 'notice' }, note), tokenView(title, decoded, checked, Date.now() / 1000, 'looked')].filter(Boolean));
  said.textContent = decoded.kind === 'jwt' ? `${title}. ${verdictText(checked)}` : decoded.why;
}

const fragment = new URLSearchParams(location.hash.slice(1)).get('token');
if (fragment) {
  box.value = fragment;
  history.replaceState(null, '', location.pathname + location.search);
}
for (const e of [box, keys]) e.addEventListener('input', look);
look();
