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

export class PanelStreams {
  /** Called when a stream's state, status or counters have changed. */
  onstatus = () => {};
  /** Called at the first message of a book that was asked for. */
  onbook = () => {};
  #client;
  #model;
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
    this.book?.close();
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
    this.#wide?.close();
    this.#trades?.close();
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

  close() {
    this.book?.close();
    this.#wide?.close();
    this.#trades?.close();
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
      if (stream.error?.code === BAD_REQUEST && levels > FALLBACK_LEVELS) {
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
    model.scale = stream.scale;
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
