// Try it: a sign-in from the console, and everything that came of it.

import { call, data } from './api.js';
import { misplaced } from './claims.js';
import { inShort, rows } from './claimtext.js';
import { h, toast } from './dom.js';
import { pretty, visible } from './show.js';
import { spansView, took } from './spans.js';
import { decode, verify } from './token.js';
import { published } from './tokenkeys.js';
import { compareView, tokenView } from './tokenview.js';
import { attributesOf, command, flowOf, missing, newUser, refresh, respond, revoke, signIn, withFlow } from './tryflow.js';

const $ = (id) => document.getElementById(id);
const form = $('try');
const idp = (pool, operation, input) => call('cognito-idp', operation, input, { region: pool.slice(0, pool.indexOf('_')) });

let client = null; // as DescribeUserPoolClient says
let session = null; // {client, how, name, challenge, tokens, over} of the sign-in that is shown

function problem(error) {
  $('problem').replaceChildren(...(error ? [h('p', { class: 'error' }, visible(error.type ? `${error.type}: ${error.message}` : error.message))] : []));
}

// doing runs what a button starts, once at a time, and shows what goes wrong.
async function doing(button, work) {
  if (button.disabled) return;
  button.disabled = true;
  problem(null);
  try {
    await work();
  } catch (e) {
    problem(e);
    await refused(e);
  } finally {
    button.disabled = false;
  }
}

// refused shows what the trigger had to do with a sign-in that failed.
async function refused(error) {
  if (!error.requestId || !session) return;
  try {
    const pool = session.client.UserPoolId;
    const list = (await data(`signins?pool=${encodeURIComponent(pool)}`)).signIns;
    const event = list.find((e) => e.RequestID === error.requestId);
    if (!event?.Trigger) return;
    $('problem').append(h('section', { id: 'failed-trigger', 'aria-labelledby': 'failed-trigger-h' }, h('h2', { id: 'failed-trigger-h' }, 'What the trigger did'),
      calledText(event), ...spansView(event), ...payloads(event.Trigger),
      h('p', {}, h('a', { href: `/console/functions/${encodeURIComponent(functionName(event.Trigger))}/monitor` }, 'See the function’s log'))));
  } catch { /* the refusal has been said; this would have explained it */ }
}

const functionName = (trigger) => trigger.ARN.split(':')[6] ?? trigger.ARN;

function calledText(event) {
  const t = event.Trigger;
  const name = functionName(t);
  const whole = (event.Phases ?? []).find((p) => p.Name === 'trigger')?.Duration;
  const rest = t.Cold && whole ? `, cold: the rest of ${took(whole)} was the start of a process` : t.Cold ? ', cold: a process was started for it' : ', warm';
  return h('p', {}, h('a', { href: `/console/functions/${encodeURIComponent(name)}` }, name), ` was called for ${t.Source} (${t.Version})${t.Duration ? ` and ran for ${took(t.Duration)}${rest}` : ''}.`);
}

// payloads are the event and the answer; of an answer, the response first.
function payloads(t) {
  const block = (title, value) => h('pre', { tabindex: '0', role: 'region', 'aria-label': title }, visible(pretty(JSON.stringify(value))));
  const part = (title, value) => h('div', {}, h('h3', {}, title), value == null ? h('p', { class: 'muted' }, 'Nothing is kept: there was none, or this is no development server.') : block(title, value));
  const response = t.Answer?.response;
  const answer = response === undefined ? [part('Answer', t.Answer)] : [part('Answer: its response', response), h('details', {}, h('summary', {}, 'The whole answer'), block('The whole answer', t.Answer))];
  return [h('div', { class: 'two' }, part('Event', t.Event), h('div', {}, ...answer))];
}

const options = (select, list, chosen, empty) => {
  select.replaceChildren(...(list.length ? list : [['', empty]]).map(([value, label]) => h('option', { value }, label)));
  if (list.some(([v]) => v === chosen)) select.value = chosen;
};

async function pages(operation, input, member, most) {
  const all = [];
  const [request, answer] = operation === 'ListUsers' ? ['PaginationToken', 'PaginationToken'] : ['NextToken', 'NextToken'];
  let next;
  do {
    const page = await call('cognito-idp', operation, { ...input, ...(next && { [request]: next }) }, input.UserPoolId ? { region: input.UserPoolId.split('_')[0] } : {});
    all.push(...page[member]);
    next = page[answer];
  } while (next && all.length < most);
  return all;
}

async function loadPools() {
  const list = (await pages('ListUserPools', { MaxResults: 60 }, 'UserPools', 300)).map((p) => [p.Id, `${p.Name} (${p.Id})`]);
  const asked = form.dataset.pool;
  if (asked && !list.some(([id]) => id === asked)) list.unshift([asked, asked]); // of another region
  options($('pool'), list, asked, 'There is no user pool in this region');
  await loadClients(form.dataset.client);
}

