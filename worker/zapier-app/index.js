// The app that a team pushes to Zapier: docs/zapier.md says how.
const zapier = require('zapier-platform-core');

const { authentication, addKey } = require('./authentication');
const event = require('./event');

module.exports = {
  version: require('./package.json').version,
  platformVersion: zapier.version,
  // Values go out as they are: an empty text is not left out.
  flags: { cleanInputData: false },
  authentication,
  beforeRequest: [addKey],
  triggers: { [event.key]: event },
};
