const handler = async (event) => {
  event.response = {
    claimsOverrideDetails: {
      claimsToAddOrOverride: {
        tenantId: event.request.userAttributes['custom:tenantId'],
        departmentId: event.request.userAttributes['custom:department'],
      },
    },
  };

  return event;
};

export { handler };
