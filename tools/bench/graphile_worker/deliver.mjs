// Delivers webhooks as jobs of graphile-worker, to the receiver that tools/bench/run names, and prints how many a
// second it did and how long a job waited for its first attempt. The connection comes from libpq's variables.
// Usage: node deliver.mjs RECEIVER JOBS PACED RATE: so many jobs at once, and then PACED at RATE a second.
import { createHmac, randomUUID } from "node:crypto";
import { Agent, request } from "node:http";

import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const receiver = process.argv[2];
const [jobs, paced, pacedPerSecond] = process.argv.slice(3).map(Number);
const concurrency = 64;
const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
const body = { webhook_id: "WH-000-000-001", object_class: "token", data: { event: "updated", id: "SU-000-000-001" } };

// A call as a webhook makes it: signed, acknowledged by any 2xx.
function deliver(payload) {
  const text = JSON.stringify(payload);
  const id = `msg_${randomUUID()}`;
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = createHmac("sha256", "benchmark").update(`${id}.${timestamp}.${text}`).digest("base64");
  const headers = {
    "content-type": "application/json",
    "Content-Length": Buffer.byteLength(text),
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
  return new Promise((resolve, reject) => {
    const call = request(receiver, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.on("end", () =>
        response.statusCode < 300 ? resolve() : reject(new Error(`the receiver answers ${response.statusCode}`)),
      );
    });
    call.on("error", reject);
    call.end(text);
  });
}

// A line for each job would be measured too.
const logger = new Logger(() => (level, message) => {
  if (level === "error") process.stderr.write(`${message}\n`);
});
const pool = new pg.Pool({ max: 20 });
pool.on("error", (error) => process.stderr.write(`${error.message}\n`));
const utils = await makeWorkerUtils({ pgPool: pool, logger });
await utils.migrate();
await pool.query(
  "select graphile_worker.add_jobs(array(select row('deliver', $1::json, null, null, null, null, null, null)" +
    "::graphile_worker.job_spec from generate_series(1, $2)))",
  [JSON.stringify(body), jobs],
);

let done = 0;
let allDone;
let expected = jobs;
const waits = [];
const reached = (count) => {
  expected = count;
  return new Promise((resolve) => {
    allDone = resolve;
    if (done >= expected) resolve();
  });
};
const taskList = {
  deliver: async (payload) => {
    if (payload.created) waits.push(Date.now() - payload.created);
    await deliver(payload);
    if (++done === expected) allDone();
  },
};
// Its fastest documented way: jobs are fetched many at once and completed in batches.
const preset = {
  worker: { concurrentJobs: concurrency, pollInterval: 100, localQueue: { size: 500 }, completeJobBatchDelay: 0 },
};
const started = process.hrtime.bigint();
const runner = await run({ pgPool: pool, logger, taskList, noHandleSignals: true, preset });
await reached(jobs);
const seconds = Number(process.hrtime.bigint() - started) / 1e9;

const first = Date.now();
for (let added = 0; added < paced; ) {
  const due = Math.min(paced, Math.floor(((Date.now() - first) / 1000) * pacedPerSecond) + 1);
  const adding = [];
  for (; added < due; ++added) adding.push(utils.addJob("deliver", { ...body, created: Date.now() }));
  await Promise.all(adding);
  await new Promise((resolve) => setTimeout(resolve, 2));
}
await reached(jobs + paced);
waits.sort((a, b) => a - b);
const percentile = (p) => waits[Math.min(waits.length - 1, Math.floor((waits.length * p) / 100))];
process.stdout.write(`${(jobs / seconds).toFixed(0)} ${percentile(50)} ${percentile(99)}\n`);
await runner.stop();
await utils.release();
await pool.end();
agent.destroy();
