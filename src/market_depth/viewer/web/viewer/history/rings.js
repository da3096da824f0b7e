// Rings that a DepthHistory keeps beside its levels: values over time, and trades.

/** @typedef {import('../tape/trade-ring.js').Trade} Trade */

/** A value's mean over time, least, greatest and last, a column each; NaN where unknown. */
export class RunningValue {
  /** @type {Float32Array} */ means;
  /** @type {Float32Array} */ least;
  /** @type {Float32Array} */ greatest;
  /** @type {Float32Array} */ lasts;
  #slot = 0;
  #value = Number.NaN;
  #sinceMs = 0;
  #sum = 0;
  #knownMs = 0;

  /** @param {number} columns */
  constructor(columns) {
    this.means = new Float32Array(columns);
    this.least = new Float32Array(columns);
    this.greatest = new Float32Array(columns);
    this.lasts = new Float32Array(columns);
  }

  get bytes() {
    return 4 * this.means.byteLength;
  }

  /** Begins a column in which nothing is known yet. @param {number} slot */
  begin(slot) {
    this.#slot = slot;
    this.#value = Number.NaN;
    this.#sum = 0;
    this.#knownMs = 0;
    this.means[slot] = Number.NaN;
    this.least[slot] = Number.NaN;
    this.greatest[slot] = Number.NaN;
    this.lasts[slot] = Number.NaN;
  }

  /** Begins a column in which the value is still what it was.
   * @param {number} slot @param {number} timeMs */
  goOn(slot, timeMs) {
    const value = this.#value;
    this.begin(slot);
    if (!Number.isNaN(value)) this.add(slot, value, timeMs);
  }

  /** @param {number} slot @param {number} value NaN if it is not known @param {number} timeMs */
  add(slot, value, timeMs) {
    this.close(timeMs);
    this.#value = value;
    this.#sinceMs = timeMs;
    this.lasts[slot] = value;
    if (Number.isNaN(value)) return;
    if (!(this.least[slot] <= value)) this.least[slot] = value;
    if (!(this.greatest[slot] >= value)) this.greatest[slot] = value;
    if (this.#knownMs === 0) this.means[slot] = value;
  }

  /** Counts the value as it is until `timeMs`. @param {number} timeMs */
  close(timeMs) {
    const passed = timeMs - this.#sinceMs;
    if (Number.isNaN(this.#value) || !(passed > 0)) return;
    this.#sum += this.#value * passed;
    this.#knownMs += passed;
    this.#sinceMs = timeMs;
    this.means[this.#slot] = this.#sum / this.#knownMs;
  }

  /** @param {number} from @param {number} to slots */
  copy(from, to) {
    for (const array of [this.means, this.least, this.greatest, this.lasts])
      array[to] = array[from];
  }

  /** The value is not known from here on. @param {number} timeMs */
  pause(timeMs) {
    this.close(timeMs);
    this.#value = Number.NaN;
  }
}

/** How many trades back one of the same column, price and side is looked for. */
const LOOK_BACK = 32;

/**
 * The last trades. Those of one column, price and side are one entry. Entries are numbered;
 * number n lies in slot n % capacity.
 */
export class TradeHistory {
  /** Number of the oldest entry. */
  first = 0;
  /** Number that the next entry gets. */
  next = 0;
  /** Grows with each trade. */
  revision = 0;
  /** @type {number} */ capacity;
  /** Number of the history's column. @type {Float64Array} */
  columns;
  /** @type {Float64Array} */ ticks;
  /** Sum of quantities in units. @type {Float64Array} */
  quantities;
  /** How many trades an entry is of. @type {Uint32Array} */
  counts;
  /** 1 if the aggressor bought, -1 if he sold, 0 if unknown. @type {Int8Array} */
  sides;
  /** Number of the first entry that may still grow. */
  #open = 0;

  /** @param {number} capacity */
  constructor(capacity) {
    this.capacity = capacity;
    this.columns = new Float64Array(capacity);
    this.ticks = new Float64Array(capacity);
    this.quantities = new Float64Array(capacity);
    this.counts = new Uint32Array(capacity);
    this.sides = new Int8Array(capacity);
  }

  get bytes() {
    return this.capacity * (8 + 8 + 8 + 4 + 1);
  }

  reset() {
    this.first = 0;
    this.next = 0;
    this.#open = 0;
    this.revision++;
  }

  /** @param {number} column @param {number} ticks @param {Trade} trade */
  add(column, ticks, trade) {
    const side = trade.side === 'Bid' ? 1 : trade.side === 'Ask' ? -1 : 0;
    this.revision++;
    // Entries stand in order of time; one that comes late counts as of the newest column.
    if (this.next > this.first) {
      const newest = this.columns[(this.next - 1) % this.capacity];
      if (column < newest) column = newest;
    }
    const oldest = Math.max(this.first, this.#open, this.next - LOOK_BACK);
    for (let number = this.next - 1; number >= oldest; number--) {
      const slot = number % this.capacity;
      if (this.columns[slot] !== column) break;
      if (this.ticks[slot] === ticks && this.sides[slot] === side) {
        this.quantities[slot] += trade.quantityUnits;
        this.counts[slot]++;
        return;
      }
    }
    const slot = this.next % this.capacity;
    this.columns[slot] = column;
    this.ticks[slot] = ticks;
    this.quantities[slot] = trade.quantityUnits;
    this.counts[slot] = 1;
    this.sides[slot] = side;
    this.next++;
    if (this.next - this.first > this.capacity) this.first++;
  }

  /**
   * What it has now: what comes later is not seen in it. Its arrays are the ring's own.
   * @returns {TradeHistory}
   */
  frozen() {
    const { next, revision } = this;
    this.#open = next;
    return Object.assign(Object.create(this), { next, revision });
  }

  /**
   * Number of the first entry of column `column` or later.
   * @param {number} column
   */
  find(column) {
    let low = this.first;
    let high = this.next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.columns[middle % this.capacity] < column) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
