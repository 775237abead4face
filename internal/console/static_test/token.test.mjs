import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base64url, decode, moment, poolOf, secretHash, show, span, verify, MAX_TOKEN } from '../static/token.js';

const { subtle } = globalThis.crypto;
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
const b64 = (v) => Buffer.from(typeof v === 'string' || v instanceof Uint8Array ? v : JSON.stringify(v)).toString('base64url');
const NOW = 1_800_000_000;
const POOL = 'eu-central-1_AbC123';
const ISSUER = `http://localhost:7665/${POOL}`;
const claims = { sub: 'u1', iss: ISSUER, aud: 'client1', token_use: 'id', iat: NOW - 60, exp: NOW + 3540, 'cognito:groups': ['a'] };

const pair = await subtle.generateKey(rsa, true, ['sign', 'verify']);
const other = await subtle.generateKey(rsa, true, ['sign', 'verify']);
const jwk = await subtle.exportKey('jwk', pair.publicKey);
const jwks = { keys: [{ kid: 'k1', kty: 'RSA', alg: 'RS256', use: 'sig', n: jwk.n, e: jwk.e }] };

async function sign(body, { header = { kid: 'k1', alg: 'RS256' }, key = pair.privateKey } = {}) {
  const text = `${b64(header)}.${b64(body)}`;
  return `${text}.${b64(new Uint8Array(await subtle.sign(rsa.name, key, Buffer.from(text))))}`;
}
const expect = { now: NOW, issuer: ISSUER, audience: 'client1', use: 'id' };
const check = async (text, want = expect, keys = jwks) => verify(decode(text), keys, want);
const failures = (v) => v.lines.filter((l) => l.ok === false).map((l) => l.check);

test('a good token', async () => {
  const v = await check(await sign(claims));
  assert.equal(v.ok, true, JSON.stringify(v));
  assert.deepEqual(v.lines.map((l) => l.check), ['Algorithm', 'Key', 'Signature', 'Expiry', 'Issued', 'Issuer', 'Use', 'Audience']);
});

test('an access token names its client apart', async () => {
  const { aud, ...rest } = claims;
  const v = await check(await sign({ ...rest, token_use: 'access', client_id: 'client1', aud: 'https://api' }), { ...expect, use: 'access' });
  assert.equal(v.ok, true, JSON.stringify(v));
});

