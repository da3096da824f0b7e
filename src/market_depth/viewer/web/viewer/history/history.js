// An hour of one symbol's depth in bounded memory: a ring of columns, each `columnMs` long.
// A column holds the levels as they were at its end, and what imbalance and spread did in it.

import { RunningValue, TradeHistory } from './rings.js';

/** @typedef {import('../tape/trade-ring.js').Trade} Trade */
/** @typedef {{ length: number, prices: Float64Array, quantities: Float64Array }} Side */
/** @typedef {{ bids: Side, asks: Side }} Book */
/**
 * What is read of a MarketModel.
 * @typedef {{ timeMs: number, stepUnits: number, scale: { tickUnits: number } | null }} Moment
 */

/** How many levels a side the imbalance is taken over. */
export const IMBALANCE_LEVELS = 10;

/** How far the server's clock may go back before what was recorded is dropped. */
const LARGEST_STEP_BACK_MS = 10_000;

const LARGEST_OFFSET_TICKS = 2 ** 31 - 1;

/**
 * The depth of the last `columns` columns. Columns are numbered by time: number n is from
 * n · columnMs to (n + 1) · columnMs, and lies in slot n % columns of the arrays.
 * All prices in it are in ticks. Memory is allocated once.
 */
export class DepthHistory {
  /** @type {number} */ columnMs;
  /** @type {number} */ columns;
  /** Most levels kept a side. @type {number} */
  levels;
  /** Number of the oldest column; `last + 1` if there is none. */
  first = 0;
  /** Number of the newest column, which is still changing; -1 if there is none. */
  last = -1;
  /** Whether the book is not known from the newest column on. */
  isGap = true;
  /** Grows with everything recorded. */
  revision = 0;
  /** Grows when all that was recorded is dropped. */
  epoch = 0;
  /** Price units a tick. */
  tickUnits = 1;
  /** Newest time recorded, by the server's clock; NaN if none. */
  timeMs = Number.NaN;

  /** A slot's 1 if it has a book, 0 in a gap. @type {Uint8Array} */
  isKnown;
  /** Price in ticks that a slot's offsets count from. @type {Float64Array} */
  bases;
  /** Ticks a level spans: more than 1 where the book is grouped. @type {Float32Array} */
  steps;
  /** Levels kept: [2 · slot] bids, [2 · slot + 1] asks. @type {Uint16Array} */
  counts;
  /** Ticks from the base, best first: bids from slot · 2 · levels on, asks `levels` later.
   * @type {Int32Array} */
  offsets;
  /** Quantities in units, as `offsets`. @type {Float64Array} */
  quantities;
  /** In ticks, at the column's end; NaN without bids. @type {Float64Array} */
  bestBids;
  /** In ticks, at the column's end; NaN without asks. @type {Float64Array} */
  bestAsks;
  /** (bid − ask) / (bid + ask) of the best levels, -1 to 1. @type {RunningValue} */
  imbalance;
  /** In ticks. @type {RunningValue} */
  spread;
  /** @type {TradeHistory} */ trades;

  /** @param {{ columnMs?: number, columns?: number, levels?: number, trades?: number }} [sizes] */
  constructor({ columnMs = 500, columns = 7200, levels = 200, trades = 8 * columns } = {}) {
    this.columnMs = columnMs;
    this.columns = columns;
    this.levels = levels;
    const slots = columns + 1; // one that a frozen history keeps
    this.isKnown = new Uint8Array(slots);
    this.bases = new Float64Array(slots);
    this.steps = new Float32Array(slots);
    this.counts = new Uint16Array(2 * slots);
    this.offsets = new Int32Array(2 * levels * slots);
    this.quantities = new Float64Array(2 * levels * slots);
    this.bestBids = new Float64Array(slots);
    this.bestAsks = new Float64Array(slots);
    this.imbalance = new RunningValue(slots);
    this.spread = new RunningValue(slots);
    this.trades = new TradeHistory(trades);
  }

