// The Express app of examples/express, as a process, over HTTP. The folder in
// EXPRESS_APP has its files beside node_modules.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { addUser, claimsOf, inboxCode, password } from './support.js';

const folder = process.env.EXPRESS_APP;
const adminPassword = 'Root-Horse-9';
let app;
let base;
let poolId;

before(async () => {
  const printed = execFileSync(process.execPath, ['setup.js'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ADMIN_PASSWORD: adminPassword },
  });
  const settings = Object.fromEntries([...printed.matchAll(/^export (\w+)=(.+)$/gm)].map((m) => [m[1], m[2]]));
  assert.deepEqual(Object.keys(settings), ['USER_POOL_ID', 'CLIENT_ID', 'CLIENT_SECRET']);
  poolId = settings.USER_POOL_ID;
  app = spawn(process.execPath, ['server.js'], {
    cwd: folder,
    env: { ...process.env, ...settings, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: app.stdout }), 'line');
  base = line.match(/http:\S+/)[0];
});

after(async () => {
  app.kill('SIGTERM');
  const [code] = await once(app, 'exit');
  assert.equal(code, 0);
});

/** Sends a request to the app and returns its status and JSON. */
async function send(method, path, { body, token } = {}) {
  const response = await fetch(base + path, {
    method,
    headers: { 'Content-Type': 'application/json', Connection: 'close', ...(token && { Authorization: `Bearer ${token}` }) },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, json: text.startsWith('{') ? JSON.parse(text) : undefined };
}

const post = (path, body, token) => send('POST', path, { body, token });
const get = (path, token) => send('GET', path, { token });

const ada = { username: 'ada', password, email: 'ada@example.com' };

test('sign-up, confirmation and sign-in', async () => {
  const signedUp = await post('/signup', ada);
  assert.equal(signedUp.status, 201);
  assert.equal(signedUp.json.codeSentTo, 'a***@e***');
  assert.equal((await post('/signup', ada)).json.code, 'UsernameExistsException');
  assert.equal((await post('/signup', { ...ada, username: 'weak', password: 'weak' })).status, 400);
  assert.equal((await post('/signin', ada)).status, 403); // not confirmed yet
  assert.equal((await post('/confirm', { username: 'ada', code: '000000' })).json.code, 'CodeMismatchException');
  const code = await inboxCode('ada@example.com');
  assert.equal((await post('/confirm', { username: 'ada', code })).status, 204);
  const { status, json } = await post('/signin', ada);
  assert.equal(status, 200);
  const me = await get('/me', json.accessToken);
  assert.equal(me.json.username, 'ada');
  assert.equal(me.json.sub, signedUp.json.sub);
  assert.equal(me.json.email_verified, 'true');
});

test('a wrong password looks like an unknown user', async () => {
  const wrong = await post('/signin', { username: 'ada', password: 'Wrong-Horse-9' });
  const unknown = await post('/signin', { username: 'nobody', password });
  assert.equal(wrong.status, 401);
  assert.deepEqual(unknown, wrong);
});

test('a temporary password is no sign-in', async () => {
  await addUser({ id: poolId }, 'invited', { permanent: false });
  const { status, json } = await post('/signin', { username: 'invited', password });
  assert.equal(status, 409);
  assert.equal(json.code, 'NEW_PASSWORD_REQUIRED');
  assert.equal(json.accessToken, undefined);
});

test('refresh, and no more of it after sign-out', async () => {
  const { json: first } = await post('/signin', ada);
  const { status, json: second } = await post('/refresh', { username: 'ada', refreshToken: first.refreshToken });
  assert.equal(status, 200);
  assert.equal(claimsOf(second.accessToken).origin_jti, claimsOf(first.accessToken).origin_jti);
  assert.equal((await post('/signout', { refreshToken: first.refreshToken })).status, 204);
  assert.equal((await post('/refresh', { username: 'ada', refreshToken: first.refreshToken })).status, 401);
  for (const token of [first.accessToken, second.accessToken]) assert.equal((await get('/me', token)).status, 401);
});

test('a forgotten password', async () => {
  assert.equal((await post('/forgot', { username: 'ada' })).json.codeSentTo, 'a***@e***');
  const code = await inboxCode('ada@example.com');
  const fresh = 'Recalled-Horse-9';
  assert.equal((await post('/reset', { username: 'ada', code, password: fresh })).status, 204);
  assert.equal((await post('/signin', ada)).status, 401);
  ada.password = fresh;
  assert.equal((await post('/signin', ada)).status, 200);
});

test('users and groups are for administrators', async () => {
  const { json: user } = await post('/signin', ada);
  assert.equal((await get('/users')).status, 401);
  assert.equal((await get('/users', user.accessToken)).status, 403);
  assert.equal((await get('/users', user.idToken)).status, 401);

  const { json: root } = await post('/signin', { username: 'root', password: adminPassword });
  assert.deepEqual(claimsOf(root.idToken)['cognito:groups'], ['admins']);
  const { json: all } = await get('/users', root.accessToken);
  assert.deepEqual(all.users.map((u) => u.username).sort(), ['ada', 'invited', 'root']);
  const { json: some } = await get('/users?email=ada@', root.accessToken);
  assert.deepEqual(some.users, [{ username: 'ada', status: 'CONFIRMED', enabled: true }]);

  assert.equal((await post('/groups', { name: 'editors' }, root.accessToken)).status, 201);
  assert.equal((await post('/groups', { name: 'editors' }, root.accessToken)).status, 409);
  assert.equal((await post('/groups/editors/members', { username: 'ada' }, root.accessToken)).status, 204);
  assert.equal((await post('/groups/none/members', { username: 'ada' }, root.accessToken)).status, 404);
  assert.deepEqual((await get('/groups', root.accessToken)).json.groups.sort(), ['admins', 'editors']);
  assert.deepEqual((await get('/users/ada/groups', root.accessToken)).json.groups, ['editors']);
  const { json: again } = await post('/signin', ada);
  assert.deepEqual(claimsOf(again.accessToken)['cognito:groups'], ['editors']);
});
