// What a pre token generation function does to the claims: the rules of the
// server, applied to a test event, so that a person sees them at a glance. The
// server's own word is in the tokens that it signs.

const reserved = new Set('sub iss exp iat nbf jti origin_jti event_id auth_time token_use nonce at_hash azp acr amr device_key'.split(' '));
const accessOnly = new Set(['username', 'client_id', 'version', 'scope']);
const groupClaims = new Set(['cognito:groups', 'cognito:roles', 'cognito:preferred_role']);
const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);

// parse is JSON.parse, but numbers keep their digits where the browser can.
export function parse(text) {
  return JSON.parse(text, (_, v, context) => (typeof v === 'number' && JSON.rawJSON && context?.source && String(v) !== context.source ? JSON.rawJSON(context.source) : v));
}

// refusal says why a function may not set, or suppress, a claim; "" if it may.
export function refusal(token, name, suppress) {
  if (groupClaims.has(name)) return suppress && name === 'cognito:groups' ? '' : 'set by groupOverrideDetails, not as a claim';
  if (reserved.has(name) || name.startsWith('cognito:')) return 'reserved: no function can change this claim';
  if (name === 'identities') return token === 'id' ? 'reserved: no function can change this claim' : '';
  if (name === 'aud') return token === 'access' && !suppress ? '' : 'reserved: no function can change this claim';
  if (accessOnly.has(name) && token === 'access') return name === 'scope' ? 'set by scopesToAdd and scopesToSuppress, not as a claim' : 'reserved: no function can change this claim';
  if (name.startsWith('dev:') && !suppress) return 'a developer-only attribute can be suppressed, not set';
  return '';
}

// baseClaims are the claims of both tokens before the function, as far as the
// event tells; times and ids are not known yet.
function baseClaims(event) {
  const request = isObject(event.request) ? event.request : {};
  const groups = isObject(request.groupConfiguration) ? request.groupConfiguration : {};
  const attributes = isObject(request.userAttributes) ? request.userAttributes : {};
  const client = event.callerContext?.clientId;
  const machine = event.triggerSource === 'TokenGeneration_ClientCredentials';
  const id = {};
  const access = { sub: machine ? client : attributes.sub };
  if (groups.groupsToOverride?.length) id['cognito:groups'] = access['cognito:groups'] = groups.groupsToOverride;
  if (groups.iamRolesToOverride?.length) id['cognito:roles'] = groups.iamRolesToOverride;
  if (groups.preferredRole) id['cognito:preferred_role'] = groups.preferredRole;
  for (const [name, value] of Object.entries(attributes)) {
    if (!name.startsWith('cognito:')) id[name] = typed(name, value) ?? value;
  }
  Object.assign(id, { 'cognito:username': event.userName, aud: client, token_use: 'id' });
  Object.assign(access, { client_id: client, token_use: 'access' });
  if (!machine) access.username = event.userName;
  access.scope = (Array.isArray(request.scopes) ? request.scopes : ['aws.cognito.signin.user.admin']).join(' ');
  return machine ? { access } : { id, access };
}

// typed gives a claim of the ID token the type that OpenID Connect wants, or
// undefined if its value cannot have it.
function typed(name, value) {
  switch (name) {
    case 'email_verified':
    case 'phone_number_verified':
      return { true: true, false: false }[typeof value === 'boolean' || typeof value === 'string' ? String(value) : ''];
    case 'updated_at':
      if (typeof value === 'string') return /^[+-]?\d+$/.test(value) ? Number(value) : undefined;
      return typeof value === 'number' ? value : undefined;
    case 'address':
      return typeof value === 'string' ? { formatted: value } : undefined;
  }
  return value;
}

// compare applies the function's answer to the claims before. It returns rows
// {token, claim, before, after, change, why}, or an error that says why the
// pool could not use the answer.
export function compare(event, answer) {
  const version = Number(event.version);
  if (!isObject(answer) || !isObject(answer.response)) return { error: 'The answer has no object “response”: the sign-in would fail with “Unrecognizable lambda output”.' };
  const container = version === 1 ? 'claimsOverrideDetails' : 'claimsAndScopeOverrideDetails';
  const details = answer.response[container] ?? {};
  if (!isObject(details)) return { error: `${container} is not an object: the sign-in would fail with “Unrecognizable lambda output”.` };
  const asked = version === 1
    ? { id: details }
    : { id: details.idTokenGeneration ?? {}, access: details.accessTokenGeneration ?? {} };
  const base = baseClaims(event);
  const groups = base.id ? details : {}; // a machine is in no group
  const rows = [];
  for (const token of Object.keys(base)) {
    const part = asked[token] ?? {};
    const problem = malformed(part, version);
    if (problem) return { error: `${problem}: the sign-in would fail with “Unrecognizable lambda output”.` };
    rows.push(...rowsOf(token, base[token], apply(token, version, base[token], part, groups)));
  }
  return { rows, note: misplaced(answer.response, version) };
}

