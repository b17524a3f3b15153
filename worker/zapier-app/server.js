// The server that this app belongs to, from the app's environment in Zapier.

// The URL under which the REST interface answers, without a slash at its end.
function baseUrl() {
  const url = process.env.MINTMARK_URL;
  if (!url) throw new Error('MINTMARK_URL is not set in the environment of this app.');
  return url.replace(/\/+$/, '');
}

// The key that `mintmark partner create` printed: SU-…:secret.
function partnerKey() {
  const key = process.env.MINTMARK_PARTNER_KEY;
  if (!key) throw new Error('MINTMARK_PARTNER_KEY is not set in the environment of this app.');
  return key;
}

module.exports = { baseUrl, partnerKey };
