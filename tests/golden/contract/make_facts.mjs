// Makes facts.json of the published contract (OpenAPI 3.0.3), without its prose:
//   node tests/golden/contract/make_facts.mjs CONTRACT.json > tests/golden/contract/facts.json
// Operations with their ids, parameters, bodies, responses and schemas: what a program can check.
import { readFileSync } from 'node:fs';

const contract = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const prose = ['description', 'title', 'example', 'summary', 'tags'];

// A schema may have a property of the name "description" or "tags": that is an object and stays.
function facts(value) {
  if (Array.isArray(value)) return value.map(facts);
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(
    ([name, of]) => !prose.includes(name) || (typeof of === 'object' && !Array.isArray(of)),
  );
  return Object.fromEntries(kept.map(([name, of]) => [name, facts(of)]));
}

// One line an operation and a component, for readable differences.
function lines(object) {
  return Object.entries(object)
    .map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)
    .join(',\n');
}

const operations = {};
for (const [path, methods] of Object.entries(contract.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    operations[`${method.toUpperCase()} ${path}`] = facts(operation);
  }
}
const { schemas, responses, parameters } = facts(contract.components);
console.log(`{
"operations": {
${lines(operations)}
},
"components": {
"responses": {
${lines(responses)}
},
"parameters": {
${lines(parameters)}
},
"schemas": {
${lines(schemas)}
}
}
}`);
