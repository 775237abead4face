// amazon-cognito-identity-js: SRP sign-in and all that a user does alone.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import identity from 'amazon-cognito-identity-js';
import { addUser, advance, claimsOf, endpoint, idp, inboxCode, newPool, password } from './support.js';

const { AuthenticationDetails, CognitoRefreshToken, CognitoUser, CognitoUserAttribute, CognitoUserPool } = identity;

let pool;
let userPool;

before(async () => {
  pool = await newPool({ client: { PreventUserExistenceErrors: 'ENABLED' } });
  userPool = new CognitoUserPool({ UserPoolId: pool.id, ClientId: pool.clientId, endpoint });
});

const user = (name) => new CognitoUser({ Username: name, Pool: userPool });

/** Turns a method with a (error, result) callback into a promise. */
const call = (target, method, ...args) =>
  new Promise((resolve, reject) =>
    target[method](...args, (error, result) => (error ? reject(error) : resolve(result))),
  );

/** Signs in by SRP; onNewPassword answers the challenge, if one is expected. */
const signIn = (who, secret, onNewPassword) =>
  new Promise((resolve, reject) => {
    const callbacks = { onSuccess: resolve, onFailure: reject };
    if (onNewPassword) callbacks.newPasswordRequired = (...args) => onNewPassword(callbacks, ...args);
    who.authenticateUser(new AuthenticationDetails({ Username: who.getUsername(), Password: secret }), callbacks);
  });

test('signs in by SRP', async () => {
  await addUser(pool, 'srp', { attributes: { email: 'srp@example.com' } });
  const who = user('srp');
  const session = await signIn(who, password);
  assert.ok(session.isValid());
  const id = session.getIdToken().decodePayload();
  assert.equal(id['cognito:username'], 'srp');
  assert.equal(id.aud, pool.clientId);
  assert.equal(id.iss, pool.issuer);
  assert.equal(session.getAccessToken().decodePayload().token_use, 'access');
});

test('a wrong password and an unknown user are told apart by nothing but time', async () => {
  await addUser(pool, 'known');
  const failures = [];
  for (const name of ['known', 'nobody']) {
    failures.push(await signIn(user(name), 'Wrong-Horse-9').catch((error) => error));
  }
  assert.deepEqual(failures.map((e) => e.code), ['NotAuthorizedException', 'NotAuthorizedException']);
  assert.equal(failures[0].message, 'Incorrect username or password.');
  assert.equal(failures[1].message, failures[0].message);
});

test('a temporary password leads to NEW_PASSWORD_REQUIRED', async () => {
  await addUser(pool, 'fresh', { attributes: { email: 'fresh@example.com' }, permanent: false });
  const who = user('fresh');
  let asked;
  const session = await signIn(who, password, (callbacks, attributes) => {
    asked = attributes;
    who.completeNewPasswordChallenge('Second-Horse-9', {}, callbacks);
  });
  assert.equal(asked.email, 'fresh@example.com');
  assert.ok(session.isValid());
  assert.ok((await signIn(user('fresh'), 'Second-Horse-9')).isValid());
  await assert.rejects(signIn(user('fresh'), password), { code: 'NotAuthorizedException' });
});

test('refreshes', async () => {
  await addUser(pool, 'refreshing');
  const who = user('refreshing');
  const first = await signIn(who, password);
  await advance('5m');
  const token = new CognitoRefreshToken({ RefreshToken: first.getRefreshToken().getToken() });
  const second = await call(who, 'refreshSession', token);
  const [was, is] = [first, second].map((s) => s.getAccessToken().decodePayload());
  assert.ok(is.iat >= was.iat + 300, `iat ${was.iat} → ${is.iat}`);
  assert.equal(is.auth_time, was.auth_time);
  assert.equal(is.origin_jti, was.origin_jti);
  assert.notEqual(is.jti, was.jti);
});

test('changes the password', async () => {
  await addUser(pool, 'changing');
  const who = user('changing');
  await signIn(who, password);
  assert.equal(await call(who, 'changePassword', password, 'Other-Horse-9'), 'SUCCESS');
  assert.ok((await signIn(user('changing'), 'Other-Horse-9')).isValid());
  await assert.rejects(signIn(user('changing'), password), { code: 'NotAuthorizedException' });
});

test('reads and writes attributes', async () => {
  await addUser(pool, 'profile', { attributes: { email: 'profile@example.com' } });
  const who = user('profile');
  await signIn(who, password);
  const update = [new CognitoUserAttribute({ Name: 'family_name', Value: 'Doe' })];
  assert.equal(await call(who, 'updateAttributes', update), 'SUCCESS');
  const list = await call(who, 'getUserAttributes');
  const found = Object.fromEntries(list.map((a) => [a.getName(), a.getValue()]));
  assert.equal(found.family_name, 'Doe');
  assert.equal(found.email, 'profile@example.com');
  assert.match(found.sub, /^[0-9a-f-]{36}$/);
});

