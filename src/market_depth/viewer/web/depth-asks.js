// @ts-check
/**
 * Which streams are asked for, and when: at most so many at once, once more after a pause where the
 * server may think better of it, as one did before there was anything to opt into where it must be.
 * @module
 */

/** @typedef {import('./depth-stream.js').DepthStream} DepthStream */

/**
 * @typedef {object} Ask A Subscribe that has been sent.
 * @property {number} id
 * @property {string} streamId
 * @property {DepthStream} stream
 * @property {boolean} isOriginal with the original fields alone
 * @property {boolean} isAnswered
 * @property {number} sentMs
 */

/** Subscribes that are sent before an answer is waited for: a server refuses a flood. */
const ASKED_AT_ONCE = 20;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const BAD_REQUEST = 400;
/** A name that is in use, too many streams or requests, the server's own fault. */
const RETRIED = [409, 429, 500];
const UNAVAILABLE = 503;

/** The streams of a client, as its connection's server has them. */
export class Asks {
  #send;
  #nextId;
  #isOpen = false;
  /** Whether the server knows the original messages alone. */
  #isOriginal = false;
  /** @type {Set<DepthStream>} those that are to be asked for */
  #toAsk = new Set();
  /** @type {Map<DepthStream, ReturnType<typeof setTimeout>>} those to be asked for after a pause */
  #pauses = new Map();
  /** @type {Map<DepthStream, number>} refusals in a row that may be over soon */
  #refusals = new Map();
  /** @type {Map<string, Ask>} by stream id */
  #asks = new Map();
  /** @type {Map<number, Ask>} those that are not answered yet, oldest first */
  #unanswered = new Map();

  /**
   * @param {(message: object) => void} send sends a message
   * @param {() => number} nextId returns an id for a request
   */
  constructor(send, nextId) {
    this.#send = send;
    this.#nextId = nextId;
  }

  /**
   * Begins on a new connection.
   * @param {Iterable<DepthStream>} streams
   */
  open(streams) {
    this.#isOpen = true;
    for (const stream of streams) this.#toAsk.add(stream);
    this.#ask();
  }

