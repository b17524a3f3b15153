// What an API client does with the platform's own SDK. Wants ENDPOINT (…/public/v1), KEY (ApiKey SU-…:…), which
// acts as an owner, and ACCOUNT (VA-…).
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

// An action of a token, as the SDK's resources call theirs.
async function act(id, action, body) {
  const response = await tokens.fetch(`/auth/tokens/${id}/${action}`, { method: 'POST', body });
  return response.json();
}
const mayList = async (key) => (await new ConnectClient(ENDPOINT, `ApiKey ${key}`).fetch('/auth/tokens')).status;

test('tokens are deactivated, activated, rotated and renewed', async () => {
  const created = await tokens.create({ name: 'Lived', extension: custom });
  assert.equal((await act(created.id, 'deactivate')).status, 'inactive');
  assert.equal(await mayList(created.token), 403);
  assert.equal((await apiErrorOf(act(created.id, 'deactivate'))).errorCode, 'VAL_001');
  assert.equal((await act(created.id, 'activate')).status, 'active');
  assert.equal(await mayList(created.token), 200);

  const rotated = await act(created.id, 'rotate', { expiration_date: '2999-01-31T12:00:00+00:00' });
  assert.equal(rotated.expiration_date, '2999-01-31T12:00:00+00:00');
  assert.equal(await mayList(created.token), 401);
  assert.equal(await mayList(rotated.token), 200);

  const renewed = await act(created.id, 'renew', { expiration_date: '2999-02-28T12:00:00+00:00' });
  assert.equal(renewed.status, 'revitalised');
  assert.equal(renewed.token, rotated.token);
  assert.equal(renewed.renewed_expiration_date, '2999-02-28T12:00:00+00:00');
  assert.equal(await mayList(rotated.token), 200);
  assert.equal(await mayList(renewed.renewed_token), 200);
  await tokens.delete(created.id);
});

// The resource with some of its things made; `found` gives the names of those that a query finds.
async function withTokens(names, use) {
  const made = [];
  for (const [i, name] of names.entries()) {
    made.push(await tokens.create({ name, external_id: `rql-${i}`, extension: custom }));
  }
  const ours = { external_id: { $like: 'rql-' } };
  const found = async (query) => (await tokens.search({ ...ours, ...query })).map(({ name }) => name);
  await use(found, made);
  await Promise.all(made.map(({ id }) => tokens.delete(id)));
}

test('tokens are found by every operator of the SDK', async () => {
  await withTokens(['Alpha one', 'alpha two', 'Beta', 'B*ta', 'gamma'], async (found, made) => {
    assert.deepEqual(await found({ name: 'Alpha one' }), ['Alpha one']);
    assert.deepEqual(await found({ name: { $eq: 'Beta' } }), ['Beta']);
    assert.deepEqual((await found({ name: { $ne: 'Beta' } })).length, 4);
    assert.deepEqual(await found({ name: { $like: 'lpha o' } }), ['Alpha one']);
    assert.deepEqual(await found({ name: { $like: 'ALPHA' } }), []);
    assert.deepEqual(await found({ name: { $ilike: 'ALPHA' } }), ['alpha two', 'Alpha one']);
    assert.deepEqual(await found({ name: { $like: 'B*' } }), ['B*ta']);
    assert.deepEqual(await found({ name: { $in: ['gamma', 'Beta', 'nobody'] } }), ['gamma', 'Beta']);
    assert.deepEqual(await found({ name: { $out: ['gamma', 'Beta'] } }), ['B*ta', 'alpha two', 'Alpha one']);
    assert.deepEqual(await found({ $or: [{ name: 'gamma' }, { name: { $ilike: 'beta' } }] }), ['gamma', 'Beta']);
    assert.deepEqual(await found({ name: { $or: [{ $eq: 'gamma' }, { $eq: 'Beta' }] } }), ['gamma', 'Beta']);
    assert.deepEqual(await found({ $and: [{ name: { $ilike: 'alpha' } }, { name: { $like: 'two' } }] }), ['alpha two']);
    assert.deepEqual(await found({ name: { $not: { $ilike: 'a' } } }), []);
    assert.deepEqual(await found({ name: { $not: [{ $ilike: 'eta' }, { $ilike: 'alpha' }] } }), ['gamma', 'B*ta']);
    const at = 'events.created.at';
    assert.equal((await found({ [at]: { $gt: '2001-01-01T00:00:00+00:00' } })).length, 5);
    assert.deepEqual(await found({ [at]: { $lt: '2001-01-01T00:00:00+00:00' } }), []);
    assert.equal((await found({ [at]: { $gte: made[0].events.created.at, $lte: '2999-01-01' } })).length, 5);
    assert.equal((await found({ [at]: { $range: { min: '2001-01-01', max: '2999-01-01' } } })).length, 5);
    assert.equal((await found({ expiration_date: 'null()' })).length, 5);
    assert.deepEqual(await found({ status: { $in: ['inactive', 'expired'] } }), []);
    assert.equal((await found({ 'extension.name': 'custom', 'owner.id': ACCOUNT })).length, 5);
  });
});

