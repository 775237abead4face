// The keys and the issuer that a pool of this server publishes.

// published asks this server, and no other, for what a pool publishes.
export async function published(pool) {
  const read = async (name) => {
    const response = await fetch(`/${encodeURIComponent(pool)}/.well-known/${name}`, { credentials: 'omit' });
    if (!response.ok) throw new Error(`This server publishes no keys for the pool ${pool}.`);
    return response.json();
  };
  const [jwks, about] = await Promise.all([read('jwks.json'), read('openid-configuration')]);
  return { jwks, issuer: about.issuer };
}