async function loadClients(asked) {
  const pool = $('pool').value;
  client = null;
  options($('client'), [], '', 'There is no app client');
  if (!pool) return showFlow();
  const [clients, users] = await Promise.all([
    pages('ListUserPoolClients', { UserPoolId: pool, MaxResults: 60 }, 'UserPoolClients', 300),
    idp(pool, 'ListUsers', { UserPoolId: pool, Limit: 60 }),
  ]);
  if (pool !== $('pool').value) return undefined;
  options($('client'), clients.map((c) => [c.ClientId, `${c.ClientName} (${c.ClientId})`]), asked, 'There is no app client in this pool');
  $('users').replaceChildren(...users.Users.map((u) => h('option', { value: u.Username }, u.Attributes?.find((a) => a.Name === 'email')?.Value ?? '')));
  return loadClient();
}

async function loadClient() {
  const [pool, id] = [$('pool').value, $('client').value];
  client = null;
  if (id) {
    const found = (await idp(pool, 'DescribeUserPoolClient', { UserPoolId: pool, ClientId: id })).UserPoolClient;
    if (id !== $('client').value) return;
    client = found;
  }
  showFlow();
}

// showFlow says how the sign-in will go, or offers what it takes.
function showFlow() {
  const how = client && flowOf(client);
  const box = $('flow');
  if (!client) box.replaceChildren($('pool').value ? 'Create an app client in this pool to sign in through.' : '');
  else if (how) box.replaceChildren(`By ${how.flow}${client.ClientSecret ? '; the client has a secret, and SECRET_HASH is computed in this browser' : ''}.`);
  else {
    const button = h('button', { type: 'button', class: 'small', onclick: () => doing(button, allowFlow) }, 'Allow ADMIN_USER_PASSWORD_AUTH');
    box.replaceChildren(h('p', { class: 'warning' }, 'This app client allows no sign-in with a plain password. ', button));
  }
  $('sign-in').disabled = !how;
  showCommands();
}

async function allowFlow() {
  const [pool, id] = [client.UserPoolId, client.ClientId];
  const now = (await idp(pool, 'DescribeUserPoolClient', { UserPoolId: pool, ClientId: id })).UserPoolClient;
  await idp(pool, 'UpdateUserPoolClient', withFlow(now));
  await loadClient();
  toast('The app client allows ADMIN_USER_PASSWORD_AUTH now.');
}

async function showCommands() {
  const how = client && flowOf(client);
  const name = $('user').value || 'USER';
  if (how) $('try-cli').textContent = command(...await signIn(client, how, name, ''));
  else if (client) $('try-cli').textContent = command('UpdateUserPoolClient', withFlow(client));
  else $('try-cli').textContent = '';
  let attributes = [];
  try { attributes = attributesOf($('new-attributes').value); } catch { /* said when it is sent */ }
  $('new-cli').textContent = newUser($('pool').value || 'POOL', $('new-name').value || 'USER', '', attributes).map((c) => command(...c)).join('\n');
}

async function start() {
  const how = flowOf(client);
  const name = $('user').value.trim();
  session = { client, how, name };
  hideResults();
  await proceed(await idp(client.UserPoolId, ...await signIn(client, how, name, $('password').value)));
}

function hideResults() {
  $('result').hidden = true;
  $('result').replaceChildren();
  $('challenge').hidden = true;
}

// proceed goes on from an answer: tokens, or a challenge.
function proceed(answer) {
  if (answer.AuthenticationResult) {
    session.tokens = { ...session.tokens, ...answer.AuthenticationResult };
    $('challenge').hidden = true;
    return showTokens();
  }
  if (answer.ChallengeName !== 'NEW_PASSWORD_REQUIRED') throw new Error(`The pool asks for ${answer.ChallengeName}, which this page cannot answer.`);
  session.challenge = answer;
  const asked = missing(answer);
  const field = (id, label, props) => h('div', { class: 'field' }, h('label', { for: id }, label), h('input', { id, required: true, ...props }));
  $('challenge-form').replaceChildren(
    field('challenge-password', 'New password', { type: 'password', autocomplete: 'new-password', maxlength: 256 }),
    ...asked.map((n, i) => field(`challenge-${i}`, n, { autocomplete: 'off' })),
    h('p', { class: 'actions' }, h('button', { class: 'primary', id: 'challenge-go' }, 'Set the password and go on')));
  $('challenge').hidden = false;
  return $('challenge-h').focus();
}

async function answerChallenge() {
  const attributes = Object.fromEntries(missing(session.challenge).map((n, i) => [n, $(`challenge-${i}`).value]));
  await proceed(await idp(session.client.UserPoolId, ...await respond(session.client, session.how, session.challenge, session.name, $('challenge-password').value, attributes)));
}

