import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diff, headerMeaning, inShort, meaning, rows, sealedHeaderMeaning, undo } from '../static/claimtext.js';

test('before and after', () => {
  const before = { sub: 'u', email: 'j@x.io', 'cognito:groups': ['staff', 'admins'], plan: { name: 'trial', seats: 3, tags: ['a'] }, order: { a: 1, b: 2 } };
  const after = { sub: 'u', 'cognito:groups': ['admins', 'owners'], plan: { name: 'paid', seats: 3, tags: ['a', 'b'], until: 2030 }, order: { b: 2, a: 1 }, tenantId: 'acme' };
  assert.deepEqual(Object.fromEntries(diff(before, after).map((r) => [r.claim, r.change])),
    { sub: 'same', email: 'suppressed', 'cognito:groups': 'changed', plan: 'changed', order: 'same', tenantId: 'added' });
  const inner = (claim) => diff(before, after).find((r) => r.claim === claim).inner;
  assert.deepEqual(inner('cognito:groups'), ['+ "owners"', '− "staff"']);
  assert.deepEqual(inner('plan'), ['name: "trial" → "paid"', '+ tags: "b"', '+ until: 2030']);
  assert.deepEqual(diff({ g: ['a', 'b'] }, { g: ['b', 'a'] })[0].inner, ['another order']);
  assert.deepEqual(diff({ g: 1 }, { g: '1' })[0].change, 'changed');
});

test('what the server noted leads back to the claims before', () => {
  const claims = { sub: 'u', tenantId: 'acme', tier: 'gold' };
  const changes = [
    { token: 'id', claim: 'email', kind: 'suppressed', before: 'j@x.io' },
    { token: 'id', claim: 'tenantId', kind: 'added', after: 'acme' },
    { token: 'id', claim: 'tier', kind: 'changed', before: 'free', after: 'gold' },
    { token: 'id', claim: 'sub', kind: 'refused', after: 'Z', reason: 'reserved' },
    { token: 'id', claim: 'nbf', kind: 'refused', after: 1, reason: 'reserved' },
    { token: 'access', claim: 'tenantId', kind: 'added', after: 'other' },
  ];
  assert.deepEqual({ ...undo(claims, changes, 'id') }, { email: 'j@x.io', sub: 'u', tier: 'free' });
  const got = rows(claims, changes, 'id').map((r) => `${r.change} ${r.claim}`);
  assert.deepEqual(got, ['added tenantId', 'changed tier', 'suppressed email', 'refused sub', 'refused nbf']);
  assert.deepEqual(rows(claims, changes, 'access').map((r) => r.change), ['added', 'same', 'same']);
});

test('names that objects have by nature', () => {
  const claims = JSON.parse('{"__proto__":"x","constructor":"y"}');
  const got = rows(claims, [], 'id');
  assert.deepEqual(got.map((r) => [r.claim, r.change]), [['__proto__', 'same'], ['constructor', 'same']]);
  assert.equal(meaning('constructor', 'id'), '');
  assert.equal(headerMeaning('toString'), '');
});

test('every claim of Cognito has a sentence', () => {
  const id = 'sub cognito:groups cognito:preferred_role cognito:roles iss cognito:username nonce origin_jti aud identities event_id token_use auth_time exp iat jti email email_verified custom:tier at_hash acr amr';
  const access = 'sub iss client_id origin_jti event_id token_use scope auth_time exp iat jti username version device_key aud';
  for (const [use, list] of [['id', id], ['access', access]]) {
    for (const name of list.split(' ')) assert.match(meaning(name, use), /\.$|…$|mfa …\.$/, name);
  }
  assert.equal(meaning('tenantId', 'id'), '');
});

test('what the trigger did, in a sentence', () => {
  const id = diff({ sub: 'u', email: 'j@x.io', plan: 'a' }, { sub: 'u', plan: 'b', tenantId: 'acme', departmentId: '42' });
  const access = diff({ sub: 'u' }, { sub: 'u' });
  assert.equal(inShort(['ID token', id], ['access token', access]), 'In the ID token the trigger added tenantId, departmentId; changed plan; suppressed email.');
  assert.equal(inShort(['ID token', access]), 'The trigger changed nothing.');
});

test('the header of an encrypted token is not explained as a signature', () => {
  assert.match(sealedHeaderMeaning('alg'), /encrypted/);
  assert.match(headerMeaning('alg'), /signed/);
  assert.equal(sealedHeaderMeaning('cty'), headerMeaning('cty'));
});
