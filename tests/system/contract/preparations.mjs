// How to call each operation of the contract so that it succeeds: the ids for its path, and its body.
let counter = 0;
const unique = (what) => `${what} ${++counter}`;

export const tokenBody = () => ({ name: unique('Token'), description: 'Of the contract', extension: { id: 'EXT-000' } });
export const userBody = () => ({
  name: unique('User'),
  email: `user-${++counter}@example.com`,
  groups: [{ id: 'UG-000-002' }],
});
const extensionBody = () => ({ name: `extension-${++counter}`, description: 'A kind of token' });
export const webhookBody = ({ receiver }) => ({
  type: 'event',
  object_class: 'fulfillment_request',
  label: unique('Webhook'),
  product_id: 'PRD-000-000-000',
  description: 'Of the contract',
  external_url: receiver,
  jwt_secret: 'a secret of its own',
  active: true,
  http_method: 'POST',
});

// `client.make(path, body)` creates a thing and gives it; `account`, `user` are the caller's own.
const token = async ({ client }) => ({ path: [(await client.make('/auth/tokens', tokenBody())).id] });
const stopped = async (context) => {
  const made = await token(context);
  await context.client.send('POST', `/auth/tokens/${made.path[0]}/deactivate`);
  return made;
};
const moduleId = async ({ client }) => {
  const { status, body } = await client.send('GET', '/modules?limit=1');
  return status === 200 ? body[0].id : 'MD-0000';
};
const granted = async (context) => {
  const made = await token(context);
  const permission = { object: { id: await moduleId(context) } };
  return { ...made, body: [await context.client.make(`/auth/tokens/${made.path[0]}/permissions`, permission)] };
};
const addedUser = async ({ client, account }) => ({
  path: [account, (await client.make(`/accounts/${account}/users`, userBody())).id],
});
const extension = async ({ client }) => ({ path: [(await client.make('/extensions', extensionBody())).id] });
const webhook = async (context) => ({
  path: [(await context.client.make('/notifications/webhooks', webhookBody(context))).id],
});
// An account, and its owner, who alone may close it.
const closable = async ({ client, signIn }) => {
  const email = `owner-${++counter}@example.com`;
  const { id, owner } = await client.make('/accounts', { name: unique('Account'), owner: { email } });
  return { path: [id], client: await signIn(email, owner.password) };
};
const nothing = async () => ({});

export const preparations = {
  'GET /auth/tokens': nothing,
  'POST /auth/tokens': async () => ({ body: tokenBody() }),
  'GET /auth/tokens/{pk}': token,
  'PUT /auth/tokens/{pk}': async (context) => ({
    ...(await token(context)),
    body: { name: unique('Renamed'), description: 'Changed', external_id: unique('x') },
  }),
  'DELETE /auth/tokens/{pk}': token,
  'POST /auth/tokens/{pk}/activate': stopped,
  'POST /auth/tokens/{pk}/deactivate': token,
  'POST /auth/tokens/{pk}/renew': async (context) => ({
    ...(await token(context)),
    body: { expiration_date: '2999-01-31T12:00:00+00:00' },
  }),
  'POST /auth/tokens/{pk}/rotate': async (context) => ({
    ...(await token(context)),
    body: { expiration_date: '2999-01-31T12:00:00+00:00' },
  }),
  'GET /auth/tokens/{token_pk}/permissions': token,
  'POST /auth/tokens/{token_pk}/permissions': async (context) => ({
    ...(await token(context)),
    body: { object: { id: await moduleId(context) } },
  }),
  'DELETE /auth/tokens/{token_pk}/permissions': granted,

  'GET /accounts': nothing,
  'POST /accounts': async () => ({ body: { name: unique('Account') } }),
  'GET /accounts/{pk}': async ({ account }) => ({ path: [account] }),
  'PUT /accounts/{pk}': async ({ account }) => ({ path: [account], body: { name: unique('Account') } }),
  'DELETE /accounts/{pk}': closable,
  'GET /accounts/{account_pk}/users': async ({ account }) => ({ path: [account] }),
  'POST /accounts/{account_pk}/users': async ({ account }) => ({ path: [account], body: userBody() }),
  'GET /accounts/{account_pk}/users/{pk}': async ({ account, user }) => ({ path: [account, user] }),
  'PUT /accounts/{account_pk}/users/{pk}': async (context) => ({
    ...(await addedUser(context)),
    body: { groups: [{ id: 'UG-000-002' }] },
  }),
  'DELETE /accounts/{account_pk}/users/{pk}': addedUser,

  'GET /extensions': nothing,
  'POST /extensions': async () => ({ body: extensionBody() }),
  'GET /extensions/{id}': extension,
  'PUT /extensions/{id}': async (context) => ({ ...(await extension(context)), body: extensionBody() }),
  'DELETE /extensions/{id}': extension,
  'GET /modules': nothing,
  'GET /modules/{pk}': async (context) => ({ path: [await moduleId(context)] }),

  'GET /notifications/webhooks': nothing,
  'POST /notifications/webhooks': async (context) => ({ body: webhookBody(context) }),
  'GET /notifications/webhooks/{id}': webhook,
  'PUT /notifications/webhooks/{id}': async (context) => ({
    ...(await webhook(context)),
    body: webhookBody(context),
  }),
  'DELETE /notifications/webhooks/{id}': webhook,
  'POST /notifications/webhooks/{id}/trigger': webhook,
};
