// Pre token generation, event V1_0: claims of the ID token.
//
// The attributes come from the user pool. Take only those that users cannot
// write themselves (app client, write attributes), and never copy the event's
// client metadata into a claim: whoever signs in wrote it.
const handler = async (event) => {
  const { userAttributes } = event.request;

  event.response = {
    claimsOverrideDetails: {
      claimsToAddOrOverride: {
        tenantId: userAttributes['custom:tenantId'],
        departmentId: userAttributes['custom:department'],
      },
    },
  };

  return event;
};

export { handler };
