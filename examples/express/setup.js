// Makes a user pool with an app client that has a secret, a group of
// administrators and one administrator, and prints the settings of the app.

import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";

const cognito = new CognitoIdentityProviderClient({});

const { UserPool } = await cognito.send(new CreateUserPoolCommand({
  PoolName: "express",
  AutoVerifiedAttributes: ["email"],
  UsernameConfiguration: { CaseSensitive: false },
  AccountRecoverySetting: { RecoveryMechanisms: [{ Name: "verified_email", Priority: 1 }] },
}));
const { UserPoolClient } = await cognito.send(new CreateUserPoolClientCommand({
  UserPoolId: UserPool.Id,
  ClientName: "express",
  GenerateSecret: true,
  ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
  PreventUserExistenceErrors: "ENABLED",
  // Without this list users may write every attribute, later ones included.
  WriteAttributes: ["email", "name"],
}));

const admin = { UserPoolId: UserPool.Id, Username: "root" };
await cognito.send(new CreateGroupCommand({ UserPoolId: UserPool.Id, GroupName: "admins" }));
await cognito.send(new AdminCreateUserCommand({ ...admin, MessageAction: "SUPPRESS" }));
const password = process.env.ADMIN_PASSWORD ?? "Change-me-1";
await cognito.send(new AdminSetUserPasswordCommand({ ...admin, Password: password, Permanent: true }));
await cognito.send(new AdminAddUserToGroupCommand({ ...admin, GroupName: "admins" }));

console.log(`export USER_POOL_ID=${UserPool.Id}`);
console.log(`export CLIENT_ID=${UserPoolClient.ClientId}`);
console.log(`export CLIENT_SECRET=${UserPoolClient.ClientSecret}`);
