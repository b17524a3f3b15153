// The trigger: a Zap that is turned on has a webhook of its own, which ends when the Zap is turned off.
const { baseUrl } = require('./server');
const { verify } = require('./signature');

const webhooks = () => `${baseUrl()}/notifications/webhooks`;

const objectClasses = {
  token: 'Token',
  fulfillment_request: 'Fulfillment request',
  tier_config_request: 'Tier configuration request',
  tier_account_request: 'Tier account request',
  listing_request: 'Listing request',
  billing_request: 'Billing request',
  usage_file: 'Usage file',
};

async function subscribe(z, bundle) {
  const objectClass = bundle.inputData.object_class;
  const response = await z.request({
    url: webhooks(),
    method: 'POST',
    body: {
      label: `Zapier: ${objectClasses[objectClass] || objectClass}`,
      object_class: objectClass,
      external_url: bundle.targetUrl,
    },
  });
  return { id: response.data.id, jwt_secret: response.data.jwt_secret };
}

// 404: somebody else has deleted it.
async function unsubscribe(z, bundle) {
  const response = await z.request({
    url: `${webhooks()}/${encodeURIComponent(bundle.subscribeData.id)}`,
    method: 'DELETE',
    skipThrowForStatus: true,
  });
  if (response.status !== 404) response.throwForStatus();
  return {};
}

// The secret may have been changed since the Zap was turned on: then the webhook tells the new one.
async function verified(z, bundle) {
  const { id, jwt_secret: secret } = bundle.subscribeData;
  const message = verify(bundle.rawRequest, secret);
  if (message) return message;
  const response = await z.request(`${webhooks()}/${encodeURIComponent(id)}`);
  return verify(bundle.rawRequest, response.data.jwt_secret);
}

async function receive(z, bundle) {
  const message = await verified(z, bundle);
  if (!message) throw new z.errors.Error('This delivery is not signed by the server.', 'SignatureError', 401);
  return [{ id: message, ...JSON.parse(bundle.rawRequest.content) }];
}

// What a delivery would have said of the newest tokens, which the server lists first. Of the other classes nothing is kept: then Zapier shows the
// sample.
async function list(z, bundle) {
  if (bundle.inputData.object_class !== 'token') return [];
  const response = await z.request(`${baseUrl()}/auth/tokens?limit=3`);
  return response.data.map((token) => ({
    id: token.id,
    object_class: 'token',
    account_id: token.owner.id,
    triggered_at: token.events.created.at,
    data: {
      id: token.id,
      name: token.name,
      description: token.description,
      external_id: token.external_id,
      owner: { id: token.owner.id },
      status: token.status,
      extension: token.extension,
      events: { created: { at: token.events.created.at } },
      expiration_date: token.expiration_date,
      renewed_expiration_date: token.renewed_expiration_date,
      event: 'token.created',
    },
  }));
}

const sample = {
  id: 'msg-1',
  webhook_id: 'WH-123-456-789',
  webhook_name: 'Zapier: Token',
  object_class: 'token',
  account_id: 'VA-123-456',
  product_id: null,
  api_url: 'https://tokens.example.com/public/v1',
  triggered_at: '2026-11-23T15:04:05+00:00',
  last_success_at: null,
  last_failure_at: null,
  processing_timeout: 600,
  data: {
    id: 'SU-160-984-824',
    name: 'Nightly import',
    description: '',
    external_id: '',
    owner: { id: 'VA-123-456' },
    status: 'active',
    extension: { id: 'EXT-000', name: 'custom' },
    events: { created: { at: '2026-11-23T15:04:05+00:00' } },
    expiration_date: null,
    renewed_expiration_date: null,
    event: 'token.created',
  },
};

module.exports = {
  key: 'event',
  noun: 'Event',
  display: {
    label: 'New Event',
    description: 'Triggers when something happens to an object of the chosen class.',
  },
  operation: {
    type: 'hook',
    inputFields: [
      { key: 'object_class', label: 'Object', required: true, choices: objectClasses, default: 'token' },
    ],
    performSubscribe: subscribe,
    performUnsubscribe: unsubscribe,
    perform: receive,
    performList: list,
    sample,
    outputFields: [
      { key: 'id', label: 'Delivery' },
      { key: 'object_class', label: 'Object' },
      { key: 'triggered_at', label: 'Time', type: 'datetime' },
      { key: 'data__event', label: 'Event' },
    ],
  },
};
