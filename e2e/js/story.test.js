// The AWS SDK for JavaScript v3: the story, errors by class, paginators and
// refresh token rotation. ARTICLE_ZIP is the article's function, in base64.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AdminGetUserCommand,
  GetTokensFromRefreshTokenCommand,
  InitiateAuthCommand,
  NotAuthorizedException,
  RefreshTokenReuseException,
  RevokeTokenCommand,
  UpdateUserPoolCommand,
  UserNotFoundException,
  paginateListUsers,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-lambda';
import { addUser, advance, claimsOf, idp, newPool, password } from './support.js';

const lambda = new LambdaClient({});

const signIn = async (pool, name) => {
  const { AuthenticationResult } = await idp.send(
    new InitiateAuthCommand({
      ClientId: pool.clientId,
      AuthFlow: 'USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: name, PASSWORD: password },
    }),
  );
  return AuthenticationResult;
};

test('the story', async () => {
  const attribute = (Name) => ({ Name, AttributeDataType: 'String', Mutable: true });
  const pool = await newPool({ pool: { Schema: [attribute('tenantId'), attribute('department')] } });
  await addUser(pool, 'jane', { attributes: { 'custom:tenantId': 'acme', 'custom:department': '42' } });
  assert.equal(claimsOf((await signIn(pool, 'jane')).IdToken).tenantId, undefined);

  const made = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'pretoken',
      Runtime: 'nodejs20.x',
      Handler: 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/lambda',
      Code: { ZipFile: Buffer.from(process.env.ARTICLE_ZIP, 'base64') },
    }),
  );
  await lambda.send(
    new AddPermissionCommand({
      FunctionName: 'pretoken',
      StatementId: 'cognito',
      Action: 'lambda:InvokeFunction',
      Principal: 'cognito-idp.amazonaws.com',
      SourceArn: `arn:aws:cognito-idp:us-east-1:000000000000:userpool/${pool.id}`,
    }),
  );
  await idp.send(new UpdateUserPoolCommand({ UserPoolId: pool.id, LambdaConfig: { PreTokenGeneration: made.FunctionArn } }));
  const claims = claimsOf((await signIn(pool, 'jane')).IdToken);
  assert.equal(claims.tenantId, 'acme');
  assert.equal(claims.departmentId, '42');

  const { Payload, StatusCode } = await lambda.send(
    new InvokeCommand({
      FunctionName: 'pretoken',
      Payload: JSON.stringify({ request: { userAttributes: { 'custom:tenantId': 'direct' } } }),
    }),
  );
  assert.equal(StatusCode, 200);
  const answer = JSON.parse(Buffer.from(Payload));
  assert.equal(answer.response.claimsOverrideDetails.claimsToAddOrOverride.tenantId, 'direct');

  // The package can be had back, from where GetFunction says.
  const { Code, Configuration } = await lambda.send(new GetFunctionCommand({ FunctionName: 'pretoken' }));
  const archive = Buffer.from(await (await fetch(Code.Location)).arrayBuffer());
  assert.equal(archive.toString('base64'), process.env.ARTICLE_ZIP);
  assert.equal(Configuration.CodeSize, archive.length);
});

test('errors are of the class that the SDK has for them', async () => {
  const pool = await newPool();
  await assert.rejects(idp.send(new AdminGetUserCommand({ UserPoolId: pool.id, Username: 'nobody' })), UserNotFoundException);
  await addUser(pool, 'jane');
  const wrong = new InitiateAuthCommand({
    ClientId: pool.clientId,
    AuthFlow: 'USER_PASSWORD_AUTH',
    AuthParameters: { USERNAME: 'jane', PASSWORD: 'Wrong-Horse-9' },
  });
  await assert.rejects(idp.send(wrong), NotAuthorizedException);
  await assert.rejects(lambda.send(new GetFunctionCommand({ FunctionName: 'none' })), ResourceNotFoundException);
});

test('a paginator sees every user once', async () => {
  const pool = await newPool();
  const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => `user-${letter}`);
  for (const name of names) await addUser(pool, name, { permanent: false });
  const seen = [];
  let pages = 0;
  for await (const page of paginateListUsers({ client: idp, pageSize: 2 }, { UserPoolId: pool.id })) {
    pages++;
    seen.push(...page.Users.map((u) => u.Username));
  }
  assert.deepEqual(seen.sort(), names);
  assert.equal(pages, 3);
});

test('refresh tokens rotate, and a used one is refused', async () => {
  const pool = await newPool({
    client: {
      ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH'],
      RefreshTokenRotation: { Feature: 'ENABLED', RetryGracePeriodSeconds: 0 },
    },
  });
  await addUser(pool, 'jane');
  const first = await signIn(pool, 'jane');
  const renew = (RefreshToken) => idp.send(new GetTokensFromRefreshTokenCommand({ ClientId: pool.clientId, RefreshToken }));
  const { AuthenticationResult: second } = await renew(first.RefreshToken);
  assert.notEqual(second.RefreshToken, first.RefreshToken);
  assert.equal(claimsOf(second.IdToken).origin_jti, claimsOf(first.IdToken).origin_jti);
  await advance('5s');
  await assert.rejects(renew(first.RefreshToken), RefreshTokenReuseException);
  await idp.send(new RevokeTokenCommand({ ClientId: pool.clientId, Token: second.RefreshToken }));
  await assert.rejects(renew(second.RefreshToken), NotAuthorizedException);
});
