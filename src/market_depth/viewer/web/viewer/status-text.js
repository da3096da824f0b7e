// How the connection and the streams are doing, in words.

import { compact } from './shared/format.js';

/** @typedef {import('../depth-client.js').DepthClient} DepthClient */
/** @typedef {import('../depth-client.js').DepthStream} DepthStream */

/**
 * How a connection is doing.
 * @param {DepthClient} client
 * @param {number} nowMs of performance.now()
 */
export function connectionText(client, nowMs) {
  switch (client.state) {
    case 'connected':
      return 'Connected';
    case 'waiting': {
      const seconds = Math.max(0, Math.ceil(((client.retryAtMs ?? nowMs) - nowMs) / 1000));
      return `Reconnecting in ${seconds} s`;
    }
    case 'refused':
      return `Refused: ${client.reason}`;
    case 'closed':
      return 'Closed';
    default:
      return 'Connecting…';
  }
}

/**
 * Why what a stream shows may not be the market, '' if it is.
 * @param {DepthStream} stream
 */
export function streamProblem(stream) {
  if (stream.error && (stream.state === 'refused' || stream.state === 'asked')) {
    return `Error ${stream.error.code}: ${stream.error.message}`;
  }
  if (stream.state === 'waiting') return `Waiting: ${stream.error?.message ?? 'no feed'}`;
  if (stream.status === 'Stale' || stream.status === 'Halted') {
    return stream.statusReason ? `${stream.status}: ${stream.statusReason}` : stream.status;
  }
  return '';
}

/**
 * A panel's streams in one line: the book's status and sequence; what was skipped, lost or wrong.
 * @param {DepthStream} stream of the book
 * @param {import('./panel/streams.js').Totals} totals of all streams
 */
export function streamStatus(stream, totals) {
  const parts = [
    `${stream.mode === 'delta' ? 'deltas, verified' : 'whole snapshots'}`,
    stream.state === 'open' ? stream.status : stream.state,
    `sequence ${stream.sequence < 0 ? '–' : stream.sequence}`,
    `${compact(totals.updates)} updates`,
    `${compact(totals.lagged)} lagged`,
    `${totals.gaps} gaps`,
    `${totals.checksumFailures} checksum failures`,
  ];
  return parts.join(' · ');
}
