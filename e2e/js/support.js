// What the tests share: a pool, the inbox and the clock of the development
// server at AWS_ENDPOINT_URL.
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';

export const endpoint = process.env.AWS_ENDPOINT_URL;
export const password = 'Correct-Horse-9';
export const idp = new CognitoIdentityProviderClient({}); // endpoint, region and keys from the environment

/** Makes a pool and a client that may use every flow with a password. */
export async function newPool({ pool = {}, client = {} } = {}) {
  const { UserPool } = await idp.send(
    new CreateUserPoolCommand({ PoolName: 'judged', AutoVerifiedAttributes: ['email'], ...pool }),
  );
  const { UserPoolClient } = await idp.send(
    new CreateUserPoolClientCommand({
      UserPoolId: UserPool.Id,
      ClientName: 'web',
      ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      ...client,
    }),
  );
  return {
    id: UserPool.Id,
    clientId: UserPoolClient.ClientId,
    clientSecret: UserPoolClient.ClientSecret,
    issuer: `${endpoint}/${UserPool.Id}`,
  };
}

/** Makes a user; with permanent false the password is a temporary one. */
export async function addUser(pool, name, { attributes = {}, permanent = true } = {}) {
  await idp.send(
    new AdminCreateUserCommand({
      UserPoolId: pool.id,
      Username: name,
      TemporaryPassword: password,
      MessageAction: 'SUPPRESS',
      UserAttributes: Object.entries(attributes).map(([Name, Value]) => ({ Name, Value })),
    }),
  );
  if (permanent) {
    await idp.send(
      new AdminSetUserPasswordCommand({ UserPoolId: pool.id, Username: name, Password: password, Permanent: true }),
    );
  }
}

/** Returns the code in the newest message to an address. */
export async function inboxCode(address) {
  const response = await fetch(`${endpoint}/_rockpool/inbox/${encodeURIComponent(address)}`);
  const { messages } = await response.json();
  if (!messages.length) throw new Error(`nothing was sent to ${address}`);
  return messages[0].code;
}

/** Moves the server's clock. */
export async function advance(duration) {
  const response = await fetch(`${endpoint}/_rockpool/clock`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ advance: duration }),
  });
  if (!response.ok) throw new Error(`the clock did not move: ${response.status}`);
}

/** Decodes what a token says, without verifying it. */
export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
}
