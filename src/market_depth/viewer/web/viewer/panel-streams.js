// The streams of a panel: the book that is shown, a wide one by price for the heatmap's history,
// which goes on whatever is shown, and the trades.

import { groupOf } from './steps.js';

/** @typedef {import('../depth-client.js').DepthClient} DepthClient */
/** @typedef {import('../depth-client.js').DepthStream} DepthStream */
/** @typedef {import('./model.js').MarketModel} MarketModel */
/** @typedef {import('./state.js').PanelState} PanelState */

const WIDE_LEVELS = 200;
const FALLBACK_LEVELS = 20;
const WIDE_INTERVAL_MS = 250;
const BAD_REQUEST = 400;

/** @typedef {import('../depth-client.js').Scale} Scale */

/**
 * What streams have counted.
 * @typedef {object} Totals
 * @property {number} updates
 * @property {number} lagged updates that the server has skipped
 * @property {number} gaps
 * @property {number} checksumFailures
 */

export class PanelStreams {
  /** Called when a stream's state, status or counters have changed. */
  onstatus = () => {};
  /** Called at the first message of a book that was asked for. */
  onbook = () => {};
  /** Called when the instrument's decimals or tick are others than were believed. */
  onscale = () => {};
  #client;
  #model;
  /** What the symbol's streams have counted that are closed by now. */
  #past = newTotals();
  /** @type {DepthStream | null} */
  book = null;
  /** @type {DepthStream | null} */
  #wide = null;
  /** @type {DepthStream | null} */
  #trades = null;

  /**
   * @param {DepthClient} client
   * @param {MarketModel} model
   */
  constructor(client, model) {
    this.#client = client;
    this.#model = model;
  }

  /**
   * Asks for the book that a panel shows.
   * @param {PanelState} state
   */
  openBook(state) {
    this.#end(this.book);
    const { scale, stepUnits } = this.#model;
    const group = scale && state.type === 'MBP' ? groupOf(stepUnits, scale) : '';
    const stream = this.#client.subscribe({
      symbol: state.symbol,
      dataType: state.type,
      levels: state.levels,
      intervalMs: state.interval,
      group: group || undefined,
    });
    this.book = stream;
    stream.onupdate = () => this.#update(stream);
    stream.onstatus = () => this.#changed(stream);
    this.#changed(stream);
  }

  /**
   * Asks for a symbol's trades and for its history.
   * @param {string} symbol
   */
  openHistory(symbol) {
    this.#end(this.#wide);
    this.#end(this.#trades);
    this.#openWide(symbol, WIDE_LEVELS);
    const { trades, history } = this.#model;
    const stream = this.#client.subscribe({ symbol, dataType: 'TRADES', intervalMs: 0 });
    stream.ontrade = (_stream, trade) => {
      trades.push(trade);
      history.trade(trade);
      this.#model.tradeRevision++;
    };
    this.#trades = stream;
  }

  /** Begins to count anew: another symbol. */
  forget() {
    this.close();
    this.#past = newTotals();
  }

  close() {
    this.#end(this.book);
    this.#end(this.#wide);
    this.#end(this.#trades);
  }

  /** What all streams of the symbol have counted. */
  totals() {
    const totals = { ...this.#past };
    for (const stream of [this.book, this.#wide, this.#trades]) if (stream) add(totals, stream);
    return totals;
  }

  /** @param {DepthStream | null} stream */
  #end(stream) {
    if (!stream || stream.state === 'closed') return;
    add(this.#past, stream);
    stream.close();
    if (stream === this.book) this.book = null;
    else if (stream === this.#wide) this.#wide = null;
    else this.#trades = null;
  }

  /**
   * @param {string} symbol
   * @param {number} levels
   */
  #openWide(symbol, levels) {
    const stream = this.#client.subscribe({
      symbol,
      dataType: 'MBP',
      levels,
      intervalMs: WIDE_INTERVAL_MS,
    });
    const { history } = this.#model;
    const moment = { timeMs: 0, stepUnits: 1, scale: stream.scale };
    stream.onupdate = () => {
      if (!stream.isGood || stream.scale === null) return;
      moment.timeMs = stream.timeMs;
      moment.scale = stream.scale;
      moment.stepUnits = stream.scale.tickUnits;
      history.record(stream.book, moment);
    };
    stream.onstatus = () => {
      if (!stream.isGood && stream.timeMs > 0) history.gap(stream.timeMs);
      const isRefused = stream === this.#wide && stream.error?.code === BAD_REQUEST;
      if (isRefused && levels > FALLBACK_LEVELS) {
        this.#end(stream);
        this.#openWide(symbol, FALLBACK_LEVELS); // the server shows no more than its --max-levels
      }
    };
    this.#wide = stream;
  }

  /** @param {DepthStream} stream */
  #update(stream) {
    const model = this.#model;
    const isFirst = model.book !== stream.book;
    model.book = stream.book;
    if (!isSameScale(model.scale, stream.scale)) {
      model.scale = stream.scale;
      this.onscale();
    }
    model.sequence = stream.sequence;
    model.timeMs = stream.timeMs;
    model.isGood = stream.isGood;
    model.revision++;
    if (isFirst) this.onbook();
  }

  /** @param {DepthStream} stream */
  #changed(stream) {
    if (stream !== this.book) return;
    this.#model.isGood = stream.isGood;
    this.onstatus();
  }
}

/** @returns {Totals} */
function newTotals() {
  return { updates: 0, lagged: 0, gaps: 0, checksumFailures: 0 };
}

/**
 * @param {Totals} totals
 * @param {DepthStream} stream
 */
function add(totals, { counters }) {
  totals.updates += counters.updates;
  totals.lagged += counters.lagged;
  totals.gaps += counters.gaps;
  totals.checksumFailures += counters.checksumFailures;
}

/**
 * @param {Scale | null} one
 * @param {Scale | null} other
 */
function isSameScale(one, other) {
  return (
    one === other ||
    (one?.priceDecimals === other?.priceDecimals &&
      one?.quantityDecimals === other?.quantityDecimals &&
      one?.tickUnits === other?.tickUnits)
  );
}
