// What the app asks of Cognito. The client has a secret, so every call by a
// user name proves that it is known: SECRET_HASH.

import { createHmac } from "node:crypto";
import {
  AdminAddUserToGroupCommand,
  AdminListGroupsForUserCommand,
  ConfirmForgotPasswordCommand,
  ConfirmSignUpCommand,
  CreateGroupCommand,
  ForgotPasswordCommand,
  GetUserCommand,
  InitiateAuthCommand,
  ListGroupsCommand,
  ListUsersCommand,
  ResendConfirmationCodeCommand,
  RevokeTokenCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";

/** The users of one pool, through one app client with a secret. */
export class People {
  constructor({ cognito, poolId, clientId, clientSecret }) {
    Object.assign(this, { cognito, poolId, clientId, clientSecret });
  }

  // base64(HMAC-SHA256(client secret, user name + client id))
  secretHash(username) {
    return createHmac("sha256", this.clientSecret).update(username + this.clientId).digest("base64");
  }

  /** The members that every call by user name has. */
  who(username) {
    return { ClientId: this.clientId, SecretHash: this.secretHash(username), Username: username };
  }

  signUp({ username, password, email }) {
    return this.cognito.send(new SignUpCommand({
      ...this.who(username), Password: password, UserAttributes: [{ Name: "email", Value: email }],
    }));
  }

  confirm({ username, code }) {
    return this.cognito.send(new ConfirmSignUpCommand({ ...this.who(username), ConfirmationCode: code }));
  }

  resendCode({ username }) {
    return this.cognito.send(new ResendConfirmationCodeCommand(this.who(username)));
  }

  async signIn({ username, password }) {
    const { AuthenticationResult, ChallengeName } = await this.cognito.send(new InitiateAuthCommand({
      ClientId: this.clientId,
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: username, PASSWORD: password, SECRET_HASH: this.secretHash(username) },
    }));
    // A temporary password is to be changed first, which this app has no page for.
    if (!AuthenticationResult) {
      throw Object.assign(new Error("There is another step before you are signed in."), { name: ChallengeName, status: 409 });
    }
    return AuthenticationResult;
  }

  async refresh({ username, refreshToken }) {
    const { AuthenticationResult } = await this.cognito.send(new InitiateAuthCommand({
      ClientId: this.clientId,
      AuthFlow: "REFRESH_TOKEN_AUTH",
      AuthParameters: { REFRESH_TOKEN: refreshToken, SECRET_HASH: this.secretHash(username) },
    }));
    return AuthenticationResult;
  }

  revoke({ refreshToken }) {
    return this.cognito.send(new RevokeTokenCommand({
      ClientId: this.clientId, ClientSecret: this.clientSecret, Token: refreshToken,
    }));
  }

  forgotPassword({ username }) {
    return this.cognito.send(new ForgotPasswordCommand(this.who(username)));
  }

  resetPassword({ username, code, password }) {
    return this.cognito.send(new ConfirmForgotPasswordCommand({
      ...this.who(username), ConfirmationCode: code, Password: password,
    }));
  }

  /** Whose access token it is. Cognito checks it, so it can be believed. */
  async owner(accessToken) {
    const { Username, UserAttributes } = await this.cognito.send(new GetUserCommand({ AccessToken: accessToken }));
    return { username: Username, ...Object.fromEntries(UserAttributes.map((a) => [a.Name, a.Value])) };
  }

  // From here on, calls are signed with the app's AWS credentials.

  async list(emailPrefix) {
    const users = [];
    let PaginationToken;
    do {
      const page = await this.cognito.send(new ListUsersCommand({
        UserPoolId: this.poolId,
        Filter: emailPrefix ? `email ^= ${JSON.stringify(emailPrefix)}` : undefined,
        PaginationToken,
      }));
      users.push(...page.Users.map((u) => ({ username: u.Username, status: u.UserStatus, enabled: u.Enabled })));
      ({ PaginationToken } = page);
    } while (PaginationToken && users.length < 1000);
    return users;
  }

  async groups() {
    const { Groups } = await this.cognito.send(new ListGroupsCommand({ UserPoolId: this.poolId }));
    return Groups.map((g) => g.GroupName);
  }

  createGroup(name) {
    return this.cognito.send(new CreateGroupCommand({ UserPoolId: this.poolId, GroupName: name }));
  }

  addToGroup(name, username) {
    return this.cognito.send(new AdminAddUserToGroupCommand({
      UserPoolId: this.poolId, GroupName: name, Username: username,
    }));
  }

  async groupsOf(username) {
    const { Groups } = await this.cognito.send(new AdminListGroupsForUserCommand({
      UserPoolId: this.poolId, Username: username,
    }));
    return Groups.map((g) => g.GroupName);
  }
}
