// @ts-check
/**
 * The sides of a book: price levels in typed arrays, best first, and the queues of orders.
 * @module
 */

/** @typedef {'bids' | 'asks'} SideName */

/** The price levels of one side, best first. The arrays may be longer, and are replaced to grow. */
export class Side {
  /** 1 where a lower price is the better one (asks), -1 for bids. */
  #sign;

  /** @param {SideName} name */
  constructor(name) {
    this.#sign = name === 'asks' ? 1 : -1;
    /** Levels that there are. */
    this.length = 0;
    /** Counts of the price's last decimal. */
    this.prices = new Float64Array(32);
    /** Counts of the quantity's last decimal. */
    this.quantities = new Float64Array(32);
    /** Orders of a level, -1 where the feed does not report them. */
    this.orderCounts = new Int32Array(32);
  }

  /**
   * Returns the place of a price: that of its level, or else the one that it would have.
   * @param {number} price in units
   */
  placeOf(price) {
    const { prices } = this;
    const sign = this.#sign;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sign * prices[middle] < sign * price) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Whether the level of a price is at a place that `placeOf` has told.
   * @param {number} at
   * @param {number} price
   */
  has(at, price) {
    return at < this.length && this.prices[at] === price;
  }

  /**
   * Makes room for a level that is still empty.
   * @param {number} at
   * @param {number} price
   */
  insert(at, price) {
    const { length } = this;
    if (length === this.prices.length) this.#grow();
    if (at < length) {
      this.prices.copyWithin(at + 1, at, length);
      this.quantities.copyWithin(at + 1, at, length);
      this.orderCounts.copyWithin(at + 1, at, length);
    }
    this.prices[at] = price;
    this.quantities[at] = 0;
    this.orderCounts[at] = 0;
    this.length = length + 1;
  }

  /**
   * Takes a level out.
   * @param {number} at
   */
  remove(at) {
    const { length } = this;
    this.prices.copyWithin(at, at + 1, length);
    this.quantities.copyWithin(at, at + 1, length);
    this.orderCounts.copyWithin(at, at + 1, length);
    this.length = length - 1;
  }

  /** Takes all levels out. */
  clear() {
    this.length = 0;
  }

  /**
   * Takes over what another side has, as it is now.
   * @param {this} other
   */
  assign(other) {
    this.length = other.length;
    this.prices = other.prices.slice();
    this.quantities = other.quantities.slice();
    this.orderCounts = other.orderCounts.slice();
  }

  #grow() {
    const { prices, quantities, orderCounts } = this;
    const size = 2 * prices.length;
    this.prices = new Float64Array(size);
    this.quantities = new Float64Array(size);
    this.orderCounts = new Int32Array(size);
    this.prices.set(prices);
    this.quantities.set(quantities);
    this.orderCounts.set(orderCounts);
  }
}

/** An order in its queue. */
export class Order {
  /**
   * @param {string} id
   * @param {number} price in units
   * @param {number} quantity in units
   * @param {number} timeMs when it took its place in the queue, milliseconds since 1970
   */
  constructor(id, price, quantity, timeMs) {
    this.id = id;
    this.price = price;
    this.quantity = quantity;
    this.timeMs = timeMs;
  }
}

/** A side with the queues of its levels. */
export class OrderSide extends Side {
  /** @type {Order[][]} one for each level, in priority */
  queues = [];
  /** @type {Map<string, Order>} */
  orders = new Map();

  /**
   * @override
   * @param {number} at
   * @param {number} price
   */
  insert(at, price) {
    super.insert(at, price);
    this.queues.splice(at, 0, []);
  }

  /**
   * @override
   * @param {number} at
   */
  remove(at) {
    super.remove(at);
    this.queues.splice(at, 1);
  }

  /** @override */
  clear() {
    super.clear();
    this.queues.length = 0;
    this.orders.clear();
  }

  /**
   * @override
   * @param {this} other
   */
  assign(other) {
    super.assign(other);
    this.orders.clear();
    this.queues = other.queues.map((queue) => queue.map((order) => this.#keep(order)));
  }

  /** @param {Order} order */
  #keep({ id, price, quantity, timeMs }) {
    const kept = new Order(id, price, quantity, timeMs);
    this.orders.set(id, kept);
    return kept;
  }

  /**
   * Puts an order at the back of the queue at its price.
   * @param {Order} order
   */
  enqueue(order) {
    const { price } = order;
    const at = this.placeOf(price);
    if (!this.has(at, price)) this.insert(at, price);
    this.queues[at].push(order);
    this.quantities[at] += order.quantity;
    this.orderCounts[at] += 1;
    this.orders.set(order.id, order);
  }

  /**
   * Takes an order out of its queue.
   * @param {Order} order
   */
  dequeue(order) {
    const at = this.placeOf(order.price);
    const queue = this.queues[at];
    this.orders.delete(order.id);
    if (queue.length === 1) {
      this.remove(at);
      return;
    }
    queue.splice(queue.indexOf(order), 1);
    this.quantities[at] -= order.quantity;
    this.orderCounts[at] -= 1;
  }
}
