// Session authentication: the user pastes a Zapier token's handle, the partner's key exchanges it for the token's
// key, and that goes with every request.
const { baseUrl, partnerKey } = require('./server');

const refused =
  'This handle does not work: it is unknown, replaced or of a token that is not active. Copy the newest one.';

// The handle of what was pasted: 40 hexadecimal digits, alone or as handle@endpoint. The endpoint must be this app's
// server, because the partner's key goes there and nowhere else.
function readHandle(z, pasted) {
  const [handle, ...rest] = pasted.trim().split('@');
  const endpoint = rest.join('@').replace(/\/+$/, '');
  if (rest.length > 0 && endpoint !== baseUrl()) {
    throw new z.errors.Error('This handle belongs to another server than this app.', 'AuthenticationError', 400);
  }
  if (!/^[0-9a-f]{40}$/.test(handle)) throw new z.errors.Error(refused, 'AuthenticationError', 400);
  return handle;
}

// 401 never gets here: Zapier's core takes it for a session that is over, and so asks for a new exchange.
async function exchange(z, bundle) {
  const response = await z.request({
    url: `${baseUrl()}/auth/tokens`,
    method: 'POST',
    headers: { Authorization: `ApiKey ${partnerKey()}` },
    body: { handle: readHandle(z, bundle.authData.handle) },
    skipThrowForStatus: true,
  });
  if (response.status === 429 || response.status === 503) {
    const wait = Number.parseInt(response.getHeader('retry-after'), 10) || 60;
    throw new z.errors.ThrottledError('The server is busy. Try again in a moment.', wait);
  }
  if (response.status === 400) throw new z.errors.Error(refused, 'AuthenticationError', 400);
  if (response.status === 403) {
    throw new z.errors.Error('The server does not know this app as a partner.', 'AuthenticationError', 403);
  }
  response.throwForStatus();
  return { sessionKey: `${response.data.id}:${response.data.token}` };
}

// The account that the token belongs to.
async function readAccount(z) {
  const response = await z.request(`${baseUrl()}/accounts`);
  const [account] = response.data;
  if (!account) throw new z.errors.Error('The token has no account.', 'AuthenticationError', 403);
  return { id: account.id, name: account.name, type: account.type };
}

// Before each request to this app's server, unless it carries a key of its own.
function addKey(request, z, bundle) {
  const { sessionKey } = bundle.authData || {};
  if (sessionKey && !request.headers.Authorization && request.url.startsWith(`${baseUrl()}/`)) {
    request.headers.Authorization = `ApiKey ${sessionKey}`;
  }
  return request;
}

const authentication = {
  type: 'session',
  fields: [
    {
      key: 'handle',
      label: 'Handle',
      type: 'password',
      required: true,
      helpText: 'Create a token of the type Zapier and paste its handle.',
    },
  ],
  sessionConfig: { perform: exchange },
  test: readAccount,
  connectionLabel: '{{name}} ({{id}})',
};

module.exports = { authentication, addKey };
