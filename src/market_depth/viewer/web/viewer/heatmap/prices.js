// The range of prices that a heatmap shows: it follows the market, or stays where it was put.

/** @typedef {import('../history/history.js').DepthHistory} DepthHistory */

const LOOK_MS = 250;
const EASE_MS = 110;
/** Levels a side that are shown at least, if there are as many. */
const LEAST_LEVELS = 40;
/** How much farther than the depth reaches the range goes to show where the price has been. */
const LARGEST_EXCURSION = 3;
const FREE_EDGE = 0.22;
const NARROWEST_STEPS = 8;

/** Prices from `low` to `high`, in ticks. */
export class PriceRange {
  centre = 0;
  /** Ticks from the bottom to the top. */
  span = 0;
  /** Whether the range moves along with the market. */
  isFollowing = true;
  /** Whether the range is as wide as the market needs. */
  isAutomatic = true;
  /** Whether the next look puts it where the market is, even if that is well in sight. */
  #isRecentred = false;
  #target = 0;
  #targetSpan = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #frameMs = 0;

  get low() {
    return this.centre - this.span / 2;
  }

  get high() {
    return this.centre + this.span / 2;
  }

  /** Whether there is a range. */
  get isSet() {
    return this.span > 0;
  }

  reset() {
    this.span = 0;
    this.follow();
  }

  /** Follows the market again, as wide as it needs. */
  follow() {
    this.isFollowing = true;
    this.isAutomatic = true;
    this.#isRecentred = true;
    this.#lookedMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * @param {number} factor above 1 shows more
   * @param {number} around what stays where it is, in ticks; while following, the middle does
   * @param {number} step ticks a row has at least
   */
  zoom(factor, around, step) {
    if (!this.isSet) return;
    const widest = Math.max(1e6 * step, this.centre * 2);
    const span = Math.min(Math.max(this.span * factor, NARROWEST_STEPS * step), widest);
    if (!this.isFollowing) this.centre = around + (this.centre - around) * (span / this.span);
    this.span = span;
    this.#targetSpan = span;
    this.#target = this.centre;
    this.isAutomatic = false;
  }

  /** @param {number} ticks up, or down below 0 */
  pan(ticks) {
    this.centre += ticks;
    this.#target = this.centre;
    this.#targetSpan = this.span;
    this.isFollowing = false;
    this.isAutomatic = false;
  }

  /**
   * Lets the range follow; called every frame.
   * @param {number} frameMs
   * @param {DepthHistory} history
   * @param {number} from @param {number} to the columns shown
   * @param {number} step ticks a row has at least
   */
  update(frameMs, history, from, to, step) {
    const passed = frameMs - this.#frameMs;
    this.#frameMs = frameMs;
    if (this.isFollowing && frameMs - this.#lookedMs >= LOOK_MS) {
      this.#lookedMs = frameMs;
      this.#look(history, Math.max(from, history.first), Math.min(to, history.last), step);
    }
    if (!this.isSet) return;
    const part = 1 - Math.exp(-Math.max(passed, 0) / EASE_MS);
    this.centre = approach(this.centre, this.#target, part, this.span / 4000);
    this.span = approach(this.span, this.#targetSpan, part, this.span / 4000);
  }

  /** @param {DepthHistory} history @param {number} from @param {number} to @param {number} step */
  #look(history, from, to, step) {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    let newest = -1;
    for (let number = from; number <= to; number++) {
      const slot = history.slot(number);
      if (history.isKnown[slot] === 0) continue;
      newest = slot;
      const bid = history.bestBids[slot];
      const ask = history.bestAsks[slot];
      if (bid < low) low = bid;
      if (ask < low) low = ask;
      if (ask > high) high = ask;
      if (bid > high) high = bid;
    }
    if (newest < 0 || low > high) return;
    const bid = history.bestBids[newest];
    const ask = history.bestAsks[newest];
    const mid = Number.isNaN(bid) ? ask : Number.isNaN(ask) ? bid : (bid + ask) / 2;
    if (Number.isNaN(mid)) return;
    const reach = reachOf(history, newest, mid, step);
    if (high - low > 2 * LARGEST_EXCURSION * reach) {
      low = Math.max(low, mid - LARGEST_EXCURSION * reach);
      high = Math.min(high, mid + LARGEST_EXCURSION * reach);
    }
    this.#aim(low, high, mid, reach);
  }

  /** @param {number} low @param {number} high @param {number} mid @param {number} reach */
  #aim(low, high, mid, reach) {
    const span = this.isAutomatic ? Math.max((high - low) * 1.2, 2 * reach) : this.span;
    const centre = this.isAutomatic ? (low + high) / 2 : mid;
    const isRecentred = this.#isRecentred;
    this.#isRecentred = false;
    if (!this.isSet || Math.abs(centre - this.#target) > 2 * this.#targetSpan) {
      this.centre = this.#target = centre;
      this.span = this.#targetSpan = span * 1.05;
      return;
    }
    if (isRecentred) {
      this.#target = centre;
      this.#targetSpan = span * 1.05;
    }
    const isNarrow = span > this.#targetSpan;
    if (isNarrow || span < 0.7 * this.#targetSpan) this.#targetSpan = span * 1.1;
    const edge = (0.5 - FREE_EDGE) * this.#targetSpan;
    const isNearEdge = Math.abs(mid - this.#target) > edge;
    const isOff =
      high > this.#target + 0.48 * this.#targetSpan || low < this.#target - 0.48 * this.#targetSpan;
    if (isNarrow || isNearEdge || (this.isAutomatic && isOff)) this.#target = centre;
    // A market that has run away from where it was is followed at its newest.
    if (Math.abs(mid - this.#target) > edge) this.#target = mid;
  }
}

/** Where prices lie on a chart. */
export class PriceScale {
  /** The price at the top, in ticks. */
  high = 0;
  low = 0;
  /** CSS pixels a tick. */
  perTick = 1;
  /** CSS pixels of the plot. */
  height = 0;
  /** Ticks a row has at least. */
  step = 1;
  /** Ticks that levels of the newest book span. */
  grain = 1;

  /**
   * @param {PriceRange} range @param {number} height @param {number} step @param {number} grain
   */
  set(range, height, step, grain) {
    this.grain = grain;
    this.high = range.high;
    this.low = range.low;
    this.height = height;
    this.step = step;
    this.perTick = height / range.span;
  }

  /** @param {number} ticks */
  y(ticks) {
    return (this.high - ticks) * this.perTick;
  }

  /** @param {number} y */
  ticks(y) {
    return this.high - y / this.perTick;
  }
}

/**
 * How far from the middle levels are worth showing.
 * @param {DepthHistory} history @param {number} slot @param {number} mid @param {number} step
 */
function reachOf(history, slot, mid, step) {
  let reach = 10 * step;
  for (let side = 0; side < 2; side++) {
    const count = history.counts[2 * slot + side];
    if (count === 0) continue;
    const start = (2 * slot + side) * history.levels;
    const base = history.bases[slot];
    const near = base + history.offsets[start + Math.min(count, LEAST_LEVELS) - 1];
    const half = base + history.offsets[start + (count >> 1)];
    reach = Math.max(reach, Math.abs(near - mid), Math.abs(half - mid));
  }
  return reach + step;
}

/** @param {number} from @param {number} to @param {number} part @param {number} near */
function approach(from, to, part, near) {
  return Math.abs(to - from) <= near ? to : from + (to - from) * part;
}