  /** Bytes that the history has allocated. */
  get bytes() {
    let sum = this.imbalance.bytes + this.spread.bytes + this.trades.bytes;
    for (const array of [
      this.isKnown,
      this.bases,
      this.steps,
      this.counts,
      this.offsets,
      this.quantities,
      this.bestBids,
      this.bestAsks,
    ])
      sum += array.byteLength;
    return sum;
  }

  /** Whether column `number` is there and has a book. @param {number} number */
  has(number) {
    return number >= this.first && number <= this.last && this.isKnown[this.slot(number)] === 1;
  }

  /** Where column `number` lies in the arrays. @param {number} number */
  slot(number) {
    return number % this.columns;
  }

  /**
   * What it has now: what is recorded later is not seen in it, until it is frozen again. Its
   * arrays are the ring's own: it loses its oldest columns as the ring does.
   * @returns {DepthHistory}
   */
  frozen() {
    const { last, isGap, revision, epoch, timeMs, columns: kept } = this;
    if (last >= 0) this.#keep(this.slot(last), kept);
    const slot = (/** @type {number} */ number) => (number === last ? kept : this.slot(number));
    const trades = this.trades.frozen();
    const own = { last, isGap, revision, epoch, timeMs, slot, trades };
    return Object.assign(Object.create(this), own);
  }

