// How to sign in through an app client: which operation, with what input, and
// the AWS CLI commands for it. Nothing here touches a page.

import { secretHash } from './token.js';

const usable = [
  { flow: 'ADMIN_USER_PASSWORD_AUTH', admin: true, names: ['ALLOW_ADMIN_USER_PASSWORD_AUTH', 'ADMIN_NO_SRP_AUTH'] },
  { flow: 'USER_PASSWORD_AUTH', admin: false, names: ['ALLOW_USER_PASSWORD_AUTH', 'USER_PASSWORD_AUTH'] },
];

// What a client that names no flows allows.
const DEFAULT_FLOWS = ['ALLOW_REFRESH_TOKEN_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_CUSTOM_AUTH'];

// flowOf is how a password can be used with a client: {flow, admin}, or null.
export function flowOf(client) {
  const allowed = client.ExplicitAuthFlows ?? [];
  return usable.find((u) => u.names.some((n) => allowed.includes(n))) ?? null;
}

// withFlow is the input of UpdateUserPoolClient that lets a client use
// ADMIN_USER_PASSWORD_AUTH. The operation sets everything anew, so all that
// the client has goes back.
export function withFlow(client) {
  const { ClientSecret, CreationDate, LastModifiedDate, ...rest } = client;
  const flows = client.ExplicitAuthFlows?.length ? client.ExplicitAuthFlows : DEFAULT_FLOWS;
  const old = flows.every((f) => !f.startsWith('ALLOW_')); // both kinds of names cannot be mixed
  return { ...rest, ExplicitAuthFlows: [...flows, old ? 'ADMIN_NO_SRP_AUTH' : 'ALLOW_ADMIN_USER_PASSWORD_AUTH'] };
}

async function hashed(client, name, values) {
  return client.ClientSecret ? { ...values, SECRET_HASH: await secretHash(client.ClientSecret, name, client.ClientId) } : values;
}

// signIn is [operation, input] of a sign-in.
export async function signIn(client, how, name, password) {
  const AuthParameters = await hashed(client, name, { USERNAME: name, PASSWORD: password });
  const input = { AuthFlow: how.flow, ClientId: client.ClientId, AuthParameters };
  return how.admin ? ['AdminInitiateAuth', { UserPoolId: client.UserPoolId, ...input }] : ['InitiateAuth', input];
}

// respond is [operation, input] of the answer to NEW_PASSWORD_REQUIRED.
export async function respond(client, how, challenge, name, password, attributes) {
  const values = { USERNAME: name, NEW_PASSWORD: password };
  for (const [n, v] of Object.entries(attributes)) values[`userAttributes.${n}`] = v;
  const input = { ClientId: client.ClientId, ChallengeName: challenge.ChallengeName, Session: challenge.Session, ChallengeResponses: await hashed(client, name, values) };
  return how.admin ? ['AdminRespondToAuthChallenge', { UserPoolId: client.UserPoolId, ...input }] : ['RespondToAuthChallenge', input];
}

// missing are the attributes that a challenge asks for.
export function missing(challenge) {
  try {
    return JSON.parse(challenge.ChallengeParameters?.requiredAttributes ?? '[]').map((n) => String(n).replace(/^userAttributes\./, ''));
  } catch {
    return [];
  }
}

// refresh is [operation, input] for new tokens. A client that rotates its
// refresh tokens has an operation of its own.
export async function refresh(client, name, token) {
  if (client.RefreshTokenRotation?.Feature === 'ENABLED') {
    return ['GetTokensFromRefreshToken', { ClientId: client.ClientId, RefreshToken: token, ...(client.ClientSecret && { ClientSecret: client.ClientSecret }) }];
  }
  return ['InitiateAuth', { AuthFlow: 'REFRESH_TOKEN_AUTH', ClientId: client.ClientId, AuthParameters: await hashed(client, name, { REFRESH_TOKEN: token }) }];
}

// revoke is [operation, input] to end a sign-in.
export function revoke(client, token) {
  return ['RevokeToken', { ClientId: client.ClientId, Token: token, ...(client.ClientSecret && { ClientSecret: client.ClientSecret }) }];
}

// attributesOf reads "name=value" lines; a bad one is an error with its number.
export function attributesOf(text) {
  const list = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const at = line.indexOf('=');
    if (at <= 0) throw new Error(`Line ${i + 1} of the attributes is not name=value.`);
    list.push({ Name: line.slice(0, at).trim(), Value: line.slice(at + 1).trim() });
  }
  return list;
}

// newUser are the operations that make a user who can sign in at once.
export function newUser(pool, name, password, attributes) {
  return [
    ['AdminCreateUser', { UserPoolId: pool, Username: name, MessageAction: 'SUPPRESS', ...(attributes.length && { UserAttributes: attributes }) }],
    ['AdminSetUserPassword', { UserPoolId: pool, Username: name, Password: password, Permanent: true }],
  ];
}

const kebab = (name) => name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
const quote = (s) => (/^[A-Za-z0-9_./:@+=,-]+$/.test(s) ? s : `'${s.replaceAll("'", "'\\''")}'`);
const secretNames = { Password: '"$PASSWORD"', ClientSecret: '"$CLIENT_SECRET"', Session: '"$SESSION"', Token: '"$REFRESH_TOKEN"', RefreshToken: '"$REFRESH_TOKEN"' };
const secretMembers = { PASSWORD: '$PASSWORD', NEW_PASSWORD: '$PASSWORD', SECRET_HASH: '$SECRET_HASH', REFRESH_TOKEN: '$REFRESH_TOKEN' };

// command is the AWS CLI command of an operation, with variables for what is
// secret.
export function command(operation, input) {
  const words = ['aws', 'cognito-idp', kebab(operation)];
  for (const [name, value] of Object.entries(input)) {
    const option = `--${kebab(name)}`;
    if (value === true) words.push(option);
    else if (value === false) words.push(`--no-${kebab(name)}`);
    else if (secretNames[name]) words.push(option, secretNames[name]);
    else if (typeof value === 'string') words.push(value.startsWith('-') ? `${option}=${quote(value)}` : `${option} ${quote(value)}`);
    else words.push(option, json(value));
  }
  return words.join(' ');
}

// json quotes an object for a shell; the variables of secrets are let through.
function json(value) {
  const secrets = [];
  const text = JSON.stringify(value, (name, v) => {
    if (!Object.hasOwn(secretMembers, name)) return v;
    secrets.push(secretMembers[name]);
    return `\u0000${secrets.length - 1}\u0000`;
  });
  return quote(text).replace(/\\u0000(\d+)\\u0000/g, (_, i) => `'"${secrets[i]}"'`);
}
