// Schemas of OpenAPI 3.0.3 as JSON Schema, compiled by Ajv.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const Ajv = require('ajv');
const addFormats = require('ajv-formats');

// `nullable` becomes a type of null. The contract says of strings that only the server sets, such as a token's
// `handle`, that they are strings, although its own server answers null where there is nothing to show: those are
// nullable too.
function convert(schema) {
  if (Array.isArray(schema)) return schema.map(convert);
  if (schema === null || typeof schema !== 'object') return schema;
  const { nullable, readOnly, writeOnly, $ref, properties, ...rest } = schema;
  if ($ref) return { $ref: $ref.slice($ref.lastIndexOf('/') + 1) };
  const converted = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, convert(value)]));
  if (properties) {
    converted.properties = Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, convert(of)]));
  }
  if (rest.format === 'datetime') converted.format = 'date-time';
  if (rest.format === 'binary') delete converted.format;
  return nullable || (readOnly && rest.type === 'string') ? { anyOf: [converted, { type: 'null' }] } : converted;
}

// What is promised beside the schema of an object, which demands little: these members are there, null or not.
const reference = { type: 'object', required: ['id', 'name'] };
const by = { type: 'object', required: ['id', 'name', 'email'] };
const created = { type: 'object', required: ['at', 'by'], properties: { by } };
export const promises = {
  'auth.Token': {
    required: [
      'id', 'name', 'description', 'external_id', 'owner', 'status', 'extension', 'handle', 'token', 'events',
      'permissions', 'expiration_date', 'renewed_expiration_date', 'renewed_token',
    ],
    properties: {
      id: { type: 'string', pattern: '^SU(-\\d{3}){3}$' },
      owner: reference,
      status: { type: 'string' },
      extension: reference,
      events: { type: 'object', required: ['created'], properties: { created } },
    },
  },
};

// Gives a function from a schema of the document to one that tells what is wrong with a value, '' where nothing is.
export function validatorFor(components) {
  const ajv = new Ajv({ allErrors: true, strictTypes: false });
  addFormats(ajv);
  for (const [name, schema] of Object.entries(components.schemas)) {
    ajv.addSchema({ allOf: [convert(schema), promises[name] ?? {}] }, name);
  }
  return (schema) => {
    const validate = ajv.compile(convert(schema));
    return (value) => (validate(value) ? '' : ajv.errorsText(validate.errors));
  };
}
