import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compare, misplaced } from '../static/claims.js';
import { eventOf, firstKey, groups, templates } from '../static/events.js';

const place = { region: 'eu-central-1', userPoolId: 'eu-central-1_abc', clientId: 'client1' };

// sources is every source that user pools invoke functions with.
const sources = [
  ...['Authentication', 'HostedAuth', 'NewPasswordChallenge', 'AuthenticateDevice', 'RefreshTokens', 'ClientCredentials'].map((s) => `TokenGeneration_${s}`),
  ...['SignUp', 'AdminCreateUser', 'ExternalProvider'].map((s) => `PreSignUp_${s}`),
  'PostConfirmation_ConfirmSignUp', 'PostConfirmation_ConfirmForgotPassword',
  'PreAuthentication_Authentication', 'PostAuthentication_Authentication',
  'DefineAuthChallenge_Authentication', 'CreateAuthChallenge_Authentication', 'VerifyAuthChallengeResponse_Authentication',
  'UserMigration_Authentication', 'UserMigration_ForgotPassword', 'InboundFederation_ExternalProvider',
  ...['CustomMessage', 'CustomEmailSender', 'CustomSMSSender'].flatMap((t) =>
    ['SignUp', 'AdminCreateUser', 'ResendCode', 'ForgotPassword', 'UpdateUserAttribute', 'VerifyUserAttribute', 'Authentication'].map((s) => `${t}_${s}`)),
  'CustomEmailSender_AccountTakeOverNotification',
];

test('there is a template for every source, pre token generation first', () => {
  assert.deepEqual([...new Set([...templates.values()].map((t) => t.source))].sort(), sources.toSorted());
  assert.deepEqual(groups.slice(0, 3).map(([title]) => title), ['Pre token generation, V1_0', 'Pre token generation, V2_0', 'Pre token generation, V3_0']);
  assert.equal(templates.size, groups.flatMap(([, list]) => list).length, 'no two templates have one key');
});

test('events have the envelope and the members of their version', () => {
  for (const t of templates.values()) {
    const e = eventOf(t, place);
    assert.deepEqual(Object.keys(e), ['version', 'triggerSource', 'region', 'userPoolId', 'userName', 'callerContext', 'request', 'response']);
    assert.equal(e.region, 'eu-central-1');
    assert.equal(e.userPoolId, 'eu-central-1_abc');
    assert.equal(e.callerContext.clientId, 'client1');
    for (const v of Object.values(e.request.userAttributes ?? {})) assert.equal(typeof v, 'string', t.source);
    assert.equal('clientMetadata' in e.request, false, 'nothing was sent, so nothing is there');
    if (!t.source.startsWith('TokenGeneration_')) {
      assert.equal(e.version, '1');
      continue;
    }
    assert.equal('scopes' in e.request, e.version !== '1');
    assert.deepEqual(e.response, e.version === '1' ? { claimsOverrideDetails: null } : { claimsAndScopeOverrideDetails: null });
  }
  const signUp = eventOf(templates.get('PreSignUp_SignUp'), place).request.userAttributes;
  assert.equal('sub' in signUp || 'cognito:user_status' in signUp, false, 'a user who is not there yet has neither');
});

test('an event without a pool is plausible all the same, and changing one changes no template', () => {
  const t = templates.get('TokenGeneration_Authentication V1_0');
  const e = eventOf(t, { region: 'us-east-1' });
  assert.equal(e.userPoolId, 'us-east-1_EXAMPLE00');
  e.request.userAttributes.sub = 'x';
  assert.notEqual(eventOf(t, place).request.userAttributes.sub, 'x');
});

test('the claims that a test event foretells', () => {
  const e = eventOf(templates.get('TokenGeneration_Authentication V1_0'), place);
  const answer = { ...e, response: { claimsOverrideDetails: { claimsToAddOrOverride: { tenantId: 'acme', sub: 'x', email: 'other@example.com' }, claimsToSuppress: ['custom:department'] } } };
  const { rows } = compare(e, answer);
  const changes = Object.fromEntries(rows.filter((r) => r.change !== 'same').map((r) => [`${r.token} ${r.claim}`, r.change]));
  assert.deepEqual(changes, { 'id tenantId': 'added', 'id sub': 'refused', 'id email': 'changed', 'id custom:department': 'suppressed' });
  assert.match(compare(e, null).error, /response/);
  assert.match(compare(e, { response: { claimsAndScopeOverrideDetails: {} } }).note, /no effect/);
});

test('no event and no answer makes the comparison fail', () => {
  const names = ['request', 'response', 'userAttributes', 'groupConfiguration', 'groupsToOverride', 'iamRolesToOverride', 'preferredRole', 'scopes', 'callerContext', 'clientId', 'triggerSource', 'version', 'claimsOverrideDetails', 'claimsAndScopeOverrideDetails', 'idTokenGeneration', 'accessTokenGeneration', 'claimsToAddOrOverride', 'claimsToSuppress', 'scopesToAdd', 'scopesToSuppress', 'groupOverrideDetails', 'email_verified', 'address', '__proto__', 'constructor'];
  let seed = 7;
  const random = (n) => (seed = (seed * 48271) % 0x7fffffff) % n;
  const value = (depth) => {
    const kind = random(depth > 4 ? 6 : 10);
    if (kind < 6) return [null, true, 5, 'TokenGeneration_ClientCredentials', '', '2'][kind];
    if (kind < 7) return Array.from({ length: random(3) }, () => value(depth + 1));
    return JSON.parse(`{${[...new Set(Array.from({ length: random(6) }, () => names[random(names.length)]))].map((n) => `${JSON.stringify(n)}:${JSON.stringify(value(depth + 1))}`).join(',')}}`);
  };
  let compared = 0;
  const plain = eventOf(templates.get('TokenGeneration_Authentication V2_0'), place);
  for (let i = 0; i < 20_000; i++) {
    const event = i % 2 ? plain : value(0) ?? {};
    const answer = i % 3 ? { response: { claimsOverrideDetails: value(1), claimsAndScopeOverrideDetails: value(1) } } : value(0);
    const { rows, error } = compare(event, answer);
    assert.ok(error || Array.isArray(rows));
    if (rows) compared++;
  }
  assert.ok(compared > 1000);
});

test('a page begins with the event version that the pool calls with', () => {
  assert.equal(firstKey('V2_0'), 'TokenGeneration_Authentication V2_0');
  assert.equal(templates.get(firstKey('V2_0')).version, 2);
  for (const none of ['', undefined, 'V9_0']) assert.equal(firstKey(none), 'TokenGeneration_Authentication V1_0');
});

test('an answer for another event version is explained', () => {
  const v1 = { claimsOverrideDetails: { claimsToAddOrOverride: { tenantId: 'acme' } } };
  const v2 = { claimsAndScopeOverrideDetails: {} };
  assert.match(misplaced(v1, 2), /claimsOverrideDetails, which belongs to V1_0.*whose answer is claimsAndScopeOverrideDetails/);
  assert.match(misplaced(v2, 1), /belongs to V2_0 and V3_0.*the event is V1_0/);
  for (const [response, version] of [[v1, 1], [v2, 2], [v2, 3], [{}, 2], [undefined, 2], [{ claimsOverrideDetails: null }, 2]]) assert.equal(misplaced(response, version), '');
});
