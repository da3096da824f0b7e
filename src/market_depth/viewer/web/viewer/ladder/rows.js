// What the rows of a ladder show, as numbers: prices from the top down, and what rests at each.

/** @typedef {import('../../depth-book.js').Side} Side */

/** What one side has in the rows. */
class Column {
  /** @param {number} count of rows */
  constructor(count) {
    /** Whole counts of the last decimal. */
    this.quantities = new Float64Array(count);
    /** Cumulative from the best level to this row. */
    this.totals = new Float64Array(count);
    /** Orders, -1 where unknown. */
    this.orders = new Int32Array(count);
    /** By row: the first of the side's levels that are in it, and how many. */
    this.first = new Int32Array(count);
    this.levels = new Int32Array(count);
    /** Row of the best level, -1 if it is not in sight. */
    this.best = -1;
  }

  clear() {
    this.quantities.fill(0);
    this.totals.fill(0);
    this.orders.fill(0);
    this.first.fill(0);
    this.levels.fill(0);
    this.best = -1;
  }
}

/**
 * The rows of a ladder. A row's key is its price in steps. With a row for each price they stand
 * still while the market moves, until it has left the middle; with a row for each level the spread
 * stays in its place.
 */
export class LadderRows {
  count = 0;
  keys = new Float64Array(0);
  bids = new Column(0);
  asks = new Column(0);
  /** Row between the bids and the asks, that shows the spread; -1 if it is not in sight. */
  spreadRow = -1;
  /** Whether there is a row for each level only, not for each price. */
  isCompact = false;
  /** Whether the spread is kept near the middle. */
  isFollowing = true;
  #top = Number.NaN;
  #offset = 0;
  /** Where the spread's row is, or would be if it were in sight. */
  #spread = 0;

  /** @param {number} count */
  resize(count) {
    if (count === this.count) return;
    this.count = count;
    this.keys = new Float64Array(count).fill(Number.NaN);
    this.bids = new Column(count);
    this.asks = new Column(count);
    if (this.isFollowing) this.recentre();
  }

  /** Brings the spread back to the middle, and keeps it there. */
  recentre() {
    this.#top = Number.NaN;
    this.#offset = 0;
    this.isFollowing = true;
  }

  /**
   * Moves by rows; up, to higher prices, if positive.
   * @param {number} rows
   */
  scroll(rows) {
    this.#top += rows;
    this.#offset += rows;
    this.isFollowing = false;
  }

  /**
   * Fills the rows.
   * @param {Side} bids
   * @param {Side} asks
   * @param {number} step price units a row
   */
  fill(bids, asks, step) {
    this.keys.fill(Number.NaN);
    this.bids.clear();
    this.asks.clear();
    if (bids.length === 0 && asks.length === 0) {
      this.spreadRow = -1;
      return;
    }
    if (this.isCompact) this.#fillLevels(bids, asks, step);
    else this.#fillPrices(bids, asks, step);
  }

  /**
   * @param {Side} bids
   * @param {Side} asks
   * @param {number} step
   */
  #fillPrices(bids, asks, step) {
    const bid = bids.length > 0 ? Math.floor(bids.prices[0] / step) : Number.NaN;
    const ask = asks.length > 0 ? Math.ceil(asks.prices[0] / step) : Number.NaN;
    const boundary = Number.isNaN(bid) ? ask : Number.isNaN(ask) ? bid + 1 : (bid + ask) / 2;
    const lowestAbove = Math.ceil(boundary);
    let spread = this.#top - lowestAbove + 1;
    const isOff = !(spread >= this.count * 0.25 && spread <= this.count * 0.75);
    if (Number.isNaN(this.#top) || (this.isFollowing && isOff)) {
      spread = this.count >> 1;
      this.#top = lowestAbove + spread - 1;
    }
    this.#spread = spread;
    this.spreadRow = spread >= 0 && spread < this.count ? spread : -1;
    for (let row = 0; row < this.count; row++) {
      if (row !== this.spreadRow) this.keys[row] = this.#top - row + Number(row > spread);
    }
    this.#place(bids, this.bids, step, false);
    this.#place(asks, this.asks, step, true);
  }

  /**
   * Adds a side's levels to the rows of their prices.
   * @param {Side} side
   * @param {Column} column
   * @param {number} step
   * @param {boolean} isAsk
   */
  #place(side, column, step, isAsk) {
    let total = 0;
    for (let index = 0; index < side.length; index++) {
      const key = isAsk
        ? Math.ceil(side.prices[index] / step)
        : Math.floor(side.prices[index] / step);
      total += side.quantities[index];
      let row = this.#top - key;
      if (row >= this.#spread) row++;
      if (isAsk ? row < 0 : row >= this.count) return;
      if (row >= 0 && row < this.count) this.#add(side, index, column, row, total);
    }
  }

  /**
   * @param {Side} bids
   * @param {Side} asks
   * @param {number} step
   */
  #fillLevels(bids, asks, step) {
    const middle = (this.count >> 1) + this.#offset;
    this.spreadRow = middle >= 0 && middle < this.count ? middle : -1;
    this.#stack(bids, this.bids, step, middle, 1);
    this.#stack(asks, this.asks, step, middle, -1);
  }

  /**
   * Puts a side's levels into rows one by one, away from the middle.
   * @param {Side} side
   * @param {Column} column
   * @param {number} step
   * @param {number} middle
   * @param {1 | -1} direction
   */
  #stack(side, column, step, middle, direction) {
    let total = 0;
    let row = middle;
    let last = Number.NaN;
    for (let index = 0; index < side.length; index++) {
      const price = side.prices[index] / step;
      const key = direction < 0 ? Math.ceil(price) : Math.floor(price);
      total += side.quantities[index];
      if (key !== last) row += direction;
      last = key;
      if (direction > 0 ? row >= this.count : row < 0) return;
      if (row >= 0 && row < this.count) {
        this.keys[row] = key;
        this.#add(side, index, column, row, total);
      }
    }
  }

  /**
   * @param {Side} side
   * @param {number} index of the level
   * @param {Column} column
   * @param {number} row
   * @param {number} total
   */
  #add(side, index, column, row, total) {
    if (index === 0) column.best = row;
    if (column.levels[row] === 0) column.first[row] = index;
    column.levels[row]++;
    column.quantities[row] += side.quantities[index];
    column.totals[row] = total;
    const orders = side.orderCounts[index];
    column.orders[row] = orders < 0 || column.orders[row] < 0 ? -1 : column.orders[row] + orders;
  }
}

/**
 * Whether a book is so sparse that a row for each price would be mostly empty.
 * @param {Side} bids
 * @param {Side} asks
 * @param {number} step
 */
export function isSparse(bids, asks, step) {
  const levels = Math.min(bids.length, asks.length, 10);
  if (levels < 2) return false;
  const span = asks.prices[levels - 1] - bids.prices[levels - 1];
  return span / step > levels * 2 * 3;
}
