// @ts-check
/**
 * One stream: what its messages make of its book. It knows no connection.
 * @module
 */

import { LevelBook, OrderBook } from './depth-book.js';
import { decimalsOf, parseTime, Scale } from './depth-wire.js';

/** @typedef {import('./depth-types.js').Mode} Mode */
/** @typedef {import('./depth-types.js').Status} Status */
/** @typedef {import('./depth-types.js').StreamState} StreamState */
/** @typedef {import('./depth-types.js').Subscription} Subscription */
/** @typedef {import('./depth-types.js').SymbolInfo} SymbolInfo */
/** @typedef {import('./depth-types.js').Trade} Trade */

/**
 * @typedef {object} Keeper Who asks for the streams.
 * @property {(stream: DepthStream, pauseMs: number) => void} askAnew closes the stream, and asks for
 *   it once more
 * @property {(stream: DepthStream) => void} drop closes the stream for good
 */

const DEFAULT_LEVELS = 20;
/** Failures in a row after which deltas are given up. */
const MAX_FAILURES = 3;
/** Updates in a row after which failures are forgotten. */
const GOOD_AGAIN = 100;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
const NO_SCALE = new Scale(0, 0, 1);

const noop = () => {};

/** A stream of a symbol, and its book. Made by `DepthClient.subscribe`. */
export class DepthStream {
  /** @type {(stream: DepthStream, message: any) => void} the book is at `message.sequence` */
  onupdate = noop;
  /** @type {(stream: DepthStream, trade: Trade) => void} TRADES: one has come */
  ontrade = noop;
  /** @type {(stream: DepthStream) => void} state, error, status, scale or counters have changed */
  onstatus = noop;
  /** @type {StreamState} */
  state = 'asked';
  /** @type {{ code: number, message: string } | null} what the server has said against it */
  error = null;
  /** @type {Status} */
  status = 'Live';
  /** Why, '' if there is nothing to say. */
  statusReason = '';
  /** @type {Mode} the one in force */
  mode;
  /** @type {number | null} the one in force, null if unknown */
  intervalMs;
  /** Of the server's sequences; '' if unknown. */
  epoch = '';
  /** @type {Scale | null} null until the server has told it */
  scale = null;
  /** Of the last message, -1 before the first. */
  sequence = -1;
  /** The server's time in it, milliseconds since 1970; NaN before the first. */
  timeMs = NaN;
  /** @type {number | null} the venue's time of the last event in it, null if unknown */
  eventTimeMs = null;
  counters = {
    /** Messages that have been applied. */
    updates: 0,
    /** Whole views among them. */
    snapshots: 0,
    deltas: 0,
    /** Updates that the server has skipped. */
    lagged: 0,
    /** Messages that did not go on from the one before. */
    gaps: 0,
    checksumFailures: 0,
    /** Times that the stream went on where a lost connection had cut it off. */
    resumed: 0,
    /** Trades that were made while there was no connection. */
    missedTrades: 0,
  };

  #keeper;
  #subscription;
  /** @type {Mode} */
  #wantedMode;
  /** Whether the book is the server's at `sequence`. */
  #isCurrent = false;
  /** Whether updates have been left out, and the next one has not come. */
  #isLagging = false;
  /** Whether the decimals are the server's word. */
  #isScaleTold = false;
  #lastTrade = -1;
  #failures = 0;
  #good = 0;
  #mostLevels = 0;

  /**
   * @param {Keeper} keeper
   * @param {Subscription} subscription
   */
  constructor(keeper, subscription) {
    const { symbol, dataType, intervalMs, mode = 'delta' } = subscription;
    this.#keeper = keeper;
    this.#subscription = { ...subscription };
    this.#wantedMode = dataType === 'TRADES' ? 'snapshot' : mode;
    /** @readonly */
    this.symbol = symbol;
    /** @readonly */
    this.dataType = dataType;
    /** @readonly Price levels a side. */
    this.levels = dataType === 'BBO' ? 1 : (subscription.levels ?? DEFAULT_LEVELS);
    this.mode = this.#wantedMode;
    this.intervalMs = intervalMs ?? null;
    /** @readonly The book; that of TRADES stays empty. */
    this.book = dataType === 'MBO' ? new OrderBook(NO_SCALE) : new LevelBook(NO_SCALE);
  }

