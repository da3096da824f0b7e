// @ts-check
/**
 * A client of the market depth server, for browsers and Node.js: one connection, which is made anew
 * when it is lost, and streams with books that are kept and verified. docs/browser-client.md tells
 * how it is used.
 * @module
 */

import { Asks } from './depth-asks.js';
import { Connection } from './depth-connection.js';
import { DepthStream } from './depth-stream.js';

export { LevelBook, Order, OrderBook, Scale, Side } from './depth-book.js';
export { DepthStream };

/** @typedef {import('./depth-connection.js').State} State */
/** @typedef {import('./depth-types.js').Subscription} Subscription */
/** @typedef {import('./depth-types.js').SymbolInfo} SymbolInfo */
/** @typedef {import('./depth-types.js').Trade} Trade */

/**
 * @typedef {object} ClientOptions
 * @property {string | null} [token] credentials, for a server that wants them
 * @property {number} [minDelayMs] pause before a lost connection is first made anew
 * @property {number} [maxDelayMs] longest pause, and how long a connection has to last for pauses to
 *   be short again
 * @property {number} [silenceMs] a connection that is silent for longer is given up
 * @property {number} [pulseMs] time between two Pings
 * @property {number} [answerMs] how long an answer is waited for
 */

/**
 * @typedef {object} Listing A ListSymbols.
 * @property {number} id
 * @property {number} sentMs NaN until it is
 * @property {(symbols: SymbolInfo[]) => void} resolve
 * @property {(error: DepthError) => void} reject
 */

const MAX_LISTINGS = 100;
const BAD_REQUEST = 400;
const TOO_MANY = 429;

/** A request that could not be met. */
export class DepthError extends Error {
  /**
   * @param {number} code the server's, 0 if it has not answered
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = 'DepthError';
    this.code = code;
  }
}

/** A connection to a server, and its streams. */
export class DepthClient {
  /** @type {(client: DepthClient) => void} `state` or `retryAtMs` has changed */
  onstate = () => {};

  #connection;
  #asks;
  #answerMs;
  #lastId = 0;
  /** @type {Set<DepthStream>} all that have not been closed */
  #streams = new Set();
  /** @type {Map<number, Listing>} by id, oldest first */
  #listings = new Map();
  /** @type {Map<string, SymbolInfo>} what this connection's server has told last */
  #symbols = new Map();
  /** Whether this connection's server has been asked for the decimals that it does not tell. */
  #isListing = false;
  #pingId = 0;
  #pingedMs = 0;

