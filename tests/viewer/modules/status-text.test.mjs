// How the connection and the streams are doing, in words.

import assert from 'node:assert/strict';
import test from 'node:test';
import { DepthStream } from '../../../src/market_depth/viewer/web/depth-client.js';
import {
  connectionText,
  streamProblem,
  streamStatus,
} from '../../../src/market_depth/viewer/web/viewer/status-text.js';

const TIME = '2025-09-16T04:18:26.806069Z';

/** A stream that nobody asks for. */
function streamOf(fields = {}) {
  const keeper = { askAnew: () => {}, drop: () => {} };
  return new DepthStream(keeper, { symbol: 'BTCUSD', dataType: 'MBP', ...fields });
}

function openStream() {
  const stream = streamOf();
  stream.opened(
    { mode: 'delta', epoch: 'e', price_decimals: 2, quantity_decimals: 0, tick_size: 0.01 },
    undefined,
  );
  stream.whole({ sequence: 41, timestamp: TIME, data: { bids: [], asks: [] } });
  return stream;
}

test('a connection that is waited for tells the seconds that are left', () => {
  const client = { state: 'waiting', reason: 'lost', retryAtMs: 4200 };
  assert.equal(connectionText(client, 1000), 'Reconnecting in 4 s');
  assert.equal(connectionText(client, 3200), 'Reconnecting in 1 s');
  assert.equal(connectionText(client, 4200), 'Reconnecting in 0 s');
  assert.equal(connectionText(client, 9000), 'Reconnecting in 0 s');
  assert.equal(connectionText({ ...client, retryAtMs: null }, 9000), 'Reconnecting in 0 s');
});

test('every state of a connection has words', () => {
  const texts = ['idle', 'connecting', 'connected', 'refused', 'closed'].map((state) =>
    connectionText({ state, reason: 'bad credentials (4501)', retryAtMs: null }, 0),
  );
  assert.deepEqual(texts, [
    'Connecting…',
    'Connecting…',
    'Connected',
    'Refused: bad credentials (4501)',
    'Closed',
  ]);
});

test('a stream that goes well has no problem', () => {
  assert.equal(streamProblem(openStream()), '');
  assert.equal(streamProblem(streamOf()), '');
});

test('a refusal tells the server’s code and words', () => {
  const stream = streamOf();
  stream.failed(404, 'unknown symbol', 'refused');
  assert.equal(streamProblem(stream), 'Error 404: unknown symbol');
});

test('a refusal after which the stream is asked for again is told too', () => {
  const stream = streamOf();
  stream.failed(429, 'too many streams', 'asked');
  assert.match(streamProblem(stream), /^Error 429: too many streams/);
});

test('a feed that is down is waited for', () => {
  const stream = streamOf();
  stream.failed(503, 'the feed is down', 'waiting');
  assert.match(streamProblem(stream), /^Waiting: /);
});

test('a book that is not the market’s says why', () => {
  const stream = openStream();
  stream.told({ status: 'Stale', reason: 'messages are missing' });
  assert.equal(streamProblem(stream), 'Stale: messages are missing');
  stream.told({ status: 'Halted' });
  assert.equal(streamProblem(stream), 'Halted');
  stream.told({ status: 'Recovered', reason: 'made good' });
  assert.equal(streamProblem(stream), '');
});

const NOTHING = { updates: 0, lagged: 0, gaps: 0, checksumFailures: 0 };

test('a stream in one line', () => {
  const stream = openStream();
  stream.lagged({ skipped: 1500 });
  stream.counters.gaps = 2;
  stream.counters.checksumFailures = 1;
  assert.equal(
    streamStatus(stream, stream.counters),
    'deltas, verified · Live · sequence 41 · 1 updates · 1.50k lagged · 2 gaps · 1 checksum failures',
  );
});

test('whole snapshots are told as such', () => {
  const stream = streamOf();
  stream.opened({}, undefined);
  assert.match(streamStatus(stream, stream.counters), /^whole snapshots · /);
});

test('a stream is not told to be live when it is not open', () => {
  const stream = openStream();
  stream.disconnected();
  assert.equal(stream.status, 'Live');
  assert.doesNotMatch(streamStatus(stream, stream.counters), /Live/);
  stream.failed(503, 'the feed is down', 'waiting');
  assert.match(streamStatus(stream, stream.counters), / · waiting · /);
});

test('a stream that nothing has come for has no sequence', () => {
  assert.match(streamStatus(streamOf(), NOTHING), / · sequence – · /);
});
