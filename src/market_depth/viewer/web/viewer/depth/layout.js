// Where everything is on the depth chart: its axes follow the market, slowly.

import { Glide, Plot, SteadyEnd } from './scale.js';

/** @typedef {import('./curve.js').DepthCurves} DepthCurves */
/** @typedef {import('../shared/surface.js').Surface} Surface */
/** @typedef {import('../../depth-client.js').Scale} Scale */

/** The height of the line above the plot, in CSS pixels. */
export const HEAD_PIXELS = 24;
/** The height of the prices below the plot, in CSS pixels. */
export const FOOT_PIXELS = 20;
/** The width of the totals beside the plot, in CSS pixels. */
export const GUTTER_PIXELS = 46;
const LEAST_TICKS = 5;
/** How far the mid may be from the middle before the chart follows it, as a part of the span. */
const SLACK = 0.08;
/** What is off by less than this part of an axis can't be seen. */
const CLOSE = 1e-3;

/** Keeps a plot on the market. */
export class DepthLayout {
  plot = new Plot();
  /** The span that was chosen in price units, NaN while it is automatic. */
  chosen = Number.NaN;
  #curves;
  #centre = new Glide();
  #automatic = new SteadyEnd();
  #span = new Glide();
  #most = new SteadyEnd();

  /** @param {DepthCurves} curves */
  constructor(curves) {
    this.#curves = curves;
  }

  /** Jumps to the market at the next chance. */
  reset() {
    for (const one of [this.#centre, this.#automatic, this.#span, this.#most]) one.reset();
  }

  /**
   * Brings the plot to where it should be now; there must be a book with a level.
   * @param {Surface} surface
   * @param {Scale} scale
   * @param {number} nowMs
   * @param {number} elapsedMs since the last frame, Infinity to jump
   * @returns {boolean} whether it is still on its way
   */
  update(surface, scale, nowMs, elapsedMs) {
    const { plot } = this;
    const { bids, asks, middle } = this.#curves;
    plot.right = surface.snap(surface.width - GUTTER_PIXELS);
    plot.top = HEAD_PIXELS;
    plot.bottom = surface.snap(surface.height - FOOT_PIXELS);
    const [least] = this.#limits(scale);
    const reach = Math.max(bids.usualReach(middle), asks.usualReach(middle));
    this.#automatic.need(Math.max(reach, least), nowMs);
    this.#span.aim(Number.isNaN(this.chosen) ? this.#automatic.target : this.chosen);
    const isNear = Math.abs(middle - this.#centre.target) <= SLACK * this.#span.target;
    if (!isNear) this.#centre.aim(middle);
    const isSpanMoving = this.#span.move(elapsedMs, CLOSE * this.#span.target);
    const isCentreMoving = this.#centre.move(elapsedMs, CLOSE * this.#span.target);
    plot.span = this.#span.value;
    plot.centre = this.#centre.value;
    const visible = [bids.totalAt(plot.centre - plot.span), asks.totalAt(plot.centre + plot.span)];
    this.#most.need(Math.max(...visible, 1), nowMs);
    const isMostMoving = this.#most.move(elapsedMs, CLOSE * this.#most.target);
    plot.most = this.#most.value;
    return isSpanMoving || isCentreMoving || isMostMoving;
  }

  /**
   * Makes the span wider, within limits.
   * @param {number} factor
   * @param {Scale} scale
   */
  widen(factor, scale) {
    if (Number.isNaN(this.#span.target)) return;
    const [least, most] = this.#limits(scale);
    this.chosen = Math.min(Math.max(this.#span.target * factor, least), most);
    this.#span.aim(this.chosen);
  }

  /**
   * The narrowest and the widest span in price units: the touch, and all of the book.
   * @param {Scale} scale
   * @returns {[number, number]}
   */
  #limits(scale) {
    const { bids, asks, middle, spread } = this.#curves;
    const least = Math.max(LEAST_TICKS * scale.tickUnits, 1.5 * Math.abs(spread) || 0);
    const reach = Math.max(bids.reach(middle), asks.reach(middle));
    return [least, Math.max(1.05 * reach, 2 * least)];
  }
}
