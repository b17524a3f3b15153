// The program's own document, /openapi.json, is true of its answers: each has all that its schema requires and nothing
// that it does not name. Wants what contract.test.mjs wants.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { clientWith, signIn, startReceiver, stranger } from './client.mjs';
import { preparations, tokenBody, userBody, webhookBody } from './preparations.mjs';
import { validatorFor } from './schemas.mjs';

const { ENDPOINT, KEY, ACCOUNT, USER } = process.env;
const root = ENDPOINT.slice(0, -'/public/v1'.length);
const document = await (await fetch(`${root}/openapi.json`)).json();
const validator = validatorFor(document.components, { exact: true });

const client = clientWith({ Authorization: KEY });
const context = { signIn, client, account: ACCOUNT, user: USER, receiver: undefined };
const users = `/accounts/${ACCOUNT}/users`;
let receiver;

// Asks until there is what is waited for.
async function until(path, isThere) {
  for (let tries = 0; tries < 10_000; ++tries) {
    const { body } = await client.send('GET', path);
    if (isThere(body)) return body;
  }
  return assert.fail(`${path} does not come to show it`);
}

// Something of each kind, with all that it can show.
before(async () => {
  receiver = await startReceiver();
  context.receiver = receiver.url;
  const { id } = await client.make('/auth/tokens', tokenBody());
  await client.make(`/auth/tokens/${id}/permissions`, { object: { id: 'MD-0001' } });
  await client.send('PUT', `/accounts/${ACCOUNT}`, { industries: [{ id: 'IND-1' }], countries: ['GB'] });
  const extension = await client.make('/extensions', {
    name: 'documented',
    description: 'A kind of token',
    categories: [{ id: 'CAT-1' }],
    constraints: { account: { tokens: 3 } },
  });
  await client.send('PUT', `/extensions/${extension.id}`, { subtitle: 'Changed' });
  for (const [path, shown] of Object.entries({ '': 'last_success', failing: 'last_failure' })) {
    const body = { ...webhookBody(context), external_url: receiver.url + path, headers: { 'X-Tenant': 'a' } };
    const webhook = `/notifications/webhooks/${(await client.make('/notifications/webhooks', body)).id}`;
    await client.send('PUT', webhook, { label: `Shows ${shown}` });
    await client.send('POST', `${webhook}/trigger`);
    await until(webhook, (shows) => shows[shown]);
  }
});
after(() => receiver.close());

const webhooks = async () => (await client.send('GET', '/notifications/webhooks')).body;
const attempted = async () => ({ path: [(await webhooks()).find(({ last_failure: failure }) => failure).id] });
// One that is not about to be attempted.
const waiting = async () => {
  const later = ({ next_attempt_at: at }) => Date.parse(at) > Date.now() + 1000;
  const jobs = await until('/jobs?status=waiting', (listed) => listed.some(later));
  return { path: [jobs.find(later).id] };
};
const person = async () => {
  const body = userBody();
  const { password } = await client.make(users, body);
  return { client: await signIn(body.email, password), credentials: { email: body.email, password } };
};
const added = async () => ({ path: [ACCOUNT, (await client.make(users, userBody())).id] });

// Of the operations that the contract does not have.
const own = {
  'POST /auth/tokens/{}/reveal': async () => ({ path: [(await client.make('/auth/tokens', tokenBody())).id] }),
  'GET /auth/tokens/{}/permissions': async () => {
    const { id } = await client.make('/auth/tokens', tokenBody());
    await client.make(`/auth/tokens/${id}/permissions`, { object: { id: 'MD-0001' } });
    return { path: [id] };
  },
  'POST /accounts/{}/users/{}/activate': added,
  'POST /accounts/{}/users/{}/deactivate': added,
  'POST /accounts/{}/users/{}/password': added,
  'POST /notifications/webhooks/{}/test': attempted,
  'GET /notifications/webhooks/{}/deliveries': attempted,
  'GET /jobs': waiting,
  'POST /jobs/retry': async () => ({}),
  'GET /jobs/{}': waiting,
  'POST /jobs/{}/retry': waiting,
  'POST /jobs/{}/cancel': waiting,
  'GET /events': async () => ({}),
  'POST /auth/login': async () => ({ body: (await person()).credentials, client: stranger }),
  'GET /auth/context': async () => ({}),
  'GET /auth/sessions': person,
};

const withoutNames = (key) => key.replace(/\{\w+\}/g, '{}');
const prepared = Object.fromEntries(
  [...Object.entries(preparations), ...Object.entries(own)].map(([key, prepare]) => [withoutNames(key), prepare]),
);

// Under /public/v1, with JSON in their answers.
const described = Object.entries(document.paths)
  .filter(([path]) => path.startsWith('/public/v1/'))
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [
      `${method.toUpperCase()} ${withoutNames(path.slice('/public/v1'.length))}`,
      operation,
    ]),
  )
  .filter(([, { responses }]) =>
    Object.entries(responses).some(([status, { content }]) => status.startsWith('2') && content?.['application/json']),
  );

function assertDescribed(answer, operation) {
  assert.match(String(answer.status), /^2/, answer.text);
  const { schema } = operation.responses[answer.status].content['application/json'];
  assert.equal(validator(schema)(answer.body), '', answer.text);
  if (Array.isArray(answer.body)) assert.notEqual(answer.body.length, 0, 'a list of nothing shows nothing');
}

test('the document can be found untrue', async () => {
  const schema = { $ref: '#/components/schemas/auth.Token' };
  const made = await client.make('/auth/tokens', tokenBody());
  assert.equal(validator(schema)(made), '');
  assert.notEqual(validator(schema)({ ...made, more: 1 }), '');
  assert.notEqual(validator(schema)({ ...made, owner: { ...made.owner, more: 1 } }), '');
  assert.notEqual(validator(schema)({ ...made, restricted: undefined }), '');
});

for (const [key, operation] of described) {
  test(`${key} answers as the document says`, async () => {
    assert.ok(prepared[key], 'it has no preparation');
    const { path = [], body, client: caller = client } = await prepared[key](context);
    const left = [...path];
    const [method, pattern] = key.split(' ');
    assertDescribed(await caller.send(method, pattern.replace(/\{\}/g, () => left.shift()), body), operation);
  });
}

const operationOf = (wanted) => described.find(([key]) => key === wanted)[1];

test('an account that is opened with its owner shows both', async () => {
  const answer = await client.send('POST', '/accounts', { name: 'New', owner: { email: 'first@example.com' } });
  assert.ok(answer.body.owner.password, answer.text);
  assertDescribed(answer, operationOf('POST /accounts'));
});

test('a person and an auditor are shown what the document says', async () => {
  const body = { ...userBody(), groups: [{ id: 'UG-000-003' }] };
  const { password } = await client.make(users, body);
  const auditor = await signIn(body.email, password);
  assertDescribed(await auditor.send('GET', '/auth/context'), operationOf('GET /auth/context'));
  const shown = await auditor.send('GET', '/notifications/webhooks');
  assert.ok(shown.body.every(({ jwt_secret: secret }) => secret === null), shown.text);
  assertDescribed(shown, operationOf('GET /notifications/webhooks'));
});

test('health is as the document says', async () => {
  const response = await fetch(`${root}/healthz`);
  const { schema } = document.paths['/healthz'].get.responses[200].content['application/json'];
  assert.equal(validator(schema)(await response.json()), '');
});