  /** Copies the newest column, which is still changing. @param {number} from @param {number} to */
  #keep(from, to) {
    this.#carry(from, to);
    this.imbalance.copy(from, to);
    this.spread.copy(from, to);
  }

  /** Drops everything: another symbol, or other units. */
  reset() {
    this.first = 0;
    this.last = -1;
    this.isGap = true;
    this.timeMs = Number.NaN;
    this.trades.reset();
    this.epoch++;
    this.revision++;
  }

  /**
   * Takes the book as it is now. To be called on every change.
   * @param {Book} book
   * @param {Moment} model
   */
  record(book, model) {
    const { scale, timeMs } = model;
    if (scale === null || !Number.isFinite(timeMs)) return;
    if (this.last >= 0 && scale.tickUnits !== this.tickUnits) this.reset();
    this.tickUnits = scale.tickUnits;
    const slot = this.slot(this.#open(timeMs));
    this.#copy(book, slot, model.stepUnits / scale.tickUnits);
    const spread = this.bestAsks[slot] - this.bestBids[slot];
    this.imbalance.add(slot, imbalanceOf(book), this.timeMs);
    this.spread.add(slot, spread, this.timeMs);
    this.isGap = false;
    this.revision++;
  }

  /**
   * The book is not known from here on: columns stay empty until it is recorded again.
   * @param {number} timeMs
   */
  gap(timeMs) {
    if (this.isGap) return;
    // What came between the last change and now is not known to have been so.
    this.isGap = true;
    if (timeMs > this.timeMs && this.#number(timeMs) === this.last) this.timeMs = timeMs;
    this.imbalance.pause(this.timeMs);
    this.spread.pause(this.timeMs);
    this.revision++;
  }

  /**
   * Takes a trade. One whose time is far from that of the book, as the venue's own clock may be in
   * a recording, counts as of now.
   * @param {Trade} trade
   */
  trade(trade) {
    if (this.last < 0) return;
    const isNear = Math.abs(trade.timeMs - this.timeMs) <= LARGEST_STEP_BACK_MS;
    const timeMs = isNear ? trade.timeMs : this.timeMs;
    this.trades.add(this.#number(timeMs), Math.round(trade.priceUnits / this.tickUnits), trade);
  }

  /** @param {number} timeMs */
  #number(timeMs) {
    return Math.floor(timeMs / this.columnMs);
  }

  /**
   * Makes the column of `timeMs` the newest; those between show the book as it last was.
   * @param {number} timeMs
   * @returns {number} the newest column's number
   */
  #open(timeMs) {
    if (this.last >= 0 && timeMs < this.timeMs - LARGEST_STEP_BACK_MS) this.reset();
    const number = this.#number(timeMs);
    if (this.last < 0) {
      this.first = number;
      this.last = number;
      this.timeMs = timeMs;
      this.#clear(number);
      this.imbalance.begin(this.slot(number));
      this.spread.begin(this.slot(number));
    } else if (number > this.last) {
      this.#advance(number);
    }
    this.timeMs = Math.max(this.timeMs, timeMs);
    return this.last;
  }

  /** @param {number} number of the new newest column */
  #advance(number) {
    const from = this.last;
    const isCarried = !this.isGap;
    this.imbalance.close((from + 1) * this.columnMs);
    this.spread.close((from + 1) * this.columnMs);
    for (let at = Math.max(from + 1, number - this.columns + 1); at <= number; at++) {
      if (isCarried) this.#carry(this.slot(from), this.slot(at));
      else this.#clear(at);
      const slot = this.slot(at);
      if (isCarried) {
        this.imbalance.goOn(slot, at * this.columnMs);
        this.spread.goOn(slot, at * this.columnMs);
      } else {
        this.imbalance.begin(slot);
        this.spread.begin(slot);
      }
    }
    this.last = number;
    this.first = Math.max(this.first, number - this.columns + 1);
  }

  /** @param {number} number */
  #clear(number) {
    const slot = this.slot(number);
    this.isKnown[slot] = 0;
    this.counts[2 * slot] = 0;
    this.counts[2 * slot + 1] = 0;
    this.bestBids[slot] = Number.NaN;
    this.bestAsks[slot] = Number.NaN;
  }

  /** @param {number} from @param {number} to slots */
  #carry(from, to) {
    if (from === to) return;
    const { levels, counts } = this;
    this.isKnown[to] = this.isKnown[from];
    this.bases[to] = this.bases[from];
    this.steps[to] = this.steps[from];
    this.bestBids[to] = this.bestBids[from];
    this.bestAsks[to] = this.bestAsks[from];
    for (let side = 0; side < 2; side++) {
      const count = counts[2 * from + side];
      const start = (2 * from + side) * levels;
      counts[2 * to + side] = count;
      this.offsets.copyWithin((2 * to + side) * levels, start, start + count);
      this.quantities.copyWithin((2 * to + side) * levels, start, start + count);
    }
  }

  /** @param {Book} book @param {number} slot @param {number} stepTicks */
  #copy(book, slot, stepTicks) {
    const { bids, asks } = book;
    const bid = bids.length > 0 ? Math.round(bids.prices[0] / this.tickUnits) : Number.NaN;
    const ask = asks.length > 0 ? Math.round(asks.prices[0] / this.tickUnits) : Number.NaN;
    this.isKnown[slot] = 1;
    this.bestBids[slot] = bid;
    this.bestAsks[slot] = ask;
    this.steps[slot] = Math.max(1, stepTicks);
    this.bases[slot] = bids.length > 0 ? bid : asks.length > 0 ? ask : 0;
    this.counts[2 * slot] = this.#copySide(bids, slot, 0);
    this.counts[2 * slot + 1] = this.#copySide(asks, slot, 1);
  }

  /** @param {Side} side @param {number} slot @param {0 | 1} which */
  #copySide(side, slot, which) {
    const { offsets, quantities, levels } = this;
    const { prices, quantities: sizes } = side;
    const start = (2 * slot + which) * levels;
    const base = this.bases[slot];
    const perUnit = 1 / this.tickUnits;
    const length = Math.min(side.length, levels);
    let count = 0;
    for (; count < length; count++) {
      const offset = Math.round(prices[count] * perUnit - base);
      if (offset > LARGEST_OFFSET_TICKS || offset < -LARGEST_OFFSET_TICKS) break;
      offsets[start + count] = offset;
      quantities[start + count] = sizes[count];
    }
    return count;
  }
}

/**
 * (bid − ask) / (bid + ask) of the quantities of the best levels; NaN if there are none.
 * @param {Book} book
 */
export function imbalanceOf(book) {
  const bid = sumOfBest(book.bids);
  const ask = sumOfBest(book.asks);
  return (bid - ask) / (bid + ask);
}

/** @param {Side} side */
function sumOfBest(side) {
  const length = Math.min(side.length, IMBALANCE_LEVELS);
  let sum = 0;
  for (let at = 0; at < length; at++) sum += side.quantities[at];
  return sum;
}
