// aws-jwt-verify's CognitoJwtVerifier, which builds the issuer of AWS from the
// pool's id: the server runs with --issuer aws, the keys come from it.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { CognitoJwtVerifier } from 'aws-jwt-verify';
import { AdminAddUserToGroupCommand, CreateGroupCommand, InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { addUser, endpoint, idp, newPool, password } from './support.js';

let pool;
let tokens;
let jwks;

before(async () => {
  pool = await newPool();
  await addUser(pool, 'jane');
  await idp.send(new CreateGroupCommand({ UserPoolId: pool.id, GroupName: 'staff' }));
  await idp.send(new AdminAddUserToGroupCommand({ UserPoolId: pool.id, GroupName: 'staff', Username: 'jane' }));
  const answer = await idp.send(
    new InitiateAuthCommand({
      ClientId: pool.clientId,
      AuthFlow: 'USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: 'jane', PASSWORD: password },
    }),
  );
  tokens = answer.AuthenticationResult;
  jwks = await (await fetch(`${endpoint}/${pool.id}/.well-known/jwks.json`)).json();
});

function verifier(tokenUse, more = {}) {
  const v = CognitoJwtVerifier.create({ userPoolId: pool.id, clientId: pool.clientId, tokenUse, ...more });
  v.cacheJwks(jwks);
  return v;
}

test('accepts both tokens', async () => {
  const id = await verifier('id').verify(tokens.IdToken);
  assert.equal(id.iss, `https://cognito-idp.us-east-1.amazonaws.com/${pool.id}`);
  const access = await verifier('access', { groups: ['staff'], scope: 'aws.cognito.signin.user.admin' }).verify(tokens.AccessToken);
  assert.equal(access.username, 'jane');
});

test('refuses the wrong use, client, group and scope', async () => {
  await assert.rejects(verifier('access').verify(tokens.IdToken), Error);
  await assert.rejects(verifier('id').verify(tokens.AccessToken), Error);
  await assert.rejects(verifier('id', { clientId: 'other' }).verify(tokens.IdToken), Error);
  await assert.rejects(verifier('id', { groups: ['admins'] }).verify(tokens.IdToken), Error);
  await assert.rejects(verifier('access', { scope: 'rs/read' }).verify(tokens.AccessToken), Error);
});
