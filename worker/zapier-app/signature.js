// Whether a delivery comes from the server: Standard Webhooks 1.0.0 and the JWT beside it, both HMAC-SHA256 over the
// webhook's secret. How old it is does not count: Zapier may hold deliveries for as long as a Zap is paused.
const crypto = require('node:crypto');

const hmac = (secret, text, encoding) => crypto.createHmac('sha256', secret).update(text).digest(encoding);

function isEqual(left, right) {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && crypto.timingSafeEqual(a, b);
}

// Zapier hands headers over as "Http-Webhook-Id".
function readHeaders(headers) {
  return Object.fromEntries(
    Object.entries(headers || {}).map(([name, value]) => [name.toLowerCase().replace(/^http-/, ''), value]),
  );
}

function isSigned(headers, content, secret) {
  const expected = `v1,${hmac(secret, `${headers['webhook-id']}.${headers['webhook-timestamp']}.${content}`, 'base64')}`;
  return (headers['webhook-signature'] || '').split(' ').some((signature) => isEqual(signature, expected));
}

function hasToken(headers, secret) {
  const bearer = headers.authorization || headers.authentication || '';
  const [head, claims, signature] = bearer.replace(/^Bearer /, '').split('.');
  if (!signature || !isEqual(signature, hmac(secret, `${head}.${claims}`, 'base64url'))) return false;
  const read = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
  return read(head).alg === 'HS256' && read(claims).jti === headers['webhook-id'];
}

// The delivery's id, the same in all its attempts; null where one of the signatures is missing or wrong.
function verify({ headers, content }, secret) {
  const given = readHeaders(headers);
  if (!secret || !given['webhook-id']) return null;
  return isSigned(given, content, secret) && hasToken(given, secret) ? given['webhook-id'] : null;
}

module.exports = { verify };