// misplaced says that a response has the container of another event version,
// "" if it has not.
export function misplaced(response, version) {
  const [other, wanted] = version === 1 ? ['claimsAndScopeOverrideDetails', 'claimsOverrideDetails'] : ['claimsOverrideDetails', 'claimsAndScopeOverrideDetails'];
  if (!isObject(response) || !isObject(response[other])) return '';
  return `The function answered ${other}, which belongs to ${version === 1 ? 'V2_0 and V3_0' : 'V1_0'} and has no effect here: the event is V${version}_0, whose answer is ${wanted}. Change the function, or the event version of the trigger.`;
}

function malformed(part, version) {
  const add = part.claimsToAddOrOverride;
  if (!isObject(part)) return 'A token’s part is not an object';
  if (add !== undefined && add !== null && !isObject(add)) return 'claimsToAddOrOverride is not an object';
  for (const list of ['claimsToSuppress', 'scopesToAdd', 'scopesToSuppress']) {
    const v = part[list];
    if (v !== undefined && v !== null && !(Array.isArray(v) && v.every((s) => typeof s === 'string'))) return `${list} is not a list of strings`;
  }
  if (version === 1) {
    const bad = Object.entries(add ?? {}).find(([, v]) => typeof v === 'object' && v !== null && !JSON.isRawJSON?.(v));
    if (bad) return `the claim ${bad[0]} is not a string, and V1_0 has no others`;
  }
  return '';
}

function apply(token, version, before, part, details) {
  const after = { ...before };
  const refused = {};
  const set = (name, value) => {
    if (value === undefined || value === null || value === '' || value.length === 0) delete after[name];
    else after[name] = value;
  };
  if ('groupOverrideDetails' in details) {
    const g = details.groupOverrideDetails ?? {};
    set('cognito:groups', g.groupsToOverride);
    if (token === 'id') {
      set('cognito:roles', g.iamRolesToOverride);
      set('cognito:preferred_role', g.preferredRole);
    }
  }
  for (const [name, given] of Object.entries(part.claimsToAddOrOverride ?? {})) {
    let why = refusal(token, name, false);
    let value = given;
    if (!why && given === null) why = 'null: nothing to set';
    if (!why && version === 1) value = typeof given === 'string' ? given : JSON.stringify(given);
    if (!why && name === 'aud' && value !== before.client_id) why = "an access token's aud can only be the app client's own id";
    if (!why && token === 'id' && (value = typed(name, value)) === undefined) why = 'not the type that this claim has';
    if (why) refused[name] = { why, value: given };
    else after[name] = value;
  }
  for (const name of part.claimsToSuppress ?? []) {
    const why = refusal(token, name, true);
    if (why) {
      if (name in before) refused[name] = { why };
      continue;
    }
    delete after[name];
    if (name === 'cognito:groups') {
      delete after['cognito:roles'];
      delete after['cognito:preferred_role'];
    }
  }
  if (token === 'access') rescope(after, refused, part);
  return { after, refused };
}

function rescope(after, refused, part) {
  const scopes = new Set((after.scope ?? '').split(' ').filter(Boolean));
  for (const s of part.scopesToAdd ?? []) {
    if (s === '' || /\s/.test(s) || (s.startsWith('aws.cognito') && !scopes.has(s))) refused.scope = { why: `the scope “${s}” cannot be added`, value: s };
    else scopes.add(s);
  }
  for (const s of part.scopesToSuppress ?? []) scopes.delete(s);
  if (scopes.size) after.scope = [...scopes].join(' ');
  else delete after.scope;
}

function rowsOf(token, before, { after, refused }) {
  const rows = [];
  for (const claim of new Set([...Object.keys(before), ...Object.keys(after), ...Object.keys(refused)])) {
    const b = before[claim];
    const a = after[claim];
    const same = JSON.stringify(b) === JSON.stringify(a);
    let change = same ? 'same' : b === undefined ? 'added' : a === undefined ? 'suppressed' : 'changed';
    const why = refused[claim]?.why ?? '';
    if (same && why) change = 'refused';
    if (b === undefined && a === undefined && !why) continue;
    rows.push({ token, claim, before: b, after: a, change, why });
  }
  return rows;
}
