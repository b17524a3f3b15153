// Every operation of the published contract (FACTS: tests/golden/contract/facts.json) against the running program:
// its status, its fields and its schema. Wants ENDPOINT (…/public/v1), ACCOUNT (PA-…), its USER (UR-…) and KEY
// (ApiKey SU-…:…), which acts as an owner: a key is the only credential that the contract has.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after, before } from 'node:test';

import { clientWith, signIn, startReceiver, stranger } from './client.mjs';
import { preparations, tokenBody } from './preparations.mjs';
import { promises, validatorFor } from './schemas.mjs';

const { FACTS, KEY, ACCOUNT, USER } = process.env;
const { operations, components } = JSON.parse(readFileSync(FACTS, 'utf8'));
const validator = validatorFor(components);

const context = { signIn, client: undefined, account: ACCOUNT, user: USER, receiver: undefined };
let receiver;

before(async () => {
  receiver = await startReceiver();
  context.receiver = receiver.url;
  context.client = clientWith({ Authorization: KEY });
});
after(() => receiver.close());

function pathOf(key, ids = []) {
  const left = [...ids];
  return key.split(' ')[1].replace(/\{\w+\}/g, () => left.shift());
}

// The one 2xx answer that the contract gives, its schema and its fields.
function successOf(operation) {
  const [status] = Object.keys(operation.responses).filter((code) => code.startsWith('2'));
  const response = operation.responses[status];
  const schema = response.content?.['application/json'].schema;
  return { status: Number(status), schema, headers: Object.keys(response.headers ?? {}) };
}

function errorSchemaOf(operation) {
  const reference = operation.responses['400']?.$ref;
  const name = reference?.slice(reference.lastIndexOf('/') + 1) ?? 'auth.any_400';
  return components.responses[name].content['application/json'].schema;
}

// That it is an error of the contract's form, as its clients read it.
function assertError(answer, operation, status) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.equal(validator(errorSchemaOf(operation))(answer.body), '');
  assert.ok(answer.body.error_code && answer.body.errors.length > 0, answer.text);
}

// Creating and changing answer the whole thing, of which the contract's Write, Create and Update are parts.
function wholeOf({ $ref } = {}) {
  const name = $ref?.slice($ref.lastIndexOf('/') + 1).replace(/(Write|Create|Update)$/, '');
  return name in components.schemas ? { $ref: `#/components/schemas/${name}` } : undefined;
}

// A token's value is shown where it is made and nowhere else: as `token`, or beside the old one.
const showsToken = ['POST /auth/tokens', 'POST /auth/tokens/{pk}/rotate', 'POST /auth/tokens/{pk}/renew'];
function assertValues(key, { id, token, renewed_token: renewed }) {
  const value = new RegExp(`^${id}:[0-9a-f]{40}$`);
  if (showsToken.includes(key)) assert.match(token, value);
  else assert.equal(token, null);
  if (key.endsWith('/renew')) assert.match(renewed, value);
  else assert.equal(renewed, null);
}

test('every operation has its preparation, and no other has', () => {
  assert.deepEqual(Object.keys(preparations).sort(), Object.keys(operations).sort());
});

test('the schemas can refuse', async () => {
  const { schema } = successOf(operations['GET /auth/tokens/{pk}']);
  const made = await context.client.make('/auth/tokens', tokenBody());
  assert.equal(validator(schema)(made), '');
  assert.notEqual(validator(schema)({ ...made, status: 'unknown' }), '');
  assert.notEqual(validator(schema)({ ...made, expiration_date: 'tomorrow' }), '');
  assert.notEqual(validator(schema)({ ...made, owner: null }), '');
  for (const name of promises['auth.Token'].required) {
    const { [name]: left, ...rest } = made;
    assert.notEqual(validator(schema)(rest), '', `without ${name}, which was ${left}`);
  }
});

// An id of each kind that nobody has, by the segment of a path that stands before it.
const absent = {
  tokens: 'SU-000-000-000',
  accounts: 'PA-000-000',
  users: 'UR-000-000-000',
  extensions: 'EXT-999-999',
  modules: 'MD-9999',
  webhooks: 'WH-000-000-000',
};
const withAbsentIds = (key) => key.split(' ')[1].replace(/(\w+)\/\{\w+\}/g, (_, kind) => `${kind}/${absent[kind]}`);

for (const action of ['activate', 'deactivate']) {
  test(`a token that is so already refuses to ${action}`, async () => {
    const { id } = await context.client.make('/auth/tokens', tokenBody());
    const path = `/auth/tokens/${id}/`;
    if (action === 'deactivate') assert.equal((await context.client.send('POST', `${path}deactivate`)).status, 200);
    const operation = operations[`POST /auth/tokens/{pk}/${action}`];
    assertError(await context.client.send('POST', path + action), operation, 400);
  });
}

for (const [key, operation] of Object.entries(operations)) {
  const [method] = key.split(' ');
  const prepare = async () => {
    const { path, body, client = context.client } = await preparations[key](context);
    return { path: pathOf(key, path), body, client };
  };

  test(`${key} answers as the contract says`, async () => {
    const { path, body, client } = await prepare();
    const answer = await client.send(method, path, body);
    const expected = successOf(operation);
    assert.equal(answer.status, expected.status, answer.text);
    assert.match(answer.headers.get('x-request-id') ?? '', /./);
    for (const name of expected.headers) {
      assert.match(answer.headers.get(name) ?? '', name === 'Content-Range' ? /^items \d+-\d+\/\d+$/ : /./, name);
    }
    if (!expected.schema) {
      assert.equal(answer.text, '');
      return;
    }
    assert.equal(answer.headers.get('content-type'), 'application/json');
    assert.equal(validator(expected.schema)(answer.body), '', answer.text);
    const whole = wholeOf(expected.schema);
    if (whole) assert.equal(validator(whole)(answer.body), '', answer.text);
    if (whole?.$ref.endsWith('/auth.Token')) assertValues(key, answer.body);
  });

  test(`${key} wants credentials`, async () => {
    const { path, body } = await prepare();
    assertError(await stranger.send(method, path, body), operation, 401);
  });

  if (key.includes('{')) {
    test(`${key} finds nothing under an id that nobody has`, async () => {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {};
      assertError(await context.client.send(method, withAbsentIds(key), body), operation, 404);
    });
  }

  if (operation.parameters?.some(({ $ref }) => $ref?.endsWith('.limit'))) {
    test(`${key} refuses a limit that comes twice`, async () => {
      const { path } = await prepare();
      assertError(await context.client.send(method, `${path}?limit=1&limit=1`), operation, 400);
    });
  }

  if (operation.requestBody) {
    test(`${key} refuses a body that is no JSON`, async () => {
      const { path } = await prepare();
      assertError(await context.client.send(method, path, undefined, '{"name":'), operation, 400);
    });
  }
}
