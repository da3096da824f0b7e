// The newest trades of a symbol, and what was bought and sold within the last minute.

const SECONDS = 60;
/** A sweep is one order that takes several levels: its trades come this close to one another. */
const SWEEP_GAP_MS = 3;
const SWEEP_MS = 20;

/**
 * A trade. `side` is the aggressor's: "Bid" if he bought; null if unknown.
 * @typedef {object} Trade
 * @property {number} priceUnits
 * @property {number} quantityUnits
 * @property {'Bid' | 'Ask' | null} side
 * @property {number} timeMs milliseconds since 1970, by the market's clock
 * @property {number} number counts the symbol's trades without a gap
 */

/**
 * The newest trades. From the newest on, without an object each:
 * `for (let age = 0; age < ring.length; age++) { const slot = ring.slot(age); … ring.prices[slot] … }`.
 */
export class TradeRing {
  /** How many trades there is room for. */
  capacity;
  /** How many it has. */
  length = 0;
  /** How many there ever were: the newest is the one before. */
  total = 0;
  /** How many never came, by the gaps in their numbers. */
  missed = 0;
  /** The newest trade's number, NaN without one. */
  newestNumber = Number.NaN;
  /** The latest of their times, ms since 1970, by the market's clock; NaN without one. */
  newestMs = Number.NaN;
  /** What was bought at market within the last minute, in units. */
  boughtUnits = 0;
  /** What was sold at market within the last minute, in units. */
  soldUnits = 0;
  /** @type {Float64Array} by slot, in units */
  prices;
  /** @type {Float64Array} by slot, in units */
  quantities;
  /** @type {Float64Array} by slot, ms since 1970 */
  times;
  /** @type {Float64Array} by slot */
  numbers;
  /** @type {Int8Array} by slot: 1 bought at market, -1 sold, 0 unknown */
  sides;
  /** @type {Uint8Array} by slot: 1 if it goes on with the sweep that the trade before is part of */
  continues;
  #sweepStartMs = 0;
  #bought = new Float64Array(SECONDS);
  #sold = new Float64Array(SECONDS);
  #second = Number.NaN;
  /** @type {Float64Array} */
  #sorted;

  /** @param {number} [capacity] */
  constructor(capacity = 1000) {
    this.capacity = capacity;
    this.prices = new Float64Array(capacity);
    this.quantities = new Float64Array(capacity);
    this.times = new Float64Array(capacity);
    this.numbers = new Float64Array(capacity);
    this.sides = new Int8Array(capacity);
    this.continues = new Uint8Array(capacity);
    this.#sorted = new Float64Array(capacity);
  }

  /**
   * Where a trade is in the arrays.
   * @param {number} age 0 for the newest, up to `length` - 1
   */
  slot(age) {
    return (this.total - 1 - age) % this.capacity;
  }

  /** @param {Trade} trade */
  push(trade) {
    if (trade.number > this.newestNumber + 1) this.missed += trade.number - this.newestNumber - 1;
    const side = trade.side === 'Bid' ? 1 : trade.side === 'Ask' ? -1 : 0;
    const slot = this.total % this.capacity;
    this.continues[slot] = this.#isOfSweep(trade, side) ? 1 : 0;
    if (!this.continues[slot]) this.#sweepStartMs = trade.timeMs;
    this.prices[slot] = trade.priceUnits;
    this.quantities[slot] = trade.quantityUnits;
    this.times[slot] = trade.timeMs;
    this.numbers[slot] = trade.number;
    this.sides[slot] = side;
    this.newestNumber = trade.number;
    this.total++;
    this.length = Math.min(this.length + 1, this.capacity);
    this.#count(trade, side);
  }

  /**
   * Lets time pass: what is more than a minute old no longer counts as bought or sold.
   * @param {number} timeMs by the market's clock
   */
  passTo(timeMs) {
    const second = Math.floor(timeMs / 1000);
    if (!(second > this.#second)) return;
    for (let i = Math.max(this.#second + 1, second - SECONDS + 1); i <= second; i++) {
      this.boughtUnits -= this.#bought[i % SECONDS];
      this.soldUnits -= this.#sold[i % SECONDS];
      this.#bought[i % SECONDS] = 0;
      this.#sold[i % SECONDS] = 0;
    }
    this.#second = second;
  }

  /**
   * The quantity that `fraction` of the trades here don't exceed, in units; 0 without a trade.
   * Sorts them: not for every frame.
   * @param {number} fraction 0 to 1
   */
  percentile(fraction) {
    if (!this.length) return 0;
    const sorted = this.#sorted.subarray(0, this.length);
    sorted.set(this.quantities.subarray(0, this.length));
    sorted.sort();
    return sorted[Math.max(Math.ceil(fraction * this.length) - 1, 0)];
  }

  /** Forgets everything. */
  clear() {
    this.length = 0;
    this.total = 0;
    this.missed = 0;
    this.newestNumber = Number.NaN;
    this.#forgetMinute();
  }

  /**
   * @param {Trade} trade
   * @param {number} side
   */
  #isOfSweep(trade, side) {
    if (!this.length || side === 0) return false;
    const before = this.slot(0);
    return (
      this.sides[before] === side &&
      trade.number === this.newestNumber + 1 &&
      Math.abs(trade.timeMs - this.times[before]) <= SWEEP_GAP_MS &&
      Math.abs(trade.timeMs - this.#sweepStartMs) <= SWEEP_MS &&
      (trade.priceUnits - this.prices[before]) * side >= 0
    );
  }

  /**
   * @param {Trade} trade
   * @param {number} side
   */
  #count(trade, side) {
    const second = Math.floor(trade.timeMs / 1000);
    // A recording that begins anew goes back in time.
    if (!(second > this.#second - SECONDS)) this.#forgetMinute();
    if (Number.isNaN(this.#second)) this.#second = second;
    this.passTo(trade.timeMs);
    if (!(trade.timeMs < this.newestMs)) this.newestMs = trade.timeMs;
    const sums = side > 0 ? this.#bought : this.#sold;
    if (side !== 0) sums[second % SECONDS] += trade.quantityUnits;
    if (side > 0) this.boughtUnits += trade.quantityUnits;
    if (side < 0) this.soldUnits += trade.quantityUnits;
  }

  #forgetMinute() {
    this.#bought.fill(0);
    this.#sold.fill(0);
    this.boughtUnits = 0;
    this.soldUnits = 0;
    this.#second = Number.NaN;
    this.newestMs = Number.NaN;
  }
}
