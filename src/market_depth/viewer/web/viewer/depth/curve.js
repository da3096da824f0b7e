// The sides of the depth chart: their running totals, and the steps that they are drawn as.

import { cumulate, levelsUpTo } from './cost.js';

/** @typedef {import('./cost.js').Side} Side */
/** @typedef {import('./scale.js').Plot} Plot */

/** @type {Side} */
const NOTHING = { length: 0, prices: new Float64Array(0), quantities: new Float64Array(0) };
/** With fewer levels than this none is left out. */
const FEW_LEVELS = 9;
/** A book reaches this much further than the place of this part of its levels, or is cut off. */
const MOST = 0.9;
const MOST_REACH = 1.3;
const SHADE = 0.2;
const SHADE_BEYOND = 0.07;
const SHADE_TAKEN = 0.3;
const DASH = [2, 3];
const NO_DASH = /** @type {number[]} */ ([]);

/** The bids or the asks. */
export class DepthCurve {
  isBid;
  /** A copy: what was summed up must not change when the book does. */
  side = { length: 0, prices: new Float64Array(256), quantities: new Float64Array(256) };
  /** @type {Float64Array} */
  #totals = new Float64Array(256);
  // The corners of the steps, from the best level out: a level is reached at xs[i], and from there
  // on the total is at ys[i].
  #xs = new Float32Array(512);
  #ys = new Float32Array(512);
  #corners = 0;

  /** @param {boolean} isBid */
  constructor(isBid) {
    this.isBid = isBid;
  }

  /**
   * Takes the side as it is now.
   * @param {Side | undefined} side
   */
  take(side) {
    const { length, prices, quantities } = side ?? NOTHING;
    if (length > this.side.prices.length) {
      this.side.prices = new Float64Array(prices.length);
      this.side.quantities = new Float64Array(prices.length);
    }
    for (let at = 0; at < length; at++) {
      this.side.prices[at] = prices[at];
      this.side.quantities[at] = quantities[at];
    }
    this.side.length = length;
    this.#totals = cumulate(this.side, this.#totals);
  }

  /** The best price in units, NaN without one. */
  get best() {
    return this.side.length ? this.side.prices[0] : Number.NaN;
  }

  /** The total of all levels, in units. */
  get total() {
    return this.side.length ? this.#totals[this.side.length - 1] : 0;
  }

  /**
   * The total at a price or better, in units.
   * @param {number} priceUnits
   */
  totalAt(priceUnits) {
    const levels = levelsUpTo(this.side, this.isBid, priceUnits);
    return levels ? this.#totals[levels - 1] : 0;
  }

  /**
   * The next level's price in a direction from a price, NaN if there is none.
   * @param {number} priceUnits
   * @param {number} direction 1 or -1
   */
  next(priceUnits, direction) {
    const { prices, length } = this.side;
    const isOut = this.isBid === direction < 0;
    let at = levelsUpTo(this.side, this.isBid, priceUnits);
    if (!isOut) {
      at--;
      if (at >= 0 && prices[at] === priceUnits) at--;
    }
    return at >= 0 && at < length ? prices[at] : Number.NaN;
  }

  /**
   * How far from a price the levels go that are worth showing: all of them, unless a few stand far
   * beyond the rest.
   * @param {number} priceUnits
   */
  usualReach(priceUnits) {
    const { prices, length } = this.side;
    if (!length) return 0;
    if (length < FEW_LEVELS) return this.reach(priceUnits);
    const most = Math.abs(prices[Math.floor(MOST * (length - 1))] - priceUnits);
    return Math.min(this.reach(priceUnits), MOST_REACH * most);
  }

  /**
   * How far from a price the last level is.
   * @param {number} priceUnits
   */
  reach(priceUnits) {
    const { prices, length } = this.side;
    return length ? Math.abs(prices[length - 1] - priceUnits) : 0;
  }

