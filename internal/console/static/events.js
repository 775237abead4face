// Test events: one for every source that a user pool invokes functions with.

const attributes = {
  sub: '5f0c1a52-7ab1-4b5e-9d3c-2e8f6a1b7c90', 'cognito:user_status': 'CONFIRMED',
  email: 'jane@example.com', email_verified: 'true', 'custom:tenantId': 'acme', 'custom:department': '42',
};
const { sub: _sub, 'cognito:user_status': _status, ...newUser } = attributes;
const groupConfiguration = {
  groupsToOverride: ['editors'], iamRolesToOverride: ['arn:aws:iam::000000000000:role/editors'], preferredRole: 'arn:aws:iam::000000000000:role/editors',
};
const noGroups = { groupsToOverride: [], iamRolesToOverride: [], preferredRole: null };
const passed = { challengeName: 'SRP_A', challengeResult: true, challengeMetadata: null };

function preToken(version, source) {
  const machine = source === 'ClientCredentials';
  const request = { userAttributes: machine ? {} : attributes, groupConfiguration: machine ? noGroups : groupConfiguration };
  if (version > 1) request.scopes = machine ? ['orders/read'] : source === 'HostedAuth' ? ['openid', 'email'] : ['aws.cognito.signin.user.admin'];
  const response = version === 1 ? { claimsOverrideDetails: null } : { claimsAndScopeOverrideDetails: null };
  return { version, source: `TokenGeneration_${source}`, request, response, machine };
}

const tokenSources = {
  Authentication: 'sign-in', HostedAuth: 'sign-in by page', NewPasswordChallenge: 'first password', AuthenticateDevice: 'remembered device',
  RefreshTokens: 'refresh', ClientCredentials: 'machine to machine',
};

const messages = { SignUp: 'sign-up', AdminCreateUser: 'user made by an administrator', ResendCode: 'code again', ForgotPassword: 'forgotten password', UpdateUserAttribute: 'changed address', VerifyUserAttribute: 'verify an address', Authentication: 'sign-in code' };

function message(source) {
  const admin = source === 'AdminCreateUser';
  return {
    source: `CustomMessage_${source}`,
    request: {
      userAttributes: { ...attributes, 'cognito:user_status': source === 'SignUp' ? 'UNCONFIRMED' : admin ? 'FORCE_CHANGE_PASSWORD' : 'CONFIRMED' },
      codeParameter: '{####}', linkParameter: '{##Click Here##}', usernameParameter: admin ? '{username}' : null,
    },
    response: { smsMessage: null, emailMessage: null, emailSubject: null },
  };
}

function sender(kind, source) {
  const request = { type: `custom${kind}SenderRequestV1`, code: 'AYADeGNpcGhlcnRleHQ=', userAttributes: attributes };
  if (source === 'AccountTakeOverNotification') {
    request.code = null;
    request.userAttributes = { EVENT_ID: 'a1b2c3', USER_NAME: 'jane', IP_ADDRESS: '192.0.2.7', ACCOUNT_TAKE_OVER_ACTION: 'NO_ACTION', ONE_CLICK_LINK_VALID: 'https://example.com/valid', ONE_CLICK_LINK_INVALID: 'https://example.com/invalid', LOGIN_TIME: '2026-01-01T12:00:00Z', FEEDBACK_TOKEN: 'token' };
  }
  return { source: `Custom${kind}Sender_${source}`, request, response: {} };
}

const migrated = { userAttributes: null, forceAliasCreation: null, enableSMSMFA: null, finalUserStatus: null, messageAction: null, desiredDeliveryMediums: null };
const signUp = { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false };