  /** Whether what the book shows is the market as of now. */
  get isGood() {
    const { status } = this;
    const isTrusted = status !== 'Stale' && status !== 'Halted';
    return this.state === 'open' && this.#isCurrent && !this.#isLagging && isTrusted;
  }

  /** Ends the stream. */
  close() {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.#keeper.drop(this);
    this.onstatus(this);
  }

  // From here on for the client

  /** What is asked for. */
  get subscription() {
    return this.#subscription;
  }

  /** The mode to ask for. */
  get wantedMode() {
    return this.#wantedMode;
  }

  /** Where it can go on, undefined if it has to begin anew. */
  get resume() {
    const { mode, epoch, sequence } = this;
    const isDelta = mode === 'delta' && this.#wantedMode === 'delta';
    return isDelta && this.#isCurrent && epoch ? { epoch, sequence } : undefined;
  }

  /**
   * Takes the answer to a Subscribe.
   * @param {any} message
   * @param {SymbolInfo | undefined} info of its symbol, if it is known
   */
  opened(message, info) {
    const epoch = message.epoch ?? '';
    if (epoch !== this.epoch) this.#lastTrade = -1;
    const isResumed = message.resumed === true && epoch === this.epoch && this.#isCurrent;
    if (isResumed) this.counters.resumed += 1;
    this.#isCurrent = isResumed || this.dataType === 'TRADES';
    this.#isLagging = false;
    this.epoch = epoch;
    this.mode = message.mode ?? 'snapshot';
    this.intervalMs = message.interval_ms ?? null;
    this.state = 'open';
    this.error = null;
    this.#setStatus('Live', '');
    if (message.price_decimals !== undefined) this.learn(message);
    else if (info) this.learn(info);
    this.onstatus(this);
  }

  /** Whether it has to be told its symbol's decimals. */
  get needsScale() {
    return this.state === 'open' && !this.#isScaleTold;
  }

  /**
   * Takes what the server says of the instrument.
   * @param {{ price_decimals: number, quantity_decimals: number, tick_size: number }} told
   */
  learn(told) {
    this.#isScaleTold = true;
    this.#setScale(Scale.of(told));
  }

  /**
   * Takes an Error about it.
   * @param {number} code
   * @param {string} message
   * @param {StreamState} state what it is from now on
   */
  failed(code, message, state) {
    this.state = state;
    this.error = { code, message };
    this.onstatus(this);
  }

  /** Takes that it has to be asked for again. */
  disconnected() {
    if (this.state === 'closed') return;
    this.state = 'asked';
    this.onstatus(this);
  }

  /**
   * Takes a Status of its symbol.
   * @param {any} message
   */
  told(message) {
    this.#setStatus(message.status, message.reason ?? '');
    this.onstatus(this);
  }

  /**
   * Takes a Lagged.
   * @param {any} message
   */
  lagged(message) {
    this.counters.lagged += Number(message.skipped) || 0;
    this.#isLagging = true;
    this.onstatus(this);
  }

