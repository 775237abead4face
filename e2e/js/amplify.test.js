// @aws-amplify/auth signs in by SRP at a user pool endpoint of ours.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Amplify } from '@aws-amplify/core';
import {
  confirmResetPassword,
  confirmSignIn,
  confirmSignUp,
  confirmUserAttribute,
  fetchAuthSession,
  fetchUserAttributes,
  getCurrentUser,
  resetPassword,
  signIn,
  signOut,
  signUp,
  updatePassword,
  updateUserAttribute,
} from '@aws-amplify/auth';
import { cognitoUserPoolsTokenProvider } from '@aws-amplify/auth/cognito';
import { addUser, endpoint, inboxCode, newPool, password } from './support.js';

let pool;

/** Where Amplify keeps tokens; a browser has localStorage. */
function memory() {
  const items = new Map();
  return {
    getItem: async (key) => items.get(key) ?? null,
    setItem: async (key, value) => void items.set(key, value),
    removeItem: async (key) => void items.delete(key),
    clear: async () => items.clear(),
  };
}

before(async () => {
  pool = await newPool();
  const Cognito = { userPoolId: pool.id, userPoolClientId: pool.clientId, userPoolEndpoint: endpoint };
  cognitoUserPoolsTokenProvider.setAuthConfig({ Cognito });
  cognitoUserPoolsTokenProvider.setKeyValueStorage(memory());
  Amplify.configure({ Auth: { Cognito } }, { Auth: { tokenProvider: cognitoUserPoolsTokenProvider } });
});

test('signs in by SRP, reads the profile, refreshes and signs out', async () => {
  await addUser(pool, 'jane', { attributes: { email: 'jane@example.com' } });
  const { isSignedIn } = await signIn({ username: 'jane', password });
  assert.equal(isSignedIn, true);
  const { tokens } = await fetchAuthSession();
  assert.equal(tokens.idToken.payload.iss, pool.issuer);
  assert.equal((await fetchUserAttributes()).email, 'jane@example.com');
  const { tokens: renewed } = await fetchAuthSession({ forceRefresh: true });
  assert.notEqual(renewed.accessToken.payload.jti, tokens.accessToken.payload.jti);
  assert.equal(renewed.accessToken.payload.origin_jti, tokens.accessToken.payload.origin_jti);
  await updatePassword({ oldPassword: password, newPassword: 'Other-Horse-9' });
  await signOut({ global: true });
  await assert.rejects(signIn({ username: 'jane', password }), { name: 'NotAuthorizedException' });
});

test('answers NEW_PASSWORD_REQUIRED', async () => {
  await addUser(pool, 'fresh', { permanent: false });
  const { nextStep } = await signIn({ username: 'fresh', password });
  assert.equal(nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED');
  const { isSignedIn } = await confirmSignIn({ challengeResponse: 'Second-Horse-9' });
  assert.equal(isSignedIn, true);
  await signOut();
});

test('signs up, recovers a password and changes the address', async () => {
  const started = await signUp({
    username: 'new',
    password,
    options: { userAttributes: { email: 'new@example.com', name: 'New' } },
  });
  assert.equal(started.nextStep.signUpStep, 'CONFIRM_SIGN_UP');
  assert.equal(started.nextStep.codeDeliveryDetails.destination, 'n***@e***');
  const early = await signIn({ username: 'new', password });
  assert.equal(early.nextStep.signInStep, 'CONFIRM_SIGN_UP');
  const code = await inboxCode('new@example.com');
  const done = await confirmSignUp({ username: 'new', confirmationCode: code });
  assert.equal(done.isSignUpComplete, true);

  const reset = await resetPassword({ username: 'new' });
  assert.equal(reset.nextStep.resetPasswordStep, 'CONFIRM_RESET_PASSWORD_WITH_CODE');
  const newPassword = 'Recalled-Horse-9';
  await confirmResetPassword({ username: 'new', newPassword, confirmationCode: await inboxCode('new@example.com') });
  assert.equal((await signIn({ username: 'new', password: newPassword })).isSignedIn, true);
  const { username, userId } = await getCurrentUser();
  assert.equal(username, 'new');
  assert.equal(userId, started.userId);

  const change = await updateUserAttribute({ userAttribute: { attributeKey: 'email', value: 'moved@example.com' } });
  assert.equal(change.nextStep.updateAttributeStep, 'CONFIRM_ATTRIBUTE_WITH_CODE');
  assert.equal((await fetchUserAttributes()).email_verified, 'false');
  await confirmUserAttribute({ userAttributeKey: 'email', confirmationCode: await inboxCode('moved@example.com') });
  const attributes = await fetchUserAttributes();
  assert.equal(attributes.email, 'moved@example.com');
  assert.equal(attributes.email_verified, 'true');
  await signOut();
});