  /**
   * Puts the corners where they are on the canvas, one for each pixel column at most.
   * @param {Plot} plot
   * @param {number} ratio device pixels a CSS pixel
   */
  layOut(plot, ratio) {
    const { prices, length } = this.side;
    const totals = this.#totals;
    const edge = this.isBid ? plot.left : plot.right;
    let corners = 0;
    for (let i = 0; i < length; i++) {
      const x = Math.round(plot.x(prices[i]) * ratio) / ratio;
      if (this.isBid ? x < edge : x > edge) break;
      const isSame = corners > 0 && this.#xs[corners - 1] === Math.fround(x);
      if (!isSame && corners === this.#xs.length) this.#grow();
      if (!isSame) corners++;
      this.#xs[corners - 1] = x;
      this.#ys[corners - 1] = Math.round(plot.y(totals[i]) * ratio) / ratio;
    }
    this.#corners = corners;
  }

  /**
   * Draws what `layOut` has put into place.
   * @param {CanvasRenderingContext2D} context
   * @param {Plot} plot
   * @param {string} colour
   * @param {number} ratio device pixels a CSS pixel
   */
  draw(context, plot, colour, ratio) {
    if (!this.#corners) return;
    const edge = this.isBid ? plot.left : plot.right;
    const last = this.#corners - 1;
    const furthest = plot.x(this.side.prices[this.side.length - 1]);
    const isWhole = this.isBid ? furthest >= edge : furthest <= edge;
    const end = isWhole ? this.#xs[last] : edge;
    context.fillStyle = colour;
    context.strokeStyle = colour;
    context.globalAlpha = SHADE;
    this.#trace(context, end, plot.bottom);
    context.fill();
    context.globalAlpha = 1;
    const device = Math.max(1, Math.round(1.5 * ratio));
    const offset = device % 2 ? 0.5 / ratio : 0;
    context.lineWidth = device / ratio;
    context.translate(offset, offset);
    this.#trace(context, end);
    context.stroke();
    if (isWhole && end !== edge) {
      // The book that is shown ends here; there may be more.
      context.setLineDash(DASH);
      context.globalAlpha = 0.6;
      context.beginPath();
      context.moveTo(end, this.#ys[last]);
      context.lineTo(edge, this.#ys[last]);
      context.stroke();
      context.setLineDash(NO_DASH);
    }
    context.translate(-offset, -offset);
    if (isWhole) {
      context.globalAlpha = SHADE_BEYOND;
      context.fillRect(end, this.#ys[last], edge - end, plot.bottom - this.#ys[last]);
    }
    context.globalAlpha = 1;
  }

  /**
   * Shades what is between the touch and a place: what an order up to there would take.
   * @param {CanvasRenderingContext2D} context
   * @param {Plot} plot
   * @param {string} colour
   * @param {number} x
   */
  shadeUpTo(context, plot, colour, x) {
    let corners = 0;
    while (
      corners < this.#corners &&
      (this.isBid ? this.#xs[corners] >= x : this.#xs[corners] <= x)
    ) {
      corners++;
    }
    if (!corners) return;
    const all = this.#corners;
    this.#corners = corners;
    context.fillStyle = colour;
    context.globalAlpha = SHADE_TAKEN;
    this.#trace(context, x, plot.bottom);
    context.fill();
    context.globalAlpha = 1;
    this.#corners = all;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} end where the last step ends
   * @param {number} [bottom] where the path is to end; or else it ends with the last step
   */
  #trace(context, end, bottom) {
    const xs = this.#xs;
    const ys = this.#ys;
    context.beginPath();
    context.moveTo(xs[0], bottom ?? ys[0]);
    context.lineTo(xs[0], ys[0]);
    for (let i = 1; i < this.#corners; i++) {
      context.lineTo(xs[i], ys[i - 1]);
      context.lineTo(xs[i], ys[i]);
    }
    context.lineTo(end, ys[this.#corners - 1]);
    if (bottom !== undefined) context.lineTo(end, bottom);
  }

  #grow() {
    const xs = new Float32Array(2 * this.#xs.length);
    const ys = new Float32Array(2 * this.#ys.length);
    xs.set(this.#xs);
    ys.set(this.#ys);
    this.#xs = xs;
    this.#ys = ys;
  }
}

/** Both sides. */
export class DepthCurves {
  bids = new DepthCurve(true);
  asks = new DepthCurve(false);
  /** Best bid + best ask in price units, a whole number; NaN unless there are both. */
  midTwice = Number.NaN;
  /** Best ask - best bid in price units, NaN unless there are both. */
  spread = Number.NaN;

  /**
   * Takes the book as it is now.
   * @param {{ bids: Side, asks: Side } | null} book
   * @param {{ mid: () => number, spread: () => number } | null} touch where its best bid and ask
   *   are: the book's own may be merged with others
   */
  take(book, touch) {
    this.bids.take(book?.bids);
    this.asks.take(book?.asks);
    const isWhole = this.bids.side.length > 0 && this.asks.side.length > 0;
    this.midTwice = isWhole && touch ? 2 * touch.mid() : Number.NaN;
    this.spread = isWhole && touch ? touch.spread() : Number.NaN;
  }

  /** The mid in price units, or the best price if there is but one side; NaN without any. */
  get middle() {
    if (!this.bids.side.length) return this.asks.best;
    return this.asks.side.length ? this.midTwice / 2 : this.bids.best;
  }
}
