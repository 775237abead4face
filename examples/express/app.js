// The web app: routes, who may use them, and what an error looks like.

import express from "express";

/** Makes the Express app. people is a People; admins is a group's name. */
export function createApp(people, { admins = "admins" } = {}) {
  const app = express();
  app.use(express.json({ limit: "16kb" }));

  app.post("/signup", async (req, res) => {
    const { UserSub, CodeDeliveryDetails } = await people.signUp(req.body);
    res.status(201).json({ sub: UserSub, codeSentTo: CodeDeliveryDetails?.Destination });
  });
  app.post("/confirm", async (req, res) => {
    await people.confirm(req.body);
    res.sendStatus(204);
  });
  app.post("/resend-code", async (req, res) => {
    const { CodeDeliveryDetails } = await people.resendCode(req.body);
    res.json({ codeSentTo: CodeDeliveryDetails.Destination });
  });
  app.post("/signin", async (req, res) => res.json(tokens(await people.signIn(req.body))));
  app.post("/refresh", async (req, res) => res.json(tokens(await people.refresh(req.body))));
  app.post("/signout", async (req, res) => {
    await people.revoke(req.body);
    res.sendStatus(204);
  });
  app.post("/forgot", async (req, res) => {
    const { CodeDeliveryDetails } = await people.forgotPassword(req.body);
    res.json({ codeSentTo: CodeDeliveryDetails.Destination });
  });
  app.post("/reset", async (req, res) => {
    await people.resetPassword(req.body);
    res.sendStatus(204);
  });

  // Routes for whoever has signed in.
  const signedIn = async (req, res, next) => {
    const [scheme, accessToken] = (req.get("authorization") ?? "").split(" ");
    if (scheme !== "Bearer" || !accessToken) return res.status(401).json({ error: "Sign in first." });
    req.user = await people.owner(accessToken);
    next();
  };
  app.get("/me", signedIn, (req, res) => res.json(req.user));

  // Routes for administrators. The groups are asked for, not read from a
  // token: whoever was taken out of the group is out at once.
  const admin = [signedIn, async (req, res, next) => {
    const groups = await people.groupsOf(req.user.username);
    if (!groups.includes(admins)) return res.status(403).json({ error: `Only ${admins} may do that.` });
    next();
  }];
  app.get("/users", admin, async (req, res) => {
    const prefix = typeof req.query.email === "string" ? req.query.email : undefined;
    res.json({ users: await people.list(prefix) });
  });
  app.get("/groups", admin, async (req, res) => res.json({ groups: await people.groups() }));
  app.post("/groups", admin, async (req, res) => {
    await people.createGroup(req.body.name);
    res.sendStatus(201);
  });
  app.post("/groups/:name/members", admin, async (req, res) => {
    await people.addToGroup(req.params.name, req.body.username);
    res.sendStatus(204);
  });
  app.get("/users/:username/groups", admin, async (req, res) => {
    res.json({ groups: await people.groupsOf(req.params.username) });
  });

  app.use((err, req, res, next) => {
    if (res.headersSent) return next(err);
    const status = statusOf(err);
    if (status === 500) console.error(err);
    res.status(status).json({ error: status === 500 ? "Something went wrong." : err.message, code: err.name });
  });
  return app;
}

const tokens = (r) => ({
  idToken: r.IdToken, accessToken: r.AccessToken, refreshToken: r.RefreshToken, expiresIn: r.ExpiresIn,
});

// What Cognito refuses is the caller's to know. Anything else is ours.
const statuses = {
  NotAuthorizedException: 401,
  UserNotConfirmedException: 403,
  PasswordResetRequiredException: 403,
  UserNotFoundException: 404,
  ResourceNotFoundException: 404,
  UsernameExistsException: 409,
  AliasExistsException: 409,
  GroupExistsException: 409,
  CodeMismatchException: 400,
  ExpiredCodeException: 400,
  InvalidPasswordException: 400,
  InvalidParameterException: 400,
  LimitExceededException: 429,
  TooManyRequestsException: 429,
  CodeDeliveryFailureException: 502,
};

// An error of Express itself, a body that is no JSON for one, has a status.
const statusOf = (err) => statuses[err.name] ?? err.status ?? 500;
