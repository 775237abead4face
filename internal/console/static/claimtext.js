// What claims mean, and what a trigger made of them.

export const times = new Set(['exp', 'iat', 'nbf', 'auth_time', 'updated_at']);

// Of both tokens, and of OpenID Connect in general.
const meanings = {
  sub: 'The user’s id in this pool. It never changes and is never used again; keep records by it.',
  iss: 'Who made the token: the user pool. Compare it whole.',
  aud: 'Whom the token is for. In an ID token it is the app client’s id.',
  client_id: 'The app client through which the user signed in.',
  token_use: '“id” says who the user is; “access” says what the bearer may do.',
  exp: 'After this moment the token is not valid.',
  iat: 'When this token was made.',
  nbf: 'Before this moment the token is not valid.',
  auth_time: 'When the user signed in. A refresh does not change it.',
  jti: 'This token’s own id.',
  origin_jti: 'The sign-in that this token goes back to. To revoke the refresh token ends everything with this id.',
  event_id: 'The sign-in, as triggers and logs name it.',
  scope: 'What the access token allows, words with spaces between. aws.cognito.signin.user.admin lets users see and change their own profile.',
  username: 'The user’s name in the pool.',
  version: 'The format of access tokens from the OAuth endpoints.',
  nonce: 'What the app sent along to sign in; it must find the same here, or the token was made for another sign-in.',
  at_hash: 'A fingerprint of the access token that came with this ID token.',
  azp: 'The party that the token was issued to.',
  acr: 'How strongly the user was authenticated.',
  amr: 'By what means the user was authenticated: pwd, otp, sms, mfa …',
  device_key: 'The remembered device that the user signed in on.',
  identities: 'The accounts at other identity providers that this user is linked to.',
  'cognito:username': 'The user’s name in the pool.',
  'cognito:groups': 'The user’s groups in the pool, best precedence first.',
  'cognito:roles': 'The IAM roles of those groups.',
  'cognito:preferred_role': 'The IAM role of the group with the best precedence.',
  'cognito:mfa_enabled': 'Whether a second factor is set up.',
  email: 'E-mail address.',
  email_verified: 'Whether the pool knows that the address is the user’s.',
  phone_number: 'Phone number.',
  phone_number_verified: 'Whether the pool knows that the number is the user’s.',
  name: 'Full name.',
  given_name: 'First name.',
  family_name: 'Last name.',
  middle_name: 'Middle name.',
  nickname: 'What friends call the user.',
  preferred_username: 'The name that the user would like to go by; it may change.',
  profile: 'Address of the user’s profile page.',
  picture: 'Address of a picture of the user.',
  website: 'Address of the user’s web site.',
  gender: 'Gender.',
  birthdate: 'Date of birth.',
  zoneinfo: 'Time zone.',
  locale: 'Language and region.',
  address: 'Postal address.',
  updated_at: 'When the profile was last changed.',
};

const headerMeanings = {
  kid: 'The key that has signed, by its id in the pool’s key set.',
  alg: 'How it was signed. A verifier decides this, not the token.',
  typ: 'What it is.',
  cty: 'What is inside.',
  enc: 'How the content is encrypted.',
  crit: 'Extensions that a verifier has to understand.',
};

// meaning is a sentence about a claim, or "" for one that nobody knows.
export function meaning(name, token) {
  if (name === 'aud' && token === 'access') return 'Whom the token is for; in an access token only if a trigger or a resource asked for it.';
  if (Object.hasOwn(meanings, name)) return meanings[name];
  if (name.startsWith('custom:')) return 'A custom attribute of this pool.';
  if (name.startsWith('dev:')) return 'An attribute that only developers can write.';
  if (name.startsWith('cognito:')) return 'Set by the user pool.';
  return '';
}

export const headerMeaning = (name) => (Object.hasOwn(headerMeanings, name) ? headerMeanings[name] : '');

// sealedHeaderMeaning is that of a token which is encrypted, not signed.
export const sealedHeaderMeaning = (name) => (name === 'alg' ? 'How the key of the content is encrypted.' : headerMeaning(name));

const same = (a, b) => canonical(a) === canonical(b);