test('signatures that do not hold', async (t) => {
  const good = await sign(claims);
  const [h, , s] = good.split('.');
  const secretText = `${b64({ kid: 'k1', alg: 'HS256' })}.${b64(claims)}`;
  const hmac = await subtle.importKey('raw', Buffer.from(JSON.stringify(jwk)), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const forged = `${secretText}.${b64(new Uint8Array(await subtle.sign('HMAC', hmac, Buffer.from(secretText))))}`;
  const weak = await subtle.exportKey('jwk', (await subtle.generateKey({ ...rsa, modulusLength: 1024 }, true, ['sign', 'verify'])).publicKey);
  for (const [name, text, keys, failed, says] of [
    ['changed payload', `${h}.${b64({ ...claims, sub: 'u2' })}.${s}`, jwks, ['Signature'], /changed/],
    ['wrong key', await sign(claims, { key: other.privateKey }), jwks, ['Signature'], /another key/],
    ['alg none', `${b64({ kid: 'k1', alg: 'none' })}.${b64(claims)}.`, jwks, ['Algorithm'], /nobody has signed/],
    ['HS256 with the public key', forged, jwks, ['Algorithm'], /shared secret/],
    ['RS512', await sign(claims, { header: { kid: 'k1', alg: 'RS512' } }), jwks, ['Algorithm'], /not RS256/],
    ['unknown kid', await sign(claims, { header: { kid: 'k2', alg: 'RS256' } }), jwks, ['Key'], /No key/],
    ['no kid', await sign(claims, { header: { alg: 'RS256' } }), jwks, ['Key'], /names no key/],
    ['crit', await sign(claims, { header: { kid: 'k1', alg: 'RS256', crit: ['b64'] } }), jwks, ['Header'], /crit/],
    ['kid twice', good, { keys: [...jwks.keys, ...jwks.keys] }, ['Key'], /more than once/],
    ['key of another use', good, { keys: [{ ...jwks.keys[0], use: 'enc' }] }, ['Key'], /not for RS256/],
    ['short key', good, { keys: [{ ...jwks.keys[0], n: weak.n }] }, ['Key'], /2048/],
    ['no key set', good, { nothing: 1 }, ['Key'], /no key set/],
    ['rubbish key set', good, { keys: [null, 7, { kid: 'k1' }] }, ['Key'], /not for RS256/],
    ['empty signature', `${h}.${good.split('.')[1]}.`, jwks, ['Signature'], /changed/],
  ]) {
    await t.test(name, async () => {
      const v = await check(text, expect, keys);
      assert.equal(v.ok, false);
      assert.equal(v.signed, false);
      assert.deepEqual(failures(v), failed);
      assert.match(v.lines.find((l) => l.ok === false).why, says);
    });
  }
  await t.test('without keys it is neither good nor bad', async () => {
    const v = await check(good, expect, null);
    assert.equal(v.ok, false);
    assert.deepEqual(failures(v), []);
  });
});

test('claims that do not hold', async (t) => {
  for (const [name, change, failed] of [
    ['expired', { exp: NOW - 1 }, ['Expiry']],
    ['expires this second', { exp: NOW }, ['Expiry']],
    ['no exp', { exp: undefined }, ['Expiry']],
    ['exp is text', { exp: '9999999999' }, ['Expiry']],
    ['not yet', { nbf: NOW + 3600 }, ['Not before']],
    ['from the future', { iat: NOW + 3600 }, ['Issued']],
    ['another issuer', { iss: `${ISSUER}x` }, ['Issuer']],
    ['another client', { aud: 'client2' }, ['Audience']],
    ['the other kind', { token_use: 'access', client_id: 'client1' }, ['Use']],
    ['no kind', { token_use: undefined }, ['Use']],
  ]) {
    await t.test(name, async () => {
      const v = await check(await sign({ ...claims, ...change }));
      assert.equal(v.signed, true);
      assert.equal(v.ok, false);
      assert.deepEqual(failures(v), failed);
    });
  }
});

test('what is not a token', async (t) => {
  const good = await sign(claims);
  const [h, p, s] = good.split('.');
  for (const [name, text, why] of [
    ['nothing', '  ', /no token/],
    ['words', 'hello', /three parts/],
    ['two parts', `${h}.${p}`, /has 2/],
    ['bad base64', `${h}.${p}!.${s}`, /payload is not base64url/],
    ['padding', `${h}=.${p}.${s}`, /header is not base64url/],
    ['plain base64', `${h}.${p}.++//`, /signature is not base64url/],
    ['bits without a meaning', `${h}.${p}.QR`, /signature is not base64url/],
    ['not UTF-8', `${h}.${b64(new Uint8Array([0x22, 0xff, 0x22]))}.${s}`, /not UTF-8/],
    ['not JSON', `${h}.${b64('{')}.${s}`, /not JSON/],
    ['a list', `${h}.${b64([])}.${s}`, /not a JSON object/],
    ['null', `${b64('null')}.${p}.${s}`, /header is not a JSON object/],
    ['a name twice', `${h}.${b64('{"sub":"a","x":{"sub":1},"su\\u0062":"b"}')}.${s}`, /twice/],
    ['a name twice inside', `${h}.${b64('{"a":[{"b":1,"b":2}]}')}.${s}`, /twice/],
    ['deep', `${h}.${b64(`{"a":${'['.repeat(70)}${']'.repeat(70)}}`)}.${s}`, /nested/],
    ['huge', 'a'.repeat(MAX_TOKEN + 1), /characters long/],
    ['five parts of rubbish', 'a.b.c.d.e', /encrypted token, but/],
    ['not even text', undefined, /three parts/],
  ]) {
    await t.test(name, () => {
      const d = decode(text);
      assert.equal(d.kind, 'error');
      assert.match(d.why, why);
    });
  }
  assert.equal(decode(`${h}.${b64('{"a":["x","x",{"a":1}],"b":{"a":"a\\",\\"a"}}')}.${s}`).kind, 'jwt', 'equal values and names at other depths are fine');
});

test('decode survives everything', () => {
  let seed = 1;
  const random = (n) => { seed = (seed * 48271) % 2147483647; return seed % n; };
  const alphabet = 'eyJhbGciOi.{}[]":,\\ü\u0000-_=';
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: random(60) }, () => alphabet[random(alphabet.length)]).join('');
    const d = decode(i % 2 ? text : `${b64(text)}.${b64(text)}.${b64(text)}`);
    assert.ok(['error', 'jwt', 'sealed'].includes(d.kind));
    if (d.kind === 'error') assert.ok(d.why.length > 10);
  }
});

test('a refresh token is opaque, and it is said why', () => {
  const d = decode(`${b64({ cty: 'JWT', enc: 'A256GCM', alg: 'RSA-OAEP' })}.a.b.c.d`);
  assert.equal(d.kind, 'sealed');
  assert.match(d.why, /only the server/);
});

test('small things', async () => {
  assert.equal(poolOf(ISSUER), POOL);
  assert.equal(poolOf('https://accounts.example.com'), '');
  assert.equal(poolOf(`http://evil.example/${POOL}/..`), '');
  assert.equal(poolOf(7), '');
  assert.deepEqual([...base64url('_-8')], [255, 239]);
  assert.equal(span(3590), '59 minutes');
  assert.equal(span(1), '1 second');
  assert.equal(moment(NOW + 3590, NOW).relative, 'in 59 minutes');
  assert.equal(moment(NOW - 7200, NOW).relative, '2 hours ago');
  assert.equal(moment('x', NOW), null);
  assert.equal(moment(1e20, NOW), null);
  assert.ok(show('x'.repeat(500)).length < 130);
  // RFC 4231, case 2, with the message cut in two.
  assert.equal(await secretHash('Jefe', 'what do ya want ', 'for nothing?'), Buffer.from('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'hex').toString('base64'));
});
