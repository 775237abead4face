// A file of its own, so that the bundle has something to bundle.
export const claimsOf = (user) => ({
  tenantId: user['custom:tenantId'],
  [process.env.CLAIM]: user['custom:department'],
});
