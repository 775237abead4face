// Tokens, looked at strictly: decoded, verified and explained. Nothing here
// touches a page or a network, and nothing throws over rubbish: what is wrong
// is a value with a sentence.

import { parse } from './claims.js';

export const MAX_TOKEN = 64 << 10; // characters
const MAX_DEPTH = 64;

// base64url decodes without mercy: its alphabet alone, no padding, no bits
// that have no meaning. It returns null for anything else.
export function base64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (c) => c.charCodeAt(0));
  const again = btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  return again === text ? bytes : null;
}

// readObject reads a part as a JSON object in which no name appears twice.
function readObject(text, what) {
  const bytes = base64url(text);
  if (!bytes) return { error: `The ${what} is not base64url.` };
  let json;
  let value;
  try {
    json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { error: `The ${what} is not UTF-8 text.` };
  }
  try {
    value = parse(json);
  } catch {
    return { error: `The ${what} is not JSON.` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { error: `The ${what} is not a JSON object.` };
  const problem = structure(json);
  return problem ? { error: `The ${what} ${problem}` } : { value };
}

// structure looks for what JSON.parse lets pass: a name twice in one object,
// and nesting without end. The text is known to be JSON.
function structure(json) {
  const stack = [];
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    const top = stack.at(-1);
    switch (token) {
      case '{':
      case '[':
        stack.push({ names: new Set(), object: token === '{', name: token === '{' });
        if (stack.length > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} deep.`;
        break;
      case '}':
      case ']':
        stack.pop();
        break;
      case ':':
        top.name = false;
        break;
      case ',':
        top.name = top.object;
        break;
      default:
        if (!top?.name) break;
        if (top.names.has(JSON.parse(token))) return `has the member ${token} twice, and programs disagree on which one counts.`;
        top.names.add(JSON.parse(token));
    }
  }
  return '';
}

// decode takes a token apart. kind is "jwt", "sealed" (an encrypted one, as
// refresh tokens are) or "error"; why says what to think of the latter two.
export function decode(text) {
  const raw = String(text).trim();
  const failed = (why) => ({ kind: 'error', raw, why });
  if (raw === '') return failed('There is no token.');
  if (raw.length > MAX_TOKEN) return failed(`This is ${raw.length} characters long; no token has more than ${MAX_TOKEN}.`);
  const parts = raw.split('.');
  if (parts.length === 5) return sealed(raw, parts);
  if (parts.length !== 3) return failed(`A signed token has three parts with dots between them; this has ${parts.length}.`);
  const header = readObject(parts[0], 'header');
  if (header.error) return failed(header.error);
  const claims = readObject(parts[1], 'payload');
  if (claims.error) return failed(claims.error);
  const signature = base64url(parts[2]);
  if (!signature) return failed('The signature is not base64url.');
  return { kind: 'jwt', raw, parts, header: header.value, claims: claims.value, signature };
}

function sealed(raw, parts) {
  const header = readObject(parts[0], 'header');
  if (header.error) return { kind: 'error', raw, why: `Five parts make an encrypted token, but: ${header.error}` };
  const why = 'This is an encrypted token, as refresh tokens are: five parts of which only the server has the key. It proves nothing to an app, and there is nothing in it for one. Keep it safe and send it back for new tokens.';
  return { kind: 'sealed', raw, parts, header: header.value, why };
}

// verify checks a decoded token. Each line is {check, ok, why}: ok is true,
// false, or null for what there was nothing to compare with. expect may have
// now (seconds), issuer, audience (a client id) and use ("id" or "access").
// The token holds if every line that could be checked does, and the signature
// is one of them.
export async function verify(token, jwks, expect = {}) {
  const lines = [];
  const say = (check, ok, why) => { lines.push({ check, ok, why }); };
  const signed = await checkSignature(token, jwks, say);
  checkTimes(token.claims, expect.now ?? Date.now() / 1000, say);
  checkIssuer(token.claims, expect, say);
  return { ok: signed && lines.every((l) => l.ok !== false), signed, lines };
}

async function checkSignature(token, jwks, say) {
  const { header } = token;
  const { alg, kid } = header;
  if (alg !== 'RS256') {
    say('Algorithm', false, algorithmRefusal(alg));
    return false;
  }
  say('Algorithm', true, 'RS256, the one that user pools sign with');
  if (header.crit !== undefined) {
    say('Header', false, 'It has “crit”: extensions that must be understood, and are not.');
    return false;
  }
  if (!jwks) {
    say('Signature', null, 'Not checked: there are no keys to check it with.');
    return false;
  }
  const found = findKey(jwks, kid);
  if (found.error) {
    say('Key', false, found.error);
    return false;
  }
  say('Key', true, `“${kid}” is in the key set`);
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) {
    say('Signature', null, 'Not checked: browsers check signatures only on pages from https or from this machine.');
    return false;
  }
  let ok = false;
  try {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const { kty, n, e } = found.key;
    const key = await subtle.importKey('jwk', { kty, n, e, alg: 'RS256', ext: true }, algorithm, false, ['verify']);
    ok = await subtle.verify(algorithm, key, token.signature, new TextEncoder().encode(`${token.parts[0]}.${token.parts[1]}`));
  } catch {
    say('Signature', false, 'The key is not one that the browser can use.');
    return false;
  }
  say('Signature', ok, ok ? 'made by that key over exactly this header and payload' : 'Not by this key over this text: the token was changed, or another key has signed it.');
  return ok;
}

function algorithmRefusal(alg) {
  if (alg === undefined) return 'The header names no algorithm.';
  if (String(alg).toLowerCase() === 'none') return '“none” means that nobody has signed: anybody can write such a token.';
  if (/^HS/i.test(String(alg))) return `${show(alg)} signs with a shared secret. A verifier that took the public key for it would accept what anybody can make.`;
  return `${show(alg)} is not RS256, which user pools sign with, and a token does not choose how it is verified.`;
}

function findKey(jwks, kid) {
  const keys = jwks?.keys;
  if (!Array.isArray(keys)) return { error: 'This is no key set: it has no list “keys”.' };
  if (typeof kid !== 'string' || kid === '') return { error: 'The header has no “kid”, so it names no key.' };
  const named = keys.filter((k) => k && typeof k === 'object' && k.kid === kid);
  if (named.length === 0) return { error: `No key ${show(kid)} in the key set: another pool has signed, or the key is gone.` };
  if (named.length > 1) return { error: `The key set has ${show(kid)} more than once.` };
  const [key] = named;
  if (key.kty !== 'RSA' || (key.alg !== undefined && key.alg !== 'RS256') || (key.use !== undefined && key.use !== 'sig')) return { error: `The key ${show(kid)} is not for RS256 signatures.` };
  const modulus = typeof key.n === 'string' ? base64url(key.n) : null;
  if (!modulus || modulus.length < 256) return { error: `The key ${show(kid)} is shorter than 2048 bits.` };
  return { key };
}

const SKEW = 60; // seconds that clocks may differ by, for iat and nbf

function checkTimes(claims, now, say) {
  for (const [name, check, judge] of [
    ['exp', 'Expiry', (t) => (now < t ? [true, `valid for another ${span(t - now)}`] : [false, `It expired ${span(now - t)} ago.`])],
    ['nbf', 'Not before', (t) => (t <= now + SKEW ? [true, `valid since ${span(now - t)}`] : [false, `It is valid only in ${span(t - now)}.`])],
    ['iat', 'Issued', (t) => (t <= now + SKEW ? [true, `${span(now - t)} ago`] : [false, `It says that it was made in the future, in ${span(t - now)}.`])],
  ]) {
    const t = claims[name];
    if (t === undefined) {
      if (name === 'exp') say(check, false, 'There is no “exp”: it would be valid for ever.');
    } else if (typeof t !== 'number') say(check, false, `“${name}” is not a number of seconds.`);
    else say(check, ...judge(t));
  }
}

function checkIssuer(claims, expect, say) {
  const compare = (check, name, want, got) => {
    if (want === undefined) return;
    const ok = got === want;
    say(check, ok, ok ? `“${name}” is ${show(want)}` : got === undefined ? `There is no “${name}”; it should be ${show(want)}.` : `“${name}” is ${show(got)}, not ${show(want)}.`);
  };
  compare('Issuer', 'iss', expect.issuer, claims.iss);
  const use = claims.token_use;
  if (expect.use !== undefined) compare('Use', 'token_use', expect.use, use);
  else if (expect.issuer !== undefined) say('Use', use === 'id' || use === 'access', use === 'id' || use === 'access' ? `an ${use === 'id' ? 'ID' : 'access'} token by “token_use”` : `“token_use” is ${show(use)}; user pools make “id” and “access”.`);
  // An access token names its client apart: aud is somebody else's there.
  if (use === 'access') compare('Audience', 'client_id', expect.audience, claims.client_id);
  else compare('Audience', 'aud', expect.audience, Array.isArray(claims.aud) && claims.aud.includes(expect.audience) ? expect.audience : claims.aud);
}

// show is a value in a sentence, short.
export function show(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value) ?? 'absent';
  return `“${text.length > 120 ? `${text.slice(0, 120)}…` : text}”`;
}

// poolOf is the id of the user pool that an issuer names, or "".
export function poolOf(issuer) {
  const id = typeof issuer === 'string' ? issuer.slice(issuer.lastIndexOf('/') + 1) : '';
  return /^[a-z]{2}(-[a-z]+){1,3}-\d{1,2}_[A-Za-z0-9]{1,55}$/.test(id) ? id : '';
}

// secretHash is SECRET_HASH of a sign-in, made here so that the secret of the
// client goes nowhere.
export async function secretHash(secret, username, clientId) {
  if (!globalThis.crypto?.subtle) throw new Error('The client has a secret, and browsers compute SECRET_HASH only on pages from https or from this machine.');
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const mac = await crypto.subtle.sign('HMAC', key, encoder.encode(username + clientId));
  return btoa(String.fromCharCode(...new Uint8Array(mac)));
}

// span is a length of time in words: "59 minutes".
export function span(seconds) {
  const s = Math.abs(Math.round(seconds));
  const words = (n, unit) => `${n} ${unit}${n === 1 ? '' : 's'}`;
  if (s < 60) return words(s, 'second');
  if (s < 3600) return words(Math.floor(s / 60), 'minute');
  if (s < 2 * 86400) return words(Math.floor(s / 3600), 'hour');
  return words(Math.floor(s / 86400), 'day');
}

// moment is a claim's time as a person reads it: local, and from now.
export function moment(seconds, now) {
  const date = new Date(seconds * 1000);
  if (typeof seconds !== 'number' || Number.isNaN(date.getTime())) return null;
  const away = seconds - now;
  const local = date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
  const relative = Math.abs(away) < 1 ? 'now' : away > 0 ? `in ${span(away)}` : `${span(away)} ago`;
  return { local, relative, iso: date.toISOString() };
}