  /**
   * Takes a MarketData.
   * @param {any} message
   */
  whole(message) {
    if (this.state !== 'open') return;
    if (this.dataType === 'TRADES') {
      this.#takeTrades(message);
      return;
    }
    const wasGood = this.isGood;
    let fits = false;
    try {
      if (!this.#isScaleTold) this.#infer(message.data);
      fits = this.#apply(message, true);
    } catch {
      // not a view
    }
    if (!fits) {
      this.#fail('gaps');
      return;
    }
    this.counters.snapshots += 1;
    this.#mostLevels = Math.max(this.levels, this.#longest());
    this.#finish(message, wasGood);
  }

  /**
   * Takes a MarketDelta.
   * @param {any} message
   */
  delta(message) {
    if (!this.#isCurrent || this.state !== 'open') return;
    const wasGood = this.isGood;
    let fits = message.prev_sequence === this.sequence;
    try {
      fits = fits && this.#apply(message, false);
    } catch {
      fits = false;
    }
    if (!fits || this.#longest() > this.#mostLevels) {
      this.#fail('gaps');
      return;
    }
    this.counters.deltas += 1;
    this.#finish(message, wasGood);
  }

  /**
   * @param {any} message
   * @param {boolean} isWhole
   */
  #apply(message, isWhole) {
    const { book } = this;
    const eventMs = parseTime(message.event_timestamp);
    this.eventTimeMs = Number.isNaN(eventMs) ? null : eventMs;
    return isWhole ? book.replace(message.data, eventMs) : book.change(message.data, eventMs);
  }

  /**
   * @param {any} message
   * @param {boolean} wasGood
   */
  #finish(message, wasGood) {
    this.sequence = message.sequence;
    this.timeMs = parseTime(message.timestamp);
    if (message.checksum !== undefined) {
      const found = this.book.checksum();
      // It is NaN where doubles have lost digits: then sequences alone have to do.
      if (found !== message.checksum && !Number.isNaN(found)) {
        this.#fail('checksumFailures');
        return;
      }
    }
    this.#isCurrent = true;
    this.#isLagging = false;
    this.counters.updates += 1;
    this.#good += 1;
    if (this.#good === GOOD_AGAIN) this.#failures = 0;
    this.onupdate(this, message);
    if (!wasGood) this.onstatus(this);
  }

  /** @param {'gaps' | 'checksumFailures'} kind */
  #fail(kind) {
    this.counters[kind] += 1;
    this.#isCurrent = false;
    this.#good = 0;
    this.#failures += 1;
    // Of whole views each is a new beginning: there is no use in asking for one.
    if (this.mode === 'snapshot') {
      this.onstatus(this);
      return;
    }
    if (this.#failures >= MAX_FAILURES) {
      this.#wantedMode = 'snapshot';
      this.mode = 'snapshot';
    }
    const pauseMs = this.#failures > 1 ? FIRST_PAUSE_MS * 2 ** (this.#failures - 2) : 0;
    this.state = 'asked';
    this.#keeper.askAnew(this, Math.min(pauseMs, LONGEST_PAUSE_MS));
    this.onstatus(this);
  }

  /** @param {any} message */
  #takeTrades(message) {
    const trades = message.data?.trades;
    if (!Array.isArray(trades)) return;
    this.sequence = message.sequence;
    this.timeMs = parseTime(message.timestamp);
    const eventMs = parseTime(message.event_timestamp);
    this.eventTimeMs = Number.isNaN(eventMs) ? null : eventMs;
    this.counters.updates += 1;
    const scale = this.scale ?? NO_SCALE;
    for (const trade of trades) {
      const number = trade.trade_number;
      const missed = this.#lastTrade < 0 ? 0 : number - this.#lastTrade - 1;
      this.#lastTrade = number;
      const timeMs = parseTime(trade.timestamp);
      if (missed > 0) {
        this.counters.missedTrades += missed;
        this.onstatus(this);
      }
      this.ontrade(this, {
        priceUnits: scale.priceUnits(trade.price),
        quantityUnits: scale.quantityUnits(trade.quantity),
        side: trade.side,
        timeMs: Number.isNaN(timeMs) ? this.timeMs : timeMs,
        number,
      });
    }
    this.onupdate(this, message);
  }

  /**
   * Finds the decimals of an instrument of which the server does not tell them.
   * @param {any} data
   */
  #infer({ bids, asks }) {
    let price = this.scale?.priceDecimals ?? 0;
    let quantity = this.scale?.quantityDecimals ?? 0;
    for (const row of [...bids, ...asks]) {
      price = decimalsOf(row.price, price);
      quantity = decimalsOf(row.quantity, quantity);
    }
    this.#setScale(new Scale(price, quantity));
  }

  /** @param {Scale} scale */
  #setScale(scale) {
    const { scale: before, book } = this;
    if (scale.equals(before)) return;
    this.scale = scale;
    book.scale = scale;
    if (scale.hasDecimalsOf(before)) return;
    book.clear();
    this.#isCurrent = this.dataType === 'TRADES';
    if (this.state === 'open') this.onstatus(this);
  }

  /**
   * @param {Status} status
   * @param {string} reason
   */
  #setStatus(status, reason) {
    this.status = status;
    this.statusReason = reason;
  }

  #longest() {
    return Math.max(this.book.bids.length, this.book.asks.length);
  }
}