  /** Forgets what was of the connection. */
  forget() {
    for (const timer of this.#pauses.values()) clearTimeout(timer);
    this.#isOpen = false;
    this.#isOriginal = false;
    this.#pauses.clear();
    this.#refusals.clear();
    this.#asks.clear();
    this.#unanswered.clear();
    this.#toAsk.clear();
  }

  /**
   * Returns the stream of an id.
   * @param {string} streamId
   * @returns {DepthStream | undefined}
   */
  stream(streamId) {
    return this.#asks.get(streamId)?.stream;
  }

  /** Returns all streams that have been asked for. */
  streams() {
    return [...this.#asks.values()].map((ask) => ask.stream);
  }

  /** The id of the request that has waited longest for its answer, undefined if none does. */
  get oldest() {
    for (const id of this.#unanswered.keys()) return id;
    return undefined;
  }

  /**
   * Asks for a stream, after a pause if that is not 0; closes it if it has been asked for before.
   * @param {DepthStream} stream
   * @param {number} pauseMs
   */
  add(stream, pauseMs) {
    this.#leave(stream);
    if (!this.#isOpen) return; // all will be asked for when there is a connection
    if (pauseMs > 0) {
      const timer = setTimeout(() => this.add(stream, 0), pauseMs);
      this.#pauses.set(stream, timer);
    } else {
      this.#toAsk.add(stream);
      this.#ask();
    }
  }

  /**
   * Closes a stream.
   * @param {DepthStream} stream
   */
  remove(stream) {
    this.#refusals.delete(stream);
    this.#leave(stream);
    this.#ask();
  }

  /**
   * Takes a Subscribed; returns whose it is, undefined if it is nobody's any more.
   * @param {any} message
   */
  opened(message) {
    const ask = this.#asks.get(message.stream_id);
    if (!ask) return undefined;
    this.#refusals.delete(ask.stream);
    this.#unanswered.delete(ask.id);
    ask.isAnswered = true;
    this.#ask();
    return ask.stream;
  }

  /**
   * Takes an Error; returns whether it is about a stream.
   * @param {any} error
   * @param {number | undefined} requestId of the request that it answers
   */
  failed({ code, message, stream_id: streamId, id }, requestId) {
    const ask = this.#asks.get(streamId) ?? this.#unanswered.get(requestId ?? NaN);
    if (!ask) return false;
    const { isAnswered } = ask;
    const isFirst = !isAnswered && !ask.isOriginal;
    ask.isAnswered = true;
    this.#unanswered.delete(ask.id);
    // A server that has more than the original messages repeats the id of a request.
    if (isFirst && code === BAD_REQUEST && id === undefined) this.#askOriginally(ask, message);
    else this.#refused(ask, code, message, isAnswered);
    this.#ask();
    return true;
  }

  /**
   * Asks once more for what has waited too long for its answer.
   * @param {number} sinceMs `performance.now()`
   */
  overdue(sinceMs) {
    for (const ask of [...this.#unanswered.values()]) {
      if (ask.sentMs < sinceMs) this.#refused(ask, 0, 'the server has not answered', true);
    }
  }

  #ask() {
    if (!this.#isOpen) return;
    for (const stream of this.#toAsk) {
      if (this.#unanswered.size >= ASKED_AT_ONCE) return;
      this.#toAsk.delete(stream);
      const id = this.#nextId();
      // A name of its own each time: what is still on its way for the last one is told apart.
      const streamId = `${stream.dataType.toLowerCase()}-${id}`;
      const isOriginal = this.#isOriginal && isOriginallyServed(stream);
      const sentMs = performance.now();
      const ask = { id, streamId, stream, isOriginal, isAnswered: false, sentMs };
      this.#asks.set(streamId, ask);
      this.#unanswered.set(id, ask);
      const original = originalRequest(stream, streamId);
      this.#send(isOriginal ? original : { ...original, ...extension(stream), id });
    }
  }

  /** @param {DepthStream} stream */
  #leave(stream) {
    this.#toAsk.delete(stream);
    clearTimeout(this.#pauses.get(stream));
    this.#pauses.delete(stream);
    for (const ask of this.#asks.values()) {
      if (ask.stream !== stream) continue;
      this.#asks.delete(ask.streamId);
      this.#unanswered.delete(ask.id);
      this.#send({ type: 'Unsubscribe', stream_id: ask.streamId });
    }
  }

  /**
   * @param {Ask} ask
   * @param {string} message
   */
  #askOriginally(ask, message) {
    this.#isOriginal = true;
    if (isOriginallyServed(ask.stream)) {
      this.#asks.delete(ask.streamId);
      this.#toAsk.add(ask.stream);
    } else {
      this.#refused(ask, BAD_REQUEST, message, false);
    }
  }

  /**
   * @param {Ask} ask
   * @param {number} code
   * @param {string} message
   * @param {boolean} mayBeOpen whether it is more than the answer to a Subscribe
   */
  #refused(ask, code, message, mayBeOpen) {
    const { stream } = ask;
    const mayBeOver = mayBeOpen || RETRIED.includes(code);
    if (code === UNAVAILABLE) {
      stream.failed(code, message, 'waiting');
    } else if (mayBeOver) {
      const times = this.#refusals.get(stream) ?? 0;
      this.add(stream, Math.min(FIRST_PAUSE_MS * 2 ** times, LONGEST_PAUSE_MS));
      this.#refusals.set(stream, times + 1);
      stream.failed(code, message, 'asked');
    } else {
      this.#asks.delete(ask.streamId);
      stream.failed(code, message, 'refused');
    }
  }
}

/**
 * Whether a server of the original messages alone has a stream.
 * @param {DepthStream} stream
 */
function isOriginallyServed({ dataType, subscription }) {
  return (dataType === 'MBP' || dataType === 'MBO') && subscription.group === undefined;
}

/**
 * @param {DepthStream} stream
 * @param {string} streamId
 */
function originalRequest({ symbol, dataType, levels }, streamId) {
  const isView = dataType === 'MBP' || dataType === 'MBO';
  return {
    type: 'Subscribe',
    stream_id: streamId,
    symbol,
    data_type: dataType,
    max_levels: isView ? levels : undefined,
  };
}

/** @param {DepthStream} stream */
function extension({ dataType, subscription, wantedMode, resume }) {
  const { intervalMs, group, checksum = true } = subscription;
  return {
    mode: wantedMode,
    interval_ms: intervalMs,
    group: group === undefined ? undefined : String(group),
    checksum: dataType !== 'TRADES' && checksum ? true : undefined,
    resume,
  };
}
