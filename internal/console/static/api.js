// Operations and data of the server, for modules.

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? '';

export const region = () => meta('console-region');

// ApiError is an operation's refusal; type is the exception's name.
class ApiError extends Error {
  constructor(type, message, status, requestId) {
    super(message || type);
    this.name = 'ApiError';
    this.type = type;
    this.status = status;
    this.requestId = requestId;
  }
}

async function answer(response) {
  if (response.ok) return response.json();
  let body = {};
  try { body = await response.json(); } catch { /* not ours: the status has to do */ }
  throw new ApiError(body.__type ?? 'Error', body.message ?? `The server answered ${response.status}.`, response.status, response.headers.get('x-amzn-requestid') ?? '');
}

// call performs an operation: call('cognito-idp', 'ListUsers', { UserPoolId }).
// options.region is where, unless it is the page's region; options.signal ends it.
export async function call(service, operation, input = {}, options = {}) {
  const at = options.region ?? region();
  return answer(await fetch(`/console/api/${encodeURIComponent(service)}/${encodeURIComponent(operation)}?region=${encodeURIComponent(at)}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Console-Token': meta('console-token') },
    body: JSON.stringify(input),
    signal: options.signal,
  }));
}

// data reads what lies beside the operations: data('signins?pool=…').
export async function data(path, options = {}) {
  return answer(await fetch(`/console/data/${path}`, { signal: options.signal }));
}
