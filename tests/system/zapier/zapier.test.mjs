// What a Zapier user does with the app of worker/zapier-app, through Zapier's own zapier-platform-core. Wants
// MINTMARK_URL (…/public/v1) and MINTMARK_PARTNER_KEY as the app does, OWNER_KEY (SU-…:…), HANDLE and TOKEN (SU-…) of
// a Zapier token.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import test from 'node:test';

const require = createRequire(import.meta.url);
const jsonwebtoken = require('jsonwebtoken');
const { Webhook } = require('standardwebhooks');
const zapier = require('zapier-platform-core');

const App = require('./index.js');

const { MINTMARK_URL, OWNER_KEY, HANDLE, TOKEN } = process.env;
const run = zapier.createAppTester(App);
const { operation } = App.triggers.event;
const authData = { handle: `${HANDLE}@${MINTMARK_URL}` };

async function asOwner(method, path, body) {
  const response = await fetch(`${MINTMARK_URL}${path}`, {
    method,
    headers: { Authorization: `ApiKey ${OWNER_KEY}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  return { status: response.status, body: response.status === 204 ? null : await response.json().catch(() => null) };
}

// Where Zapier takes deliveries. Gives them one after the other, as they arrive.
async function receiveDeliveries() {
  const arrived = [];
  const waiting = [];
  const server = createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      response.end('{}');
      const delivery = { method: request.method, headers: request.headers, content: Buffer.concat(pieces).toString() };
      if (waiting.length > 0) waiting.shift()(delivery);
      else arrived.push(delivery);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/hooks/catch?zap=1`,
    next: () => (arrived.length > 0 ? arrived.shift() : new Promise((resolve) => waiting.push(resolve))),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

// As Zapier hands a request over.
function rawRequestOf({ method, headers, content }) {
  const named = Object.entries(headers).map(([name, value]) => [
    `Http-${name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())}`,
    value,
  ]);
  return { method, headers: Object.fromEntries(named), content };
}

test('the app is one that Zapier accepts', async () => {
  const { results } = await zapier.createAppHandler(App)({ command: 'validate' });
  assert.deepEqual(results, []);
});

test('a wrong handle is refused, and one for elsewhere is not even sent', async () => {
  const exchange = (handle) => run(App.authentication.sessionConfig.perform, { authData: { handle } });
  await assert.rejects(exchange('0'.repeat(40)), /does not work/);
  await assert.rejects(exchange('not a handle'), /does not work/);
  await assert.rejects(exchange(`${HANDLE}@https://elsewhere.example.com/public/v1`), /another server/);
});

test('a user signs in, turns a Zap on, gets events and turns it off', async (context) => {
  const { sessionKey } = await run(App.authentication.sessionConfig.perform, { authData });
  assert.match(sessionKey, new RegExp(`^${TOKEN}:[0-9a-f]{40}$`));
  const session = { authData: { ...authData, sessionKey }, inputData: { object_class: 'token' } };
  const account = await run(App.authentication.test, session);
  assert.match(account.id, /^VA-/);

  const samples = await run(operation.performList, session);
  assert.ok(samples.some(({ id }) => id === TOKEN));

  const deliveries = await receiveDeliveries();
  context.after(deliveries.close);
  const subscribeData = await run(operation.performSubscribe, { ...session, targetUrl: deliveries.url });
  assert.match(subscribeData.id, /^WH-/);

  // Something happens to a token of the account.
  const created = await asOwner('POST', '/auth/tokens', { name: 'Made for Zapier', extension: { id: 'EXT-000' } });
  assert.equal(created.status, 201);
  const delivery = await deliveries.next();

  // With the libraries that a receiver would use.
  const secret = subscribeData.jwt_secret;
  new Webhook(Buffer.from(secret).toString('base64')).verify(delivery.content, delivery.headers);
  for (const header of ['authorization', 'authentication']) {
    const claims = jsonwebtoken.verify(delivery.headers[header].replace('Bearer ', ''), secret, { algorithms: ['HS256'] });
    assert.equal(claims.sub, subscribeData.id);
    assert.equal(claims.jti, delivery.headers['webhook-id']);
  }

  const received = { ...session, subscribeData, rawRequest: rawRequestOf(delivery) };
  const [event] = await run(operation.perform, received);
  assert.equal(event.id, delivery.headers['webhook-id']);
  assert.equal(event.webhook_id, subscribeData.id);
  assert.equal(event.data.id, created.body.id);
  assert.equal(event.data.event, 'token.created');
  assert.deepEqual(Object.keys(samples[0].data).sort(), Object.keys(event.data).sort());
  assert.ok(!delivery.content.includes(created.body.token.split(':')[1]), 'a value of a token was delivered');

  // A changed body is not taken, nor is a body without its signature; one under a changed secret is.
  const forged = { ...delivery, content: delivery.content.replace('Made for', 'Forged for') };
  await assert.rejects(run(operation.perform, { ...received, rawRequest: rawRequestOf(forged) }), /not signed/);
  const bare = { ...delivery, headers: { 'webhook-id': delivery.headers['webhook-id'] } };
  await assert.rejects(run(operation.perform, { ...received, rawRequest: rawRequestOf(bare) }), /not signed/);
  const old = { ...received, subscribeData: { ...subscribeData, jwt_secret: 'the one before' } };
  assert.equal((await run(operation.perform, old))[0].id, event.id);

  await run(operation.performUnsubscribe, { ...session, subscribeData });
  assert.equal((await asOwner('GET', `/notifications/webhooks/${subscribeData.id}`)).status, 404);
  await run(operation.performUnsubscribe, { ...session, subscribeData });
});

test('a deleted token is refused, and its webhook is gone', async (context) => {
  const { sessionKey } = await run(App.authentication.sessionConfig.perform, { authData });
  const session = { authData: { ...authData, sessionKey }, inputData: { object_class: 'token' } };
  const deliveries = await receiveDeliveries();
  context.after(deliveries.close);
  const subscribeData = await run(operation.performSubscribe, { ...session, targetUrl: deliveries.url });

  assert.equal((await asOwner('DELETE', `/auth/tokens/${TOKEN}`)).status, 204);
  await assert.rejects(run(App.authentication.test, session), { name: 'RefreshAuthError' });
  await assert.rejects(run(App.authentication.sessionConfig.perform, { authData }), /does not work/);
  await assert.rejects(run(operation.performUnsubscribe, { ...session, subscribeData }), { name: 'RefreshAuthError' });
  // The worker ends the webhook, as soon as it is told.
  let status = 0;
  while (status !== 404) ({ status } = await asOwner('GET', `/notifications/webhooks/${subscribeData.id}`));
});
