// Starts the app. Settings come from the environment; setup.js prints them.
// Where Cognito is, the AWS SDK reads from AWS_ENDPOINT_URL: leave that out and
// the same app talks to Amazon's.

import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { createApp } from "./app.js";
import { People } from "./people.js";

function setting(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set: run "npm run setup" and export what it prints`);
    process.exit(2);
  }
  return value;
}

const people = new People({
  cognito: new CognitoIdentityProviderClient({}),
  poolId: setting("USER_POOL_ID"),
  clientId: setting("CLIENT_ID"),
  clientSecret: setting("CLIENT_SECRET"),
});
const server = createApp(people).listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => server.close());
