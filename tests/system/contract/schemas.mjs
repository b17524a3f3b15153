// Schemas of OpenAPI 3.0.3 as JSON Schema, compiled by Ajv.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const Ajv = require('ajv');
const addFormats = require('ajv-formats');

// `nullable` becomes a type of null. The contract says of strings that only the server sets, such as a token's
// `handle`, that they are strings, although its own server answers null where there is nothing to show: unless the
// document is `exact`, those are nullable too. An exact document names every member of an object that it names any of;
// what stands beside a reference in an allOf only says more of members that are named there.
function convert(schema, exact) {
  if (Array.isArray(schema)) return schema.map((part) => convert(part, exact));
  if (schema === null || typeof schema !== 'object') return schema;
  const { nullable, readOnly, writeOnly, $ref, properties, allOf, ...rest } = schema;
  if ($ref) return { $ref: $ref.slice($ref.lastIndexOf('/') + 1) };
  const each = (members) =>
    Object.fromEntries(Object.entries(members).map(([name, value]) => [name, convert(value, exact)]));
  const converted = each(rest);
  if (properties) converted.properties = each(properties);
  if (allOf) converted.allOf = allOf.map((part) => convert(part, exact && part.$ref !== undefined));
  if (exact && properties) converted.additionalProperties ??= false;
  if (rest.format === 'datetime') converted.format = 'date-time';
  if (rest.format === 'binary') delete converted.format;
  const isNullable = nullable || (!exact && readOnly && rest.type === 'string');
  return isNullable ? { anyOf: [converted, { type: 'null' }] } : converted;
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
export function validatorFor(components, { exact = false } = {}) {
  const ajv = new Ajv({ allErrors: true, strictTypes: false });
  addFormats(ajv);
  for (const [name, schema] of Object.entries(components.schemas)) {
    ajv.addSchema({ allOf: [convert(schema, exact), promises[name] ?? {}] }, name);
  }
  return (schema) => {
    const validate = ajv.compile(convert(schema, exact));
    return (value) => (validate(value) ? '' : ajv.errorsText(validate.errors));
  };
}
