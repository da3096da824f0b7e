// @ts-check
/**
 * Local order books: the view of one stream, kept from its messages as whole counts of the last
 * decimal, best level first, in typed arrays.
 * @module
 */

import { Order, OrderSide, Side } from './depth-side.js';
import { Crc32, parseTime, Scale } from './depth-wire.js';

export { Order, Scale, Side };

/** @typedef {import('./depth-side.js').SideName} SideName */

/** Levels that the checksum is of, best first. */
const CHECKED_LEVELS = 10;
/** A market's time that goes back further than this has begun anew: a recording in a loop. */
const REWIND_MS = 60_000;
const COMMA = 44;
const COLON = 58;
const BAR = 124;
const crc = new Crc32();

/**
 * What all books have. All of it is as of the stream's `sequence`.
 * @template {Side} [S=Side]
 */
class Book {
  /**
   * @param {Scale} scale
   * @param {S} bids
   * @param {S} asks
   */
  constructor(scale, bids, asks) {
    /** The instrument's decimals. */
    this.scale = scale;
    /** @readonly */
    this.bids = bids;
    /** @readonly */
    this.asks = asks;
  }

  /**
   * Returns the best price of a side in units, NaN if it is empty.
   * @param {SideName} name
   */
  best(name) {
    const side = this[name];
    return side.length ? side.prices[0] : NaN;
  }

  /** Returns best ask less best bid in units, NaN where a side is empty. */
  spread() {
    return this.best('asks') - this.best('bids');
  }

  /** Returns the mean of best bid and best ask in units, NaN where a side is empty. */
  mid() {
    return (this.best('asks') + this.best('bids')) / 2;
  }

  /** Empties the book. */
  clear() {
    this.bids.clear();
    this.asks.clear();
  }
}

/**
 * A view by price: MBP or BBO.
 * @extends {Book<Side>}
 */
export class LevelBook extends Book {
  /** @param {Scale} scale */
  constructor(scale) {
    super(scale, new Side('bids'), new Side('asks'));
  }

  /** Returns the book as it is now, which goes on no longer. */
  copy() {
    const copied = new LevelBook(this.scale);
    copied.bids.assign(this.bids);
    copied.asks.assign(this.asks);
    return copied;
  }

  /**
   * Takes a whole view, the `data` of a MarketData; returns whether it is one.
   * @param {any} data
   * @returns {boolean}
   */
  replace(data) {
    this.clear();
    return this.#fill(this.bids, data.bids) && this.#fill(this.asks, data.asks);
  }

  /**
   * Takes what has changed, the `data` of a MarketDelta; returns whether it fits the book.
   * @param {any} data
   * @returns {boolean}
   */
  change(data) {
    return this.#change(this.bids, data.bids) && this.#change(this.asks, data.asks);
  }

  /** Returns the checksum as the server tells it; NaN where doubles have lost digits of it. */
  checksum() {
    crc.reset();
    checkLevels(this.bids);
    crc.character(BAR);
    checkLevels(this.asks);
    return crc.value;
  }

  /**
   * @param {Side} side
   * @param {any[]} rows
   */
  #fill(side, rows) {
    const { scale } = this;
    for (let row = 0; row < rows.length; row += 1) {
      const { price, quantity, order_count: orderCount } = rows[row];
      const units = scale.priceUnits(price);
      if (side.placeOf(units) !== row) return false;
      side.insert(row, units);
      side.quantities[row] = scale.quantityUnits(quantity);
      side.orderCounts[row] = orderCount ?? -1;
    }
    return side.length === rows.length;
  }

  /**
   * @param {Side} side
   * @param {any[]} rows
   */
  #change(side, rows) {
    const { scale } = this;
    for (let row = 0; row < rows.length; row += 1) {
      const { price, quantity, order_count: orderCount } = rows[row];
      const units = scale.priceUnits(price);
      const at = side.placeOf(units);
      const isThere = side.has(at, units);
      if (quantity === 0) {
        if (!isThere) return false;
        side.remove(at);
      } else {
        if (!isThere) side.insert(at, units);
        side.quantities[at] = scale.quantityUnits(quantity);
        side.orderCounts[at] = orderCount ?? -1;
      }
    }
    return true;
  }
}

/**
 * A view by order: MBO. A side's quantities and order counts are the sums of its queues.
 * @extends {Book<OrderSide>}
 */
export class OrderBook extends Book {
  /** @param {Scale} scale */
  constructor(scale) {
    super(scale, new OrderSide('bids'), new OrderSide('asks'));
    /**
     * The market's own newest time, milliseconds since 1970, NaN if unknown: an order is
     * `marketTimeMs - order.timeMs` old.
     */
    this.marketTimeMs = NaN;
  }

