// Reads an agency's feed as it comes (Server-Sent Events). Node 18 or newer, nothing to install.
// Reads from the environment:
//   FEED_URL         https://…/feeds/<agency>, as it came with the keys
//   FEED_TOKEN_FILE  file with the token; it is read anew each time, so that a new key is only put there
//   FEED_STATE       file that keeps the last number (default: feed.number)
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const { FEED_URL, FEED_TOKEN_FILE, FEED_STATE = 'feed.number' } = process.env;
let last = existsSync(FEED_STATE) ? Number(readFileSync(FEED_STATE, 'utf8')) : 0;

async function ask(address, options = {}) {
  const token = readFileSync(FEED_TOKEN_FILE, 'utf8').trim();
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...options.headers };
  const answer = await fetch(address, { ...options, headers });
  if ([401, 429].includes(answer.status) || answer.status >= 500) throw new Error(`answered ${answer.status}`);
  return answer;
}

async function handle(event) {
  const number = Number(event.sequence);
  if (!number || number <= last) return; // a heartbeat, or a repeat
  if (number > last + 1) throw new Error(`${last + 1} is missing`); // connecting again brings it
  // 403, 404 and 410 have no fields: not for us, or no longer
  const { fields = {} } = event.dataref ? await (await ask(event.dataref)).json() : {};
  console.log(number, event.type, event.subject ?? '', event.replayof ? 'replay' : '', Object.keys(fields).join(' '));
  // Here your own system stores the delivery, in one transaction with its number, and acts unless it is a replay.
  await ask(`${FEED_URL}/receipts`, { method: 'POST', body: JSON.stringify({ number, receipt: 'received' }) });
  writeFileSync(`${FEED_STATE}.new`, String((last = number)));
  renameSync(`${FEED_STATE}.new`, FEED_STATE); // at once: never half written
}

async function read() {
  const stream = await ask(`${FEED_URL}/stream`, { headers: { 'Last-Event-ID': String(last) } });
  if (!stream.ok) throw new Error(`answered ${stream.status}`);
  let text = '';
  // a silence of five minutes ends it, too: heartbeats come more often
  for await (const part of stream.body.pipeThrough(new TextDecoderStream())) {
    const events = (text + part).split('\n\n');
    text = events.pop(); // what has not come as a whole
    for (const event of events) {
      const data = event.split('\n').find((line) => line.startsWith('data: '));
      if (data) await handle(JSON.parse(data.slice(6)));
    }
  }
}

for (;;) {
  await read().catch((error) => console.error(`${error.message}; again in a moment`));
  await pause(500);
}
