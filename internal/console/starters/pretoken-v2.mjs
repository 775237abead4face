// Pre token generation, event V2_0 or V3_0: claims of both tokens, scopes of
// the access token. V3_0 also runs for machines, which have no attributes.
//
// The attributes come from the user pool. Take only those that users cannot
// write themselves (app client, write attributes), and never copy the event's
// client metadata into a claim: whoever signs in wrote it.
const handler = async (event) => {
  const { userAttributes } = event.request;
  const claims = {
    tenantId: userAttributes['custom:tenantId'],
    departmentId: userAttributes['custom:department'],
  };

  event.response = {
    claimsAndScopeOverrideDetails: {
      idTokenGeneration: { claimsToAddOrOverride: claims },
      accessTokenGeneration: { claimsToAddOrOverride: claims, scopesToAdd: [] },
    },
  };

  return event;
};

export { handler };