// showTokens shows what is known of the tokens that there are.
async function showTokens() {
  const { client: c, tokens } = session;
  const pool = c.UserPoolId;
  const id = decode(tokens.IdToken);
  const access = decode(tokens.AccessToken);
  // In development the server's clock may be ahead of this machine's.
  const now = typeof id.claims?.iat === 'number' ? Math.max(id.claims.iat, Date.now() / 1000) : Date.now() / 1000;
  let keys = { jwks: null, issuer: undefined };
  try {
    keys = await published(pool);
  } catch (e) {
    problem(e);
  }
  const expect = { now, issuer: keys.issuer, audience: c.ClientId };
  const check = (token, use) => (token.kind === 'jwt' ? verify(token, keys.jwks, { ...expect, use }) : { ok: false, lines: [] });
  const [idChecked, accessChecked] = [await check(id, 'id'), await check(access, 'access')];
  const known = await explain(pool, access.claims?.event_id);

  const again = h('button', { type: 'button', onclick: () => doing(again, async () => proceed(await idp(pool, ...await refresh(c, session.name, tokens.RefreshToken)))) }, 'Refresh');
  const end = h('button', { type: 'button', class: 'danger', onclick: () => doing(end, async () => {
    await idp(pool, ...revoke(c, tokens.RefreshToken));
    toast('Revoked: this sign-in gets no new tokens. Those it has verify until they expire.');
  }) }, 'Revoke');
  const heading = h('h2', { id: 'signed-in-h', tabindex: '-1' }, 'Signed in');
  $('result').replaceChildren(
    h('section', { 'aria-labelledby': 'signed-in-h' }, heading,
      h('p', {}, `${session.name} has tokens for ${c.ClientName}. The access token lives for ${tokens.ExpiresIn} seconds.`),
      known.event?.Trigger && h('p', { id: 'in-short' }, visible(inShort(['ID token', rows(id.claims, known.event.Trigger.Changes ?? [], 'id')], ['access token', rows(access.claims, known.event.Trigger.Changes ?? [], 'access')]))),
      h('p', { class: 'actions' }, again, end),
      ...spansView(known.event),
      h('details', { class: 'cli' }, h('summary', {}, 'AWS CLI'), h('pre', { tabindex: '0' }, h('code', {}, [command(...await refresh(c, session.name, '')), command(...revoke(c, ''))].join('\n'))))),
    triggerView(known, id, access),
    tokenView('ID token', id, idChecked, now, 'id-token'),
    tokenView('Access token', access, accessChecked, now, 'access-token'),
    tokenView('Refresh token', tokens.RefreshToken ? decode(tokens.RefreshToken) : { kind: 'error', why: 'No refresh token was issued.' }, null, now, 'refresh-token'));
  $('result').hidden = false;
  heading.focus();
}

// explain asks what the server remembers of the sign-in.
async function explain(pool, eventId) {
  if (!eventId) return {};
  try {
    const list = (await data(`signins?pool=${encodeURIComponent(pool)}&id=${encodeURIComponent(eventId)}`)).signIns;
    return { event: list.find((e) => e.EventID === eventId) };
  } catch (e) {
    return { problem: e.message };
  }
}

function triggerView({ event, problem: why }, id, access) {
  const section = (...children) => h('section', { id: 'trigger', 'aria-labelledby': 'trigger-h' }, h('h2', { id: 'trigger-h' }, 'What the trigger did'), ...children);
  if (why) return section(h('p', { class: 'notice' }, why));
  if (!event) return section(h('p', { class: 'notice' }, 'This node has no record of the sign-in.'));
  const t = event.Trigger;
  if (!t) return section(h('p', {}, 'The pool has no pre token generation trigger: the tokens are as the pool makes them. ', h('a', { href: `/console/pools/${encodeURIComponent(event.PoolID)}` }, 'Add one in the pool’s properties'), '.'));
  const changes = t.Changes ?? [];
  const hidden = changes.some((c) => [c.before, c.after].includes('***'));
  const note = misplaced(t.Answer?.response, Number(t.Version?.slice(1, 2)));
  return section(
    calledText(event),
    note !== '' && h('p', { class: 'notice' }, note),
    hidden && h('p', { class: 'notice' }, 'Values are not kept here, or look like secrets: *** stands for them.'),
    t.Dropped > 0 && h('p', { class: 'notice' }, `${t.Dropped} more changes were not kept.`),
    compareView('ID token', rows(id.claims, changes, 'id')),
    compareView('Access token', rows(access.claims, changes, 'access')),
    ...payloads(t));
}

form.addEventListener('submit', (e) => { e.preventDefault(); doing($('sign-in'), start); });
$('challenge-form').addEventListener('submit', (e) => { e.preventDefault(); doing($('challenge-go'), answerChallenge); });
$('new-user').addEventListener('submit', (e) => {
  e.preventDefault();
  doing(e.target.querySelector('button'), async () => {
    const [name, password] = [$('new-name').value.trim(), $('new-password').value];
    const pool = $('pool').value;
    for (const [operation, input] of newUser(pool, name, password, attributesOf($('new-attributes').value))) await idp(pool, operation, input);
    [$('user').value, $('password').value] = [name, password];
    $('describe').open = false;
    toast(`${name} can sign in.`);
    await showCommands();
    ($('sign-in').disabled ? $('flow').querySelector('button') ?? $('client') : $('sign-in')).focus();
  });
});
$('pool').addEventListener('change', () => loadClients('').catch(problem));
$('client').addEventListener('change', () => loadClient().catch(problem));
for (const e of ['user', 'new-name', 'new-attributes']) $(e).addEventListener('input', showCommands);
$('user').value = form.dataset.user;
loadPools().catch(problem);
