// The line above the depth chart: mid, spread, and how much stands on either side.

import { compact } from '../shared/format.js';
import { FONT_PIXELS } from './axes.js';
import { bpsText, decimalText, midText } from './cost.js';
import { HEAD_PIXELS } from './layout.js';

/** @typedef {import('./scale.js').Plot} Plot */
/** @typedef {import('./curve.js').DepthCurves} DepthCurves */
/** @typedef {import('../shared/surface.js').Surface} Surface */
/** @typedef {import('../shared/theme.js').Theme} Theme */
/** @typedef {import('../../depth-client.js').Scale} Scale */

/** The narrowest chart that has the totals beside the mid. */
const WIDE_PIXELS = 500;
/** What is left to the buttons beside the plot's corner, in all and within it. */
const TOOLS_PIXELS = 60;
const TOOLS_INSIDE_PIXELS = 46;
const GAP = 8;

/** Texts that are put together when they are asked for, and painted with every frame. */
export class DepthHead {
  #mid = '';
  #spread = '';
  #bids = '';
  #asks = '';
  #isOdd = false;

  /**
   * @param {DepthCurves} curves
   * @param {Plot} plot
   * @param {Scale} scale
   */
  write(curves, plot, scale) {
    const { bids, asks, midTwice, middle, spread } = curves;
    const { priceDecimals } = scale;
    const isWhole = !Number.isNaN(midTwice);
    this.#mid = midText(isWhole ? midTwice : 2 * middle, priceDecimals);
    this.#isOdd = !(spread > 0);
    if (isWhole) {
      const bps = bpsText(midTwice > 0 ? (spread / midTwice) * 20_000 : Number.NaN);
      const kind = spread < 0 ? 'crossed' : spread === 0 ? 'locked' : 'spread';
      this.#spread = `${kind} ${decimalText(BigInt(spread), priceDecimals)} · ${bps} bps`;
    } else {
      this.#spread = bids.side.length ? 'no asks' : 'no bids';
    }
    const { centre, span } = plot;
    this.#bids = `bids ${compact(scale.quantity(bids.totalAt(centre - span)))}`;
    this.#asks = `asks ${compact(scale.quantity(asks.totalAt(centre + span)))}`;
  }

  /** The mid and the spread in words. */
  get words() {
    return `mid ${this.#mid}, ${this.#spread}`;
  }

  /**
   * @param {Surface} surface
   * @param {Plot} plot
   * @param {Theme} theme
   */
  draw(surface, plot, { colours, font }) {
    const { context, width } = surface;
    const y = HEAD_PIXELS / 2 + 1;
    const plain = `${FONT_PIXELS}px ${font}`;
    const strong = `600 13px ${font}`;
    context.textAlign = 'left';
    context.textBaseline = 'middle';
    context.font = strong;
    const midWidth = context.measureText(this.#mid).width;
    context.fillStyle = colours.text;
    context.font = plain;
    const both = midWidth + GAP + context.measureText(this.#spread).width;
    const left = Math.max(GAP, (plot.left + plot.right - both) / 2);
    const hasRoom = left + both < width - TOOLS_PIXELS;
    context.font = strong;
    context.fillText(this.#mid, left, y);
    context.font = plain;
    context.fillStyle = this.#isOdd ? colours.warning : colours['text-dim'];
    if (hasRoom || this.#isOdd) context.fillText(this.#spread, left + midWidth + GAP, y);
    if (width < WIDE_PIXELS) return;
    context.fillStyle = colours.bid;
    context.fillText(this.#bids, GAP, y);
    context.fillStyle = colours.ask;
    context.textAlign = 'right';
    context.fillText(this.#asks, plot.right - TOOLS_INSIDE_PIXELS, y);
  }
}
