// What an API client does with the platform's own SDK. Wants ENDPOINT (…/public/v1), KEY (ApiKey SU-…:…) and
// ACCOUNT (VA-…).
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test from 'node:test';

const require = createRequire(import.meta.url);
const { ConnectClient, Directory, APIError } = require('@cloudblueconnect/connect-javascript-sdk');
const GenericResource = require('@cloudblueconnect/connect-javascript-sdk/lib/connect/api/base.js');

const { ENDPOINT, KEY, ACCOUNT } = process.env;
const client = new ConnectClient(ENDPOINT, KEY);
const tokens = new GenericResource(client, '/auth/tokens');
const custom = { id: 'EXT-000' };

// The rejection of a promise, which must be the SDK's error for an error of the API.
async function apiErrorOf(promise) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof APIError, `not an APIError: ${error}`);
    return error;
  }
  return assert.fail('it was not refused');
}

test('tokens are created, read, listed, updated and deleted', async () => {
  const created = await tokens.create({ name: 'From the SDK', description: 'One of its own', extension: custom });
  assert.match(created.id, /^SU-\d{3}-\d{3}-\d{3}$/);
  assert.match(created.token, new RegExp(`^${created.id}:[0-9a-f]{40}$`));
  assert.equal(created.status, 'active');

  const read = await tokens.get(created.id);
  assert.deepEqual(read, { ...created, token: null });
  const listed = await tokens.search({ limit: 1000 });
  assert.deepEqual(listed.find(({ id }) => id === created.id), read);

  const updated = await tokens.update(created.id, { name: 'Renamed' });
  assert.deepEqual(updated, { ...read, name: 'Renamed' });
  assert.deepEqual(await tokens.get(created.id), updated);

  await tokens.delete(created.id);
  assert.equal((await apiErrorOf(tokens.get(created.id))).status, 404);
  assert.ok(!(await tokens.search({ limit: 1000 })).some(({ id }) => id === created.id));
});

test('a new key works until its token is deleted', async () => {
  const created = await tokens.create({ name: 'Short-lived', extension: { name: 'custom' } });
  const other = new GenericResource(new ConnectClient(ENDPOINT, `ApiKey ${created.token}`), '/auth/tokens');
  assert.equal((await other.get(created.id)).name, 'Short-lived');
  await tokens.delete(created.id);
  assert.equal((await apiErrorOf(other.get(created.id))).errorCode, 'AUTH_001');
});

test('a Zapier token carries its handle', async () => {
  const created = await tokens.create({ name: 'Zaps', extension: { name: 'zapier' } });
  assert.match(created.handle, /^[0-9a-f]{40}$/);
  assert.equal(created.token, null);
  await tokens.delete(created.id);
});

test('lists are paged', async () => {
  const ids = [];
  for (const name of ['a', 'b', 'c']) {
    ids.push((await tokens.create({ name, extension: custom })).id);
  }
  const page = await tokens.search({ limit: 2, offset: 1 });
  assert.deepEqual(page.map(({ id }) => id), [ids[1], ids[0]]);
  const response = await client.fetch('/auth/tokens?limit=2&offset=1');
  assert.match(response.headers.get('content-range'), /^items 1-2\/\d+$/);
  await Promise.all(ids.map((id) => tokens.delete(id)));
});

test('mistakes are told as the SDK expects them', async () => {
  const error = await apiErrorOf(tokens.create({ description: 'No name', extension: custom }));
  assert.equal(error.status, 400);
  assert.equal(error.errorCode, 'VAL_001');
  assert.ok(error.errors.some((message) => message.startsWith('name: ')));
  assert.equal((await apiErrorOf(tokens.get('SU-000-000-000'))).errorCode, 'NFND_000');
  assert.equal((await apiErrorOf(client.accounts.get('VA-000-000'))).status, 404);
});

test('accounts and users are read', async () => {
  const accounts = await client.accounts.search();
  assert.deepEqual(accounts.map(({ id }) => id), [ACCOUNT]);
  assert.deepEqual(await client.accounts.get(ACCOUNT), accounts[0]);
  const users = await client.accounts.users(ACCOUNT).search();
  assert.equal(users.length, 1);
  assert.deepEqual(await client.accounts.users(ACCOUNT).get(users[0].id), users[0]);
  const directory = new Directory(client);
  assert.ok(directory);
});