  /**
   * @param {string | URL} url of the server, `ws://HOST:PORT`
   * @param {ClientOptions} [options]
   */
  constructor(url, options = {}) {
    const { token = null, minDelayMs = 250, maxDelayMs = 15_000 } = options;
    const { silenceMs = 45_000, pulseMs = 5000, answerMs = 10_000 } = options;
    this.#answerMs = answerMs;
    this.#connection = new Connection(
      url,
      { token, minDelayMs, maxDelayMs, silenceMs, pulseMs },
      {
        opened: () => this.#opened(),
        received: (text) => this.#received(text),
        pulse: () => this.#beat(),
        lost: (reason) => this.#lost(reason),
        changed: () => this.onstate(this),
      },
    );
    this.#asks = new Asks(
      (message) => this.#connection.send(message),
      () => this.#nextId(),
    );
  }

  /** @returns {State} */
  get state() {
    return this.#connection.state;
  }

  /** `performance.now()` of the next try while 'waiting', else null. */
  get retryAtMs() {
    return this.#connection.retryAtMs;
  }

  /** Why the connection was lost or refused, one line; '' otherwise. */
  get reason() {
    return this.#connection.reason;
  }

  /** Running totals. */
  get stats() {
    return this.#connection.stats;
  }

  /** Connects, and stays so. */
  connect() {
    this.#connection.connect();
  }

  /** Connects now, in place of waiting; also after a refusal. */
  retry() {
    this.#connection.retry();
  }

  /** Closes the connection and all streams. */
  close() {
    for (const stream of [...this.#streams]) stream.close();
    this.#connection.close();
    this.#rejectListings('the client has been closed', true);
    this.#forget();
  }

  /**
   * Returns what there is to subscribe to; if there is no connection, when there is one.
   * @returns {Promise<SymbolInfo[]>}
   */
  listSymbols() {
    return new Promise((resolve, reject) => {
      if (this.state === 'closed' || this.state === 'refused') {
        reject(new DepthError(0, this.reason || 'the client has been closed'));
        return;
      }
      if (this.#listings.size >= MAX_LISTINGS) {
        reject(new DepthError(TOO_MANY, 'too many requests wait for their answer'));
        return;
      }
      const listing = { id: this.#nextId(), sentMs: NaN, resolve, reject };
      this.#listings.set(listing.id, listing);
      this.#sendListing(listing);
    });
  }

  /**
   * Asks for a stream; if there is no connection, when there is one.
   * @param {Subscription} subscription
   */
  subscribe(subscription) {
    const stream = new DepthStream(
      {
        askAnew: (which, pauseMs) => this.#asks.add(which, pauseMs),
        drop: (which) => {
          this.#streams.delete(which);
          this.#asks.remove(which);
        },
      },
      subscription,
    );
    this.#streams.add(stream);
    this.#asks.add(stream, 0);
    return stream;
  }

  #nextId() {
    this.#lastId += 1;
    return this.#lastId;
  }

  #opened() {
    for (const listing of this.#listings.values()) {
      if (Number.isNaN(listing.sentMs)) this.#sendListing(listing);
    }
    this.#asks.open(this.#streams);
    this.#ping();
  }

  /** @param {string} reason */
  #lost(reason) {
    this.#forget();
    this.#rejectListings(reason, this.state === 'refused');
    for (const stream of [...this.#streams]) stream.disconnected();
  }

  /** Forgets what was of the last connection. */
  #forget() {
    this.#asks.forget();
    this.#symbols.clear();
    this.#isListing = false;
    this.#pingId = 0;
  }

  /** @param {Listing} listing */
  #sendListing(listing) {
    if (this.state !== 'connected') return;
    listing.sentMs = performance.now();
    this.#connection.send({ type: 'ListSymbols', id: listing.id });
  }

  /**
   * @param {string} reason
   * @param {boolean} all also those that have not been sent
   */
  #rejectListings(reason, all) {
    for (const listing of [...this.#listings.values()]) {
      if (!all && Number.isNaN(listing.sentMs)) continue;
      this.#listings.delete(listing.id);
      listing.reject(new DepthError(0, reason));
    }
  }

  #ping() {
    this.#pingId = this.#nextId();
    this.#pingedMs = performance.now();
    const timestamp = new Date().toISOString();
    this.#connection.send({ type: 'Ping', timestamp, id: this.#pingId });
  }

  #beat() {
    this.#ping();
    const sinceMs = performance.now() - this.#answerMs;
    this.#asks.overdue(sinceMs);
    for (const listing of [...this.#listings.values()]) {
      if (!(listing.sentMs < sinceMs)) continue;
      this.#listings.delete(listing.id);
      listing.reject(new DepthError(0, 'the server has not answered'));
    }
  }

  /** @param {string} text */
  #received(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    switch (message?.type) {
      case 'MarketDelta':
        this.#asks.stream(message.stream_id)?.delta(message);
        break;
      case 'MarketData':
        this.#asks.stream(message.stream_id)?.whole(message);
        break;
      case 'HeartBeat':
        if (message.id === this.#pingId) {
          this.stats.roundTripMs = performance.now() - this.#pingedMs;
        }
        break;
      case 'Subscribed':
        this.#takeSubscribed(message);
        break;
      case 'Error':
        this.#takeError(message);
        break;
      case 'Status':
        for (const stream of this.#asks.streams()) {
          if (stream.symbol === message.symbol) stream.told(message);
        }
        break;
      case 'Lagged':
        this.#asks.stream(message.stream_id)?.lagged(message);
        break;
      case 'Symbols':
        this.#takeSymbols(message);
        break;
      case 'Shutdown':
        this.#connection.leaveAlone(message.reconnect_after_ms);
        break;
      default:
    }
  }

  /** @param {any} message */
  #takeSubscribed(message) {
    const stream = this.#asks.opened(message);
    if (!stream) return;
    stream.opened(message, this.#symbols.get(message.symbol));
    if (stream.needsScale && !this.#isListing) {
      this.#isListing = true;
      this.listSymbols().catch(() => {}); // then it is inferred
    }
  }

  /** @param {any} message */
  #takeSymbols({ symbols, id }) {
    if (!Array.isArray(symbols)) return;
    this.#symbols.clear();
    for (const info of symbols) this.#symbols.set(info.symbol, info);
    for (const stream of this.#asks.streams()) {
      const info = stream.needsScale ? this.#symbols.get(stream.symbol) : undefined;
      if (info) stream.learn(info);
    }
    const listing = this.#listings.get(id ?? this.#oldestListing());
    if (!listing) return;
    this.#listings.delete(listing.id);
    listing.resolve(symbols);
  }

  /** @param {any} error */
  #takeError(error) {
    const { code, message, stream_id: streamId } = error;
    let { id } = error;
    if (code === BAD_REQUEST && id === undefined && !streamId) {
      // It does not tell what it is about: as answers come in order, about the oldest request.
      id = Math.min(this.#asks.oldest ?? Infinity, this.#oldestListing() ?? Infinity);
    }
    if (this.#asks.failed(error, id)) return;
    const listing = this.#listings.get(id);
    if (!listing) return;
    this.#listings.delete(id);
    listing.reject(new DepthError(code, message));
  }

  /** Returns the id of the ListSymbols that has waited longest for its answer. */
  #oldestListing() {
    for (const { id, sentMs } of this.#listings.values()) if (sentMs >= 0) return id;
    return undefined;
  }
}
