import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { attributesOf, command, flowOf, missing, newUser, refresh, respond, revoke, signIn, withFlow } from '../static/tryflow.js';
import { spans, took } from '../static/spans.js';

const client = { UserPoolId: 'us-east-1_A', ClientId: 'c1', ClientName: 'app', ClientSecret: 's3cret', CreationDate: 1, LastModifiedDate: 2, CallbackURLs: ['https://a'], EnableTokenRevocation: true };

test('the flow that a client allows', () => {
  const flow = (...names) => flowOf({ ExplicitAuthFlows: names })?.flow;
  assert.equal(flow('ALLOW_USER_PASSWORD_AUTH', 'ALLOW_ADMIN_USER_PASSWORD_AUTH'), 'ADMIN_USER_PASSWORD_AUTH');
  assert.equal(flow('ALLOW_USER_PASSWORD_AUTH'), 'USER_PASSWORD_AUTH');
  assert.equal(flow('ADMIN_NO_SRP_AUTH'), 'ADMIN_USER_PASSWORD_AUTH');
  assert.equal(flow('ALLOW_USER_SRP_AUTH'), undefined);
  assert.equal(flowOf({}), null);
});

test('to allow it sends everything else back', () => {
  assert.deepEqual(withFlow({ ...client, ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH'] }), {
    UserPoolId: 'us-east-1_A', ClientId: 'c1', ClientName: 'app', CallbackURLs: ['https://a'], EnableTokenRevocation: true,
    ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH', 'ALLOW_ADMIN_USER_PASSWORD_AUTH'] });
  assert.deepEqual(withFlow(client).ExplicitAuthFlows, ['ALLOW_REFRESH_TOKEN_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_CUSTOM_AUTH', 'ALLOW_ADMIN_USER_PASSWORD_AUTH']);
  assert.deepEqual(withFlow({ ExplicitAuthFlows: ['CUSTOM_AUTH_FLOW_ONLY'] }).ExplicitAuthFlows, ['CUSTOM_AUTH_FLOW_ONLY', 'ADMIN_NO_SRP_AUTH']);
});

test('operations', async () => {
  const admin = flowOf({ ExplicitAuthFlows: ['ALLOW_ADMIN_USER_PASSWORD_AUTH'] });
  const [op, input] = await signIn(client, admin, 'jdoe', 'pw');
  assert.equal(op, 'AdminInitiateAuth');
  assert.equal(input.UserPoolId, 'us-east-1_A');
  assert.equal(input.AuthParameters.SECRET_HASH.length, 44);
  const plain = await signIn({ ...client, ClientSecret: undefined }, { flow: 'USER_PASSWORD_AUTH', admin: false }, 'jdoe', 'pw');
  assert.deepEqual(plain, ['InitiateAuth', { AuthFlow: 'USER_PASSWORD_AUTH', ClientId: 'c1', AuthParameters: { USERNAME: 'jdoe', PASSWORD: 'pw' } }]);
  const answer = await respond(client, admin, { ChallengeName: 'NEW_PASSWORD_REQUIRED', Session: 'x' }, 'jdoe', 'new', { email: 'j@x.io' });
  assert.equal(answer[0], 'AdminRespondToAuthChallenge');
  assert.equal(answer[1].ChallengeResponses['userAttributes.email'], 'j@x.io');
  assert.deepEqual(missing({ ChallengeParameters: { requiredAttributes: '["userAttributes.email"]' } }), ['email']);
  assert.deepEqual(missing({ ChallengeParameters: { requiredAttributes: '{' } }), []);
  assert.equal((await refresh(client, 'jdoe', 't'))[0], 'InitiateAuth');
  assert.deepEqual(await refresh({ ...client, RefreshTokenRotation: { Feature: 'ENABLED' } }, 'jdoe', 't'), ['GetTokensFromRefreshToken', { ClientId: 'c1', RefreshToken: 't', ClientSecret: 's3cret' }]);
  assert.deepEqual(revoke({ ClientId: 'c1' }, 't'), ['RevokeToken', { ClientId: 'c1', Token: 't' }]);
});

test('attributes', () => {
  assert.deepEqual(attributesOf('email = a=b\n\n custom:tier=gold'), [{ Name: 'email', Value: 'a=b' }, { Name: 'custom:tier', Value: 'gold' }]);
  assert.throws(() => attributesOf('a=1\nnothing'), /Line 2/);
});

// What a shell makes of a command; printf in place of aws.
const words = (line, env = {}) => execFileSync('sh', ['-c', line.replace(/^aws /, "printf '%s\\n' ")], { env: { ...process.env, ...env } }).toString().trimEnd().split('\n');

test('commands say no secret, and a shell reads them as they are meant', async () => {
  const admin = { flow: 'ADMIN_USER_PASSWORD_AUTH', admin: true };
  const line = command(...await signIn(client, admin, "o'neil $(id)", 'Passw0rd!'));
  assert.ok(!line.includes('Passw0rd!') && !line.includes('s3cret'), line);
  const got = words(line, { PASSWORD: 'p$w', SECRET_HASH: 'h=' });
  assert.deepEqual(got.slice(0, 2), ['cognito-idp', 'admin-initiate-auth']);
  assert.deepEqual(JSON.parse(got.at(-1)), { USERNAME: "o'neil $(id)", PASSWORD: 'p$w', SECRET_HASH: 'h=' });
  const [create, set] = newUser('us-east-1_A', '-x y', 'Passw0rd!', [{ Name: 'email', Value: 'j@x.io' }]).map((c) => command(...c));
  assert.deepEqual(words(create), ['cognito-idp', 'admin-create-user', '--user-pool-id', 'us-east-1_A', '--username=-x y', '--message-action', 'SUPPRESS', '--user-attributes', '[{"Name":"email","Value":"j@x.io"}]']);
  assert.ok(set.includes('--permanent') && set.includes('--password "$PASSWORD"'), set);
});

test('time as a bar', () => {
  const list = spans({ Duration: 4e6, Phases: [{ Name: 'user', Duration: 1e6 }, { Name: 'trigger', Duration: 3e6 }] });
  assert.deepEqual(list.map((s) => [s.name, s.x, s.width, s.share]), [['user', 0, 250, 25], ['trigger', 250, 750, 75]]);
  assert.deepEqual([took(900), took(1.25e6), took(25e6), took(1.5e9)], ['0 µs', '1.3 ms', '25 ms', '1.5 s']);
});
