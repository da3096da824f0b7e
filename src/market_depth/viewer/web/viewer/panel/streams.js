// The streams of a panel: the book that is shown, a wide one by price for the heatmap's history,
// which goes on whatever is shown, and the trades. Where the server merges levels the best bid and
// offer are a stream of their own: merged ones would tell a wider spread than there is.

import { groupOf } from '../shared/steps.js';

/** @typedef {import('../../depth-client.js').DepthClient} DepthClient */
/** @typedef {import('../../depth-client.js').DepthStream} DepthStream */
/** @typedef {import('./model.js').MarketModel} MarketModel */
/** @typedef {import('../state.js').PanelState} PanelState */

const WIDE_LEVELS = 200;
const FALLBACK_LEVELS = 20;
const WIDE_INTERVAL_MS = 250;
const BAD_REQUEST = 400;
const NAMES = /** @type {const} */ (['book', 'best', 'wide', 'trades']);

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
  /** @type {Record<'book' | 'best' | 'wide' | 'trades', DepthStream | null>} */
  #open = { book: null, best: null, wide: null, trades: null };

  /**
   * @param {DepthClient} client
   * @param {MarketModel} model
   */
  constructor(client, model) {
    this.#client = client;
    this.#model = model;
  }

  /** The stream of the book that is shown. */
  get book() {
    return this.#open.book;
  }

  /**
   * Asks for the book that a panel shows.
   * @param {PanelState} state
   */
  openBook(state) {
    this.#end('book');
    this.#end('best');
    this.#model.best = null;
    const { scale, stepUnits } = this.#model;
    const group = scale && state.type === 'MBP' ? groupOf(stepUnits, scale) : '';
    const stream = this.#client.subscribe({
      symbol: state.symbol,
      dataType: state.type,
      levels: state.levels,
      intervalMs: state.interval,
      group: group || undefined,
    });
    this.#open.book = stream;
    if (group) this.#openBest(state);
    stream.onupdate = () => this.#update(stream);
    stream.onstatus = () => this.#changed(stream);
    this.#changed(stream);
  }

  /**
   * Asks for a symbol's trades and for its history.
   * @param {string} symbol
   */
  openHistory(symbol) {
    this.#end('wide');
    this.#end('trades');
    this.#openWide(symbol, WIDE_LEVELS);
    const { trades, recording } = this.#model;
    const stream = this.#client.subscribe({ symbol, dataType: 'TRADES', intervalMs: 0 });
    stream.ontrade = (_stream, trade) => {
      trades.push(trade);
      recording.trade(trade);
      this.#model.tradeRevision++;
    };
    this.#open.trades = stream;
  }

  /** Begins to count anew: another symbol. */
  forget() {
    this.close();
    this.#past = newTotals();
  }

  close() {
    for (const name of NAMES) this.#end(name);
  }

  /** Tells what has come in a pause. */
  catchUp() {
    const { book, best } = this.#open;
    if (book && book.timeMs > 0) this.#update(book);
    if (best && best.timeMs > 0) this.#updateBest(best);
  }

  /** What all streams of the symbol have counted. */
  totals() {
    const totals = { ...this.#past };
    for (const stream of Object.values(this.#open)) if (stream) add(totals, stream);
    return totals;
  }

  /** @param {typeof NAMES[number]} name */
  #end(name) {
    const stream = this.#open[name];
    if (!stream) return;
    this.#open[name] = null;
    add(this.#past, stream);
    stream.close();
  }

  /** @param {PanelState} state */
  #openBest({ symbol, interval }) {
    const stream = this.#client.subscribe({ symbol, dataType: 'BBO', intervalMs: interval });
    stream.onupdate = () => this.#updateBest(stream);
    this.#open.best = stream;
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
    const { recording } = this.#model;
    const moment = { timeMs: 0, stepUnits: 1, scale: stream.scale };
    stream.onupdate = () => {
      if (!stream.isGood || stream.scale === null) return;
      moment.timeMs = stream.timeMs;
      moment.scale = stream.scale;
      moment.stepUnits = stream.scale.tickUnits;
      recording.record(stream.book, moment);
    };
    stream.onstatus = () => {
      if (!stream.isGood && stream.timeMs > 0) recording.gap(stream.timeMs);
      const isRefused = stream === this.#open.wide && stream.error?.code === BAD_REQUEST;
      if (isRefused && levels > FALLBACK_LEVELS) {
        this.#end('wide');
        this.#openWide(symbol, FALLBACK_LEVELS); // the server shows no more than its --max-levels
      }
    };
    this.#open.wide = stream;
  }

  /** @param {DepthStream} stream */
  #updateBest(stream) {
    if (this.#model.isPaused) return;
    this.#model.best = stream.book;
    this.#model.revision++;
  }

  /** @param {DepthStream} stream */
  #update(stream) {
    const model = this.#model;
    if (model.isPaused) return;
    const isFirst = model.book !== stream.book;
    model.book = stream.book;
    if (stream.scale && !stream.scale.equals(model.scale)) {
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
