// Without an event version the trigger speaks V1_0: the ID token alone.
module.exports.claims = async (event) => {
  const user = event.request.userAttributes;
  event.response = {
    claimsOverrideDetails: {
      claimsToAddOrOverride: { tenantId: user['custom:tenantId'], departmentId: user['custom:department'] },
    },
  };
  return event;
};