  /**
   * Returns the queues of a side: at `i` the orders at its `prices[i]`, in priority.
   * @param {SideName | Side} side
   * @returns {Order[][]}
   */
  queues(side) {
    return (side === 'bids' || side === this.bids ? this.bids : this.asks).queues;
  }

  /**
   * Returns an order of either side, undefined if it is not in the view.
   * @param {string} id
   */
  order(id) {
    return this.bids.orders.get(id) ?? this.asks.orders.get(id);
  }

  /** Returns the book as it is now, which goes on no longer. */
  copy() {
    const copied = new OrderBook(this.scale);
    copied.bids.assign(this.bids);
    copied.asks.assign(this.asks);
    copied.marketTimeMs = this.marketTimeMs;
    return copied;
  }

  /** @override */
  clear() {
    super.clear();
    this.marketTimeMs = NaN;
  }

  /**
   * Takes a whole view, the `data` of a MarketData; returns whether it is one.
   * @param {any} data
   * @param {number} [eventTimeMs] the venue's time of the last event in it, NaN if unknown
   * @returns {boolean}
   */
  replace(data, eventTimeMs = NaN) {
    const knownMs = this.marketTimeMs;
    this.clear();
    const isWhole = this.#fill(this.bids, data.bids) && this.#fill(this.asks, data.asks);
    this.#tell(eventTimeMs);
    if (Number.isNaN(this.marketTimeMs)) this.marketTimeMs = knownMs;
    return isWhole;
  }

  /**
   * Takes what has changed, the `data` of a MarketDelta; returns whether it fits the book.
   * @param {any} data
   * @param {number} [eventTimeMs] the venue's time of the last event in it, NaN if unknown
   * @returns {boolean}
   */
  change(data, eventTimeMs = NaN) {
    this.#tell(eventTimeMs);
    return this.#change(this.bids, data.bids) && this.#change(this.asks, data.asks);
  }

  /** Returns the checksum as the server tells it; NaN where doubles have lost digits of it. */
  checksum() {
    crc.reset();
    checkOrders(this.bids);
    crc.character(BAR);
    checkOrders(this.asks);
    return crc.value;
  }

  /** @param {number} timeMs */
  #tell(timeMs) {
    const knownMs = this.marketTimeMs;
    if (timeMs <= knownMs && knownMs - timeMs < REWIND_MS) return;
    if (!Number.isNaN(timeMs)) this.marketTimeMs = timeMs;
  }

  /**
   * @param {OrderSide} side
   * @param {any[]} rows
   */
  #fill(side, rows) {
    for (let row = 0; row < rows.length; row += 1) {
      const order = this.#orderOf(rows[row]);
      const price = side.placeOf(order.price);
      if (price < side.length - 1 || side.orders.has(order.id)) return false;
      side.enqueue(order);
      this.#tell(order.timeMs + rows[row].age_ms);
    }
    return true;
  }

  /**
   * @param {OrderSide} side
   * @param {any[]} rows
   */
  #change(side, rows) {
    for (let at = 0; at < rows.length; at += 1) {
      const row = rows[at];
      const known = side.orders.get(row.order_id);
      if (row.action === 'Add') {
        if (known) return false;
        side.enqueue(this.#orderOf(row));
        continue;
      }
      if (!known) return false;
      if (row.action === 'Update' && row.priority === undefined) {
        const quantity = this.scale.quantityUnits(row.quantity);
        side.quantities[side.placeOf(known.price)] += quantity - known.quantity;
        known.quantity = quantity;
        continue;
      }
      side.dequeue(known);
      if (row.action !== 'Cancel') side.enqueue(this.#orderOf(row));
    }
    return true;
  }

  /** @param {any} row */
  #orderOf(row) {
    const { scale } = this;
    const price = scale.priceUnits(row.price);
    const quantity = scale.quantityUnits(row.quantity);
    return new Order(row.order_id, price, quantity, parseTime(row.timestamp));
  }
}

/** @param {Side} side */
function checkLevels(side) {
  const levels = Math.min(side.length, CHECKED_LEVELS);
  for (let at = 0; at < levels; at += 1) {
    if (at) crc.character(COMMA);
    crc.number(side.prices[at]);
    crc.character(COLON);
    crc.number(side.quantities[at]);
  }
}

/** @param {OrderSide} side */
function checkOrders(side) {
  const levels = Math.min(side.length, CHECKED_LEVELS);
  for (let level = 0; level < levels; level += 1) {
    const queue = side.queues[level];
    for (let at = 0; at < queue.length; at += 1) {
      const order = queue[at];
      if (level || at) crc.character(COMMA);
      crc.text(order.id);
      crc.character(COLON);
      crc.number(order.price);
      crc.character(COLON);
      crc.number(order.quantity);
    }
  }
}