test('lists are ordered, paged and cut to fields', async () => {
  await withTokens(['c', 'a', 'b', 'e', 'd'], async (found) => {
    assert.deepEqual(await found({ $ordering: 'name' }), ['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(await found({ $ordering: ['-name', 'id'], limit: 2 }), ['e', 'd']);
    assert.deepEqual(await found({ $ordering: ['-name'], limit: 2, offset: 2 }), ['c', 'b']);
    assert.deepEqual(await found({ $ordering: ['-name'], limit: 2, offset: 4 }), ['a']);
    const cut = await tokens.search({ 'external_id': 'rql-0', $select: ['-events', '-permissions'] });
    assert.equal(cut[0].name, 'c');
    assert.equal(cut[0].events, undefined);
    const refused = await apiErrorOf(tokens.search({ $ordering: 'description' }));
    assert.equal(refused.errorCode, 'RQL_001');
  });
});

test('webhooks are created, found, changed and deleted', async () => {
  const created = await client.webhooks.create({
    label: 'From the SDK', object_class: 'fulfillment_request', external_url: 'https://example.com/hook',
    jwt_secret: 'a secret', product_id: 'PRD-1', description: 'One', data: { a: 1 }, headers: { 'X-A': 'b' },
  });
  assert.match(created.id, /^WH-\d{3}-\d{3}-\d{3}$/);
  assert.deepEqual(await client.webhooks.get(created.id), created);
  assert.deepEqual(created.product, { id: 'PRD-1', name: 'PRD-1' });
  assert.ok(created.api_url.endsWith(`/public/v1/notifications/webhooks/${created.id}`));
  const found = await client.webhooks.search({ label: { $like: 'SDK' }, active: 'true', $ordering: 'type' });
  assert.deepEqual(found, [created]);
  const changed = await client.webhooks.update(created.id, { active: false });
  assert.equal(changed.active, false);
  assert.deepEqual(await client.webhooks.search({ active: 'true' }), []);
  await client.webhooks.delete(created.id);
  assert.equal((await apiErrorOf(client.webhooks.get(created.id))).status, 404);
});

test('extensions are made and used', async () => {
  const extensions = new GenericResource(client, '/extensions');
  const made = await extensions.create({ name: 'ledger', description: 'Our ledger' });
  const token = await tokens.create({ name: 'Of the ledger', extension: { id: made.id } });
  assert.deepEqual(token.extension, { id: made.id, name: 'ledger' });
  assert.deepEqual((await tokens.search({ 'extension.id': made.id })).map(({ id }) => id), [token.id]);
  assert.equal((await apiErrorOf(extensions.delete(made.id))).status, 409);
  await tokens.delete(token.id);
  assert.equal((await extensions.update(made.id, { description: 'Books' })).description, 'Books');
  await extensions.delete(made.id);
  assert.deepEqual((await extensions.search({ system: 'false' })), []);
});

test('users are invited, found, changed and deleted', async () => {
  const users = client.accounts.users(ACCOUNT);
  const made = await users.create({ email: 'sdk@example.com', groups: [{ id: 'UG-000-002' }] });
  assert.match(made.id, /^UR-\d{3}-\d{3}-\d{3}$/);
  assert.deepEqual((await users.search({ email: 'sdk@example.com' })).map(({ id }) => id), [made.id]);
  assert.deepEqual((await users.search({ 'groups.id': 'UG-000-002' })).map(({ id }) => id), [made.id]);
  assert.equal((await users.get(made.id)).status, 'active');
  const changed = await users.update(made.id, { name: 'Sdk', groups: [{ id: 'UG-000-003' }] });
  assert.equal(changed.role, 'auditor');
  assert.deepEqual(
    (await users.search({ name: { $ilike: 'SDK' }, $ordering: '-email', limit: 1 })).map(({ id }) => id),
    [made.id],
  );
  // As read, but for the group.
  const back = await users.update(made.id, { ...changed, groups: [{ id: 'UG-000-002', name: 'member' }] });
  assert.deepEqual(back.groups, [{ id: 'UG-000-002', name: 'member' }]);
  const member = await tokens.create({ name: "A token's token", extension: custom });
  const others = new ConnectClient(ENDPOINT, `ApiKey ${member.token}`).accounts.users(ACCOUNT);
  assert.equal((await apiErrorOf(others.update(made.id, { name: 'No' }))).status, 403);
  await tokens.delete(member.id);
  await users.delete(made.id);
  assert.equal((await users.search()).length, 1);
});

test('the account is changed', async () => {
  const before = await client.accounts.get(ACCOUNT);
  const changed = await client.accounts.update(ACCOUNT, { overview: 'From the SDK', countries: ['GB'] });
  assert.equal(changed.overview, 'From the SDK');
  assert.deepEqual(await client.accounts.get(ACCOUNT), changed);
  assert.equal(changed.name, before.name);
  assert.equal((await apiErrorOf(client.accounts.create({ name: 'A vendor opens none' }))).status, 403);
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