test('signs up and confirms with the code of the mail', async () => {
  const email = new CognitoUserAttribute({ Name: 'email', Value: 'new@example.com' });
  const result = await call(userPool, 'signUp', 'new', password, [email], null);
  assert.equal(result.userConfirmed, false);
  assert.equal(result.codeDeliveryDetails.Destination, 'n***@e***');
  await assert.rejects(signIn(user('new'), password), { code: 'UserNotConfirmedException' });
  await assert.rejects(call(user('new'), 'confirmRegistration', '000000', true), { code: 'CodeMismatchException' });
  assert.equal(await call(user('new'), 'confirmRegistration', await inboxCode('new@example.com'), true), 'SUCCESS');
  const session = await signIn(user('new'), password);
  assert.equal(session.getIdToken().decodePayload().email_verified, true);
});

test('recovers a forgotten password', async () => {
  await addUser(pool, 'forgetful', { attributes: { email: 'forgetful@example.com', email_verified: 'true' } });
  const who = user('forgetful');
  const sent = await new Promise((resolve, reject) =>
    who.forgotPassword({ onSuccess: resolve, onFailure: reject, inputVerificationCode: resolve }),
  );
  assert.equal(sent.CodeDeliveryDetails.DeliveryMedium, 'EMAIL');
  const code = await inboxCode('forgetful@example.com');
  await new Promise((resolve, reject) =>
    who.confirmPassword(code, 'Recalled-Horse-9', { onSuccess: resolve, onFailure: reject }),
  );
  assert.ok((await signIn(user('forgetful'), 'Recalled-Horse-9')).isValid());
});

test('signs out everywhere', async () => {
  await addUser(pool, 'leaving');
  const who = user('leaving');
  const session = await signIn(who, password);
  const elsewhere = user('leaving');
  await signIn(elsewhere, password);
  await new Promise((resolve, reject) => who.globalSignOut({ onSuccess: resolve, onFailure: reject }));
  await assert.rejects(call(elsewhere, 'getUserAttributes'), { code: 'NotAuthorizedException' });
  // By the SDK: this library asks again for seven seconds before it gives up.
  const refresh = new InitiateAuthCommand({
    ClientId: pool.clientId,
    AuthFlow: 'REFRESH_TOKEN_AUTH',
    AuthParameters: { REFRESH_TOKEN: session.getRefreshToken().getToken() },
  });
  await assert.rejects(idp.send(refresh), { name: 'NotAuthorizedException' });
});

test('two sign-ins share no token', async () => {
  await addUser(pool, 'twice');
  const tokens = [];
  for (let i = 0; i < 2; i++) {
    const s = await signIn(user('twice'), password);
    tokens.push(s.getIdToken().getJwtToken(), s.getAccessToken().getJwtToken(), s.getRefreshToken().getToken());
  }
  assert.equal(new Set(tokens).size, 6);
  const ids = [tokens[0], tokens[1], tokens[3], tokens[4]].map((t) => claimsOf(t).jti);
  assert.equal(new Set(ids).size, 4);
});

test('signs in with an e-mail address as user name, whatever its case', async () => {
  const byMail = await newPool({
    pool: { UsernameAttributes: ['email'], UsernameConfiguration: { CaseSensitive: false } },
  });
  const people = new CognitoUserPool({ UserPoolId: byMail.id, ClientId: byMail.clientId, endpoint });
  const who = (name) => new CognitoUser({ Username: name, Pool: people });
  const email = new CognitoUserAttribute({ Name: 'email', Value: 'Mail@Example.com' });
  const { userSub } = await call(people, 'signUp', 'Mail@Example.com', password, [email], null);
  const code = await inboxCode('mail@example.com');
  assert.equal(await call(who('mail@example.com'), 'confirmRegistration', code, true), 'SUCCESS');
  for (const name of ['mail@example.com', 'MAIL@EXAMPLE.COM', userSub]) {
    const id = (await signIn(who(name), password)).getIdToken().decodePayload();
    assert.equal(id['cognito:username'], userSub); // such a user has no other name
    assert.equal(id.sub, userSub);
    assert.equal(id.email_verified, true);
  }
  await assert.rejects(call(people, 'signUp', 'mail@example.com', password, [], null), { code: 'UsernameExistsException' });
});

test('signs in with a verified alias', async () => {
  const aliased = await newPool({ pool: { AliasAttributes: ['email', 'preferred_username'] } });
  const people = new CognitoUserPool({ UserPoolId: aliased.id, ClientId: aliased.clientId, endpoint });
  await addUser(aliased, 'jane', {
    attributes: { email: 'alias@example.com', email_verified: 'true', preferred_username: 'jd' },
  });
  await addUser(aliased, 'mallory', { attributes: { email: 'other@example.com' } }); // not verified
  for (const name of ['alias@example.com', 'jd', 'jane']) {
    const who = new CognitoUser({ Username: name, Pool: people });
    const id = (await signIn(who, password)).getIdToken().decodePayload();
    assert.equal(id['cognito:username'], 'jane');
  }
  const who = new CognitoUser({ Username: 'other@example.com', Pool: people });
  await assert.rejects(signIn(who, password), { code: 'UserNotFoundException' });
});