// groups are the templates as a list shows them: [title, [label, event]…].
export const groups = [
  ...[1, 2, 3].map((v) => [
    `Pre token generation, V${v}_0`,
    Object.entries(tokenSources).filter(([s]) => v === 3 || s !== 'ClientCredentials').map(([s, label]) => [label, preToken(v, s)]),
  ]),
  ['Pre sign-up', [
    ['sign-up', { source: 'PreSignUp_SignUp', request: { userAttributes: newUser, validationData: null }, response: signUp }],
    ['user made by an administrator', { source: 'PreSignUp_AdminCreateUser', request: { userAttributes: newUser, validationData: null }, response: signUp }],
    ['first federated sign-in', { source: 'PreSignUp_ExternalProvider', userName: 'Google_1234567890', request: { userAttributes: newUser, validationData: null }, response: signUp }],
  ]],
  ['Post confirmation', [
    ['sign-up confirmed', { source: 'PostConfirmation_ConfirmSignUp', request: { userAttributes: attributes }, response: {} }],
    ['forgotten password confirmed', { source: 'PostConfirmation_ConfirmForgotPassword', request: { userAttributes: attributes }, response: {} }],
  ]],
  ['Pre authentication', [['sign-in', { source: 'PreAuthentication_Authentication', request: { userAttributes: attributes, validationData: null }, response: {} }]]],
  ['Post authentication', [['sign-in', { source: 'PostAuthentication_Authentication', request: { userAttributes: attributes, newDeviceUsed: false }, response: {} }]]],
  ['Custom message', Object.entries(messages).map(([s, label]) => [label, message(s)])],
  ['Custom challenge', [
    ['define', { source: 'DefineAuthChallenge_Authentication', request: { userAttributes: attributes, session: [passed] }, response: { challengeName: null, issueTokens: null, failAuthentication: null } }],
    ['create', { source: 'CreateAuthChallenge_Authentication', request: { userAttributes: attributes, challengeName: 'CUSTOM_CHALLENGE', session: [passed] }, response: { publicChallengeParameters: null, privateChallengeParameters: null, challengeMetadata: null } }],
    ['verify the answer', { source: 'VerifyAuthChallengeResponse_Authentication', request: { userAttributes: attributes, privateChallengeParameters: { answer: '5' }, challengeAnswer: '5' }, response: { answerCorrect: null } }],
  ]],
  ['Migrate user', [
    ['sign-in', { source: 'UserMigration_Authentication', request: { password: 'Correct-Horse-1', validationData: null }, response: migrated }],
    ['forgotten password', { source: 'UserMigration_ForgotPassword', request: { password: '', validationData: null }, response: migrated }],
  ]],
  ['Inbound federation', [['OpenID Connect', { source: 'InboundFederation_ExternalProvider', userName: 'Example_1234567890', request: { providerName: 'Example', providerType: 'OIDC', attributes: { tokenResponse: { token_type: 'Bearer', expires_in: '3600', scope: 'openid email' }, idToken: { sub: '1234567890', email: 'jane@example.com' }, userInfo: { sub: '1234567890', email: 'jane@example.com' } } }, response: {} }]]],
  ...['Email', 'SMS'].map((kind) => [
    `Custom ${kind === 'SMS' ? 'SMS' : 'email'} sender`,
    [...Object.entries(messages), ...(kind === 'Email' ? [['AccountTakeOverNotification', 'account takeover notice']] : [])].map(([s, label]) => [label, sender(kind, s)]),
  ]),
];

// keyOf names a template, the same in every release.
export const keyOf = (t) => (t.version ? `${t.source} V${t.version}_0` : t.source);

// firstKey names the template that a function page begins with: a sign-in, with
// the event version that a pool calls the function with, if one does.
export const firstKey = (version) => keyOf((groups.find(([title]) => title === `Pre token generation, ${version}`) ?? groups[0])[1][0][1]);

export const templates = new Map(groups.flatMap(([, list]) => list.map(([, t]) => [keyOf(t), t])));

// eventOf fills a template in: the whole event, as the function gets it.
export function eventOf(template, { region, userPoolId, clientId }) {
  return {
    version: String(template.version ?? 1),
    triggerSource: template.source,
    region,
    userPoolId: userPoolId || `${region}_EXAMPLE00`,
    userName: template.machine ? clientId || '1example23456789' : template.userName ?? 'jane',
    callerContext: { awsSdkVersion: 'aws-sdk-unknown-unknown', clientId: clientId || '1example23456789' },
    request: structuredClone(template.request),
    response: structuredClone(template.response),
  };
}
