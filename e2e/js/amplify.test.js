// @aws-amplify/auth signs in by SRP at a user pool endpoint of ours.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Amplify } from '@aws-amplify/core';
import { confirmSignIn, fetchAuthSession, fetchUserAttributes, signIn, signOut, updatePassword } from '@aws-amplify/auth';
import { cognitoUserPoolsTokenProvider } from '@aws-amplify/auth/cognito';
import { addUser, endpoint, newPool, password } from './support.js';

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
