// How tests call the running program (ENDPOINT: …/public/v1), and what its webhooks call.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';

const { ENDPOINT } = process.env;

// Sends what the fields of `credentials` allow.
export function clientWith(credentials) {
  const client = {
    async send(method, path, body, raw = JSON.stringify(body)) {
      const response = await fetch(ENDPOINT + path, {
        method,
        headers: { ...credentials, ...(raw === undefined ? {} : { 'Content-Type': 'application/json' }) },
        body: raw,
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type') === 'application/json';
      return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
    },
    // Creates a thing.
    async make(path, body) {
      const answer = await client.send('POST', path, body);
      assert.equal(answer.status, 201, `POST ${path}: ${answer.text}`);
      return answer.body;
    },
  };
  return client;
}

export const stranger = clientWith({});

export async function signIn(email, password) {
  const login = await stranger.send('POST', '/auth/login', { email, password });
  assert.equal(login.status, 200, login.text);
  return clientWith({ Cookie: login.headers.get('set-cookie').split(';')[0], 'X-CSRF-Token': login.body.csrf_token });
}

// A receiver of webhooks, which fails those to /failing.
export async function startReceiver() {
  const server = createServer((request, response) =>
    request.resume().on('end', () => response.writeHead(request.url === '/failing' ? 500 : 200).end()),
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
