// aws-jwt-verify, openid-client and jose: our tokens under verifiers of others.
// Run with TLS by the server's local authority (NODE_EXTRA_CA_CERTS), because
// aws-jwt-verify fetches over https only.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { JwtVerifier } from 'aws-jwt-verify';
import { InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { addUser, idp, newPool, password } from './support.js';

let pool;
let tokens;

before(async () => {
  pool = await newPool();
  await addUser(pool, 'jane', { attributes: { email: 'jane@example.com' } });
  const answer = await idp.send(
    new InitiateAuthCommand({
      ClientId: pool.clientId,
      AuthFlow: 'USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: 'jane', PASSWORD: password },
    }),
  );
  tokens = answer.AuthenticationResult;
});

const verifier = (more = {}) =>
  JwtVerifier.create({
    issuer: pool.issuer,
    jwksUri: `${pool.issuer}/.well-known/jwks.json`,
    audience: pool.clientId,
    ...more,
  });

/** Changes a segment of a token with fn. */
function tampered(token, segment, fn) {
  const parts = token.split('.');
  parts[segment] = fn(parts[segment]);
  return parts.join('.');
}

const edit = (change) => (part) => {
  const value = JSON.parse(Buffer.from(part, 'base64url'));
  change(value);
  return Buffer.from(JSON.stringify(value)).toString('base64url');
};

test('JwtVerifier fetches the keys and accepts the ID token', async () => {
  const payload = await verifier().verify(tokens.IdToken);
  assert.equal(payload['cognito:username'], 'jane');
  assert.equal(payload.token_use, 'id');
});

test('JwtVerifier accepts the access token, which has no audience', async () => {
  const payload = await verifier({ audience: null }).verify(tokens.AccessToken);
  assert.equal(payload.client_id, pool.clientId);
  assert.equal(payload.scope, 'aws.cognito.signin.user.admin');
});

test('JwtVerifier refuses what was tampered with', async () => {
  const v = verifier();
  await v.verify(tokens.IdToken); // the token itself is good
  const forged = {
    'another payload': tampered(tokens.IdToken, 1, edit((p) => (p['cognito:username'] = 'root'))),
    'a longer life': tampered(tokens.IdToken, 1, edit((p) => (p.exp += 3600))),
    'no algorithm': tampered(tampered(tokens.IdToken, 0, edit((h) => (h.alg = 'none'))), 2, () => ''),
    'a symmetric algorithm': tampered(tokens.IdToken, 0, edit((h) => (h.alg = 'HS256'))),
    'a key id that is not published': tampered(tokens.IdToken, 0, edit((h) => (h.kid = 'other'))),
    'another signature': tampered(tokens.IdToken, 2, (s) => (s[9] === 'A' ? 'B' : 'A') + s.slice(1)),
    'the signature of the access token': tampered(tokens.IdToken, 2, () => tokens.AccessToken.split('.')[2]),
  };
  for (const [what, token] of Object.entries(forged)) {
    await assert.rejects(v.verify(token), Error, what);
  }
  await assert.rejects(v.verify(tokens.AccessToken), Error, 'an access token for an ID token');
  await assert.rejects(verifier({ audience: 'other' }).verify(tokens.IdToken), Error, 'another audience');
  assert.equal(Object.keys(forged).length, 7);
});

test('JwtVerifier refuses the token of another pool', async () => {
  const other = await newPool();
  const strict = JwtVerifier.create({
    issuer: other.issuer,
    jwksUri: `${other.issuer}/.well-known/jwks.json`,
    audience: pool.clientId,
  });
  await assert.rejects(strict.verify(tokens.IdToken), Error);
});

test('openid-client discovers the pool and jose verifies with its keys', async () => {
  const config = await oidc.discovery(new URL(pool.issuer), pool.clientId);
  const metadata = config.serverMetadata();
  assert.equal(metadata.issuer, pool.issuer);
  assert.deepEqual(metadata.id_token_signing_alg_values_supported, ['RS256']);
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
  const expected = { issuer: metadata.issuer, algorithms: ['RS256'] };
  const { payload } = await jwtVerify(tokens.IdToken, keys, { ...expected, audience: pool.clientId });
  assert.equal(payload.email, 'jane@example.com');
  const { payload: access } = await jwtVerify(tokens.AccessToken, keys, expected);
  assert.equal(access.username, 'jane');
  const forged = tampered(tokens.IdToken, 1, edit((p) => (p.email = 'root@example.com')));
  await assert.rejects(jwtVerify(forged, keys, expected), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
});