// canonical is JSON in which the order of members does not matter.
function canonical(value) {
  return JSON.stringify(value, (_, v) => (v && typeof v === 'object' && !Array.isArray(v) && !JSON.isRawJSON?.(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) : v));
}

// diff compares the claims of a token before and after. Rows are {claim,
// change, before, after, inner}; change is "same", "changed", "added" or
// "suppressed", and inner says what changed within lists and objects.
export function diff(before, after) {
  const rows = [];
  for (const claim of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const had = Object.hasOwn(before, claim);
    const has = Object.hasOwn(after, claim);
    const [b, a] = [had ? before[claim] : undefined, has ? after[claim] : undefined];
    const change = !had ? 'added' : !has ? 'suppressed' : same(b, a) ? 'same' : 'changed';
    rows.push({ claim, change, before: b, after: a, inner: change === 'changed' ? within(b, a) : [], why: '' });
  }
  return rows;
}

const isList = Array.isArray;
const isObject = (v) => typeof v === 'object' && v !== null && !isList(v) && !JSON.isRawJSON?.(v);

// within lists what differs inside of two values: "+ admins", "− plan.trial".
function within(before, after, path = '') {
  if (isList(before) && isList(after)) {
    const texts = (list) => list.map(canonical);
    const [was, is] = [texts(before), texts(after)];
    const out = [...less(is, was).map((t) => `+ ${path}${t}`), ...less(was, is).map((t) => `− ${path}${t}`)];
    return out.length ? out : [`${path}another order`];
  }
  if (!isObject(before) || !isObject(after)) return path ? [`${path.slice(0, -2)}: ${canonical(before)} → ${canonical(after)}`] : [];
  const out = [];
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!Object.hasOwn(before, name)) out.push(`+ ${name}: ${canonical(after[name])}`);
    else if (!Object.hasOwn(after, name)) out.push(`− ${name}`);
    else if (!same(before[name], after[name])) out.push(...within(before[name], after[name], `${name}: `));
  }
  return out;
}

// less is a without what is in b, each as often as it is there.
function less(a, b) {
  const left = [...b];
  return a.filter((x) => {
    const i = left.indexOf(x);
    if (i >= 0) left.splice(i, 1);
    return i < 0;
  });
}

// undo takes a token's claims back to what they were before a trigger made the
// changes that the server has noted ({token, claim, kind, before, after}).
export function undo(claims, changes, token) {
  const before = Object.create(null); // a claim may be called __proto__
  const own = changes.filter((c) => c.token === token);
  for (const c of own) if (c.kind === 'suppressed') before[c.claim] = c.before;
  for (const [name, value] of Object.entries(claims)) {
    const c = own.find((x) => x.claim === name && x.kind !== 'refused');
    if (!c) before[name] = value;
    else if (c.kind === 'changed') before[name] = c.before;
  }
  return before;
}

// rows are those of diff for a token and the changes that the server noted,
// with what was refused to the trigger, and why.
export function rows(claims, changes, token) {
  const list = diff(undo(claims, changes, token), claims);
  for (const c of changes) {
    if (c.token !== token || c.kind !== 'refused') continue;
    const row = list.find((r) => r.claim === c.claim);
    if (row && row.change === 'same') Object.assign(row, { change: 'refused', asked: c.after, why: c.reason ?? '' });
    else if (!row) list.push({ claim: c.claim, change: 'refused', asked: c.after, before: undefined, after: undefined, inner: [], why: c.reason ?? '' });
  }
  const order = ['added', 'changed', 'suppressed', 'refused', 'same'];
  return list.sort((a, b) => order.indexOf(a.change) - order.indexOf(b.change));
}

// inShort is a sentence about what rows say: "In the ID token the trigger added
// tenantId." tokens are [title, rows].
export function inShort(...tokens) {
  const parts = tokens.flatMap(([title, list]) => {
    const said = ['added', 'changed', 'suppressed'].flatMap((change) => {
      const claims = list.filter((r) => r.change === change).map((r) => r.claim);
      return claims.length ? [`${change} ${claims.join(', ')}`] : [];
    });
    return said.length ? [`In the ${title} the trigger ${said.join('; ')}.`] : [];
  });
  return parts.join(' ') || 'The trigger changed nothing.';
}
