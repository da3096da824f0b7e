// The depth chart's crosshair: where it is, how it moves by keys, and how it is painted.

import { DepthReadout } from './depth-readout.js';
import { compact } from './format.js';

/** @typedef {import('./chart-scale.js').Plot} Plot */
/** @typedef {import('./depth-axes.js').DepthAxes} DepthAxes */
/** @typedef {import('./depth-curve.js').DepthCurve} DepthCurve */
/** @typedef {import('./depth-curve.js').DepthCurves} DepthCurves */
/** @typedef {import('./surface.js').Surface} Surface */
/** @typedef {import('./theme.js').Theme} Theme */
/** @typedef {import('../depth-client.js').Scale} Scale */

const MIRROR_DASH = [3, 3];
const NO_DASH = /** @type {number[]} */ ([]);

/** A place on the chart, kept by pointer or by keys, and its mirror on the other side of the mid. */
export class DepthCrosshair {
  /** @type {'none' | 'pointer' | 'keys'} */
  #mode = 'none';
  #x = 0;
  #units = 0;
  #isSpeaking = false;
  #curves;
  #plot;
  #surface;
  #theme;
  #readout;

  /**
   * @param {HTMLElement} host
   * @param {DepthCurves} curves
   * @param {Plot} plot
   * @param {Surface} surface
   * @param {Theme} theme
   */
  constructor(host, curves, plot, surface, theme) {
    this.#curves = curves;
    this.#plot = plot;
    this.#surface = surface;
    this.#theme = theme;
    this.#readout = new DepthReadout(host);
  }

  /**
   * Follows the pointer.
   * @param {number} x in CSS pixels of the canvas
   * @param {number} y
   */
  point(x, y) {
    const isInside = x <= this.#plot.right && y >= this.#plot.top;
    this.#mode = isInside ? 'pointer' : 'none';
    this.#x = x;
  }

  /**
   * Goes on by levels, from the touch if it was nowhere.
   * @param {number} direction 1 or -1
   * @param {number} levels
   */
  step(direction, levels) {
    const { bids, asks } = this.#curves;
    if (this.#mode === 'none') {
      this.moveTo((direction < 0 ? bids : asks).best);
      return;
    }
    let units = this.#units;
    for (let i = 0; i < levels; i++) {
      const bid = bids.next(units, direction);
      const ask = asks.next(units, direction);
      const isBid = !Number.isNaN(bid) && !(Math.abs(ask - units) < Math.abs(bid - units));
      const next = isBid ? bid : ask;
      if (!Number.isNaN(next) && this.#isVisible(next)) units = next;
    }
    this.moveTo(units);
  }

  /**
   * Goes to a price, if the chart shows it, and says what is there.
   * @param {number} units NaN to stay
   */
  moveTo(units) {
    if (Number.isNaN(units) || !this.#isVisible(units)) return;
    this.#mode = 'keys';
    this.#units = units;
    this.#isSpeaking = true;
  }

  hide() {
    this.#mode = 'none';
    this.#readout.hide();
  }

  dispose() {
    this.#readout.dispose();
  }

  /**
   * @param {DepthAxes} axes
   * @param {Scale} scale
   * @param {(units: number) => string} formatPrice
   * @param {boolean} mayWrite whether the readout may change
   */
  draw(axes, scale, formatPrice, mayWrite) {
    if (this.#mode === 'none') {
      this.#readout.hide();
      return;
    }
    const plot = this.#plot;
    if (this.#mode === 'pointer') {
      this.#units = Math.round(plot.price(this.#x) / scale.tickUnits) * scale.tickUnits;
    }
    const units = this.#units;
    const { bids, asks, midTwice } = this.#curves;
    const hasMid = !Number.isNaN(midTwice);
    const isBid = hasMid ? 2 * units < midTwice : bids.side.length > 0;
    const near = isBid ? bids : asks;
    const far = isBid ? asks : bids;
    if (hasMid) this.#drawMarker(far, midTwice - units, true);
    this.#drawMarker(near, units, false);
    this.#drawSize(axes, near, units, scale, formatPrice(units));
    if (mayWrite) this.#readout.show(near, far, units, midTwice, scale);
    if (this.#isSpeaking) this.#readout.speak();
    this.#isSpeaking = false;
  }

  /** @param {number} units */
  #isVisible(units) {
    const { centre, span } = this.#plot;
    return Math.abs(units - centre) <= span;
  }

  /**
   * @param {DepthCurve} curve
   * @param {number} units
   * @param {boolean} isMirror
   */
  #drawMarker(curve, units, isMirror) {
    if (!this.#isVisible(units)) return;
    const { context, ratio } = this.#surface;
    const { colours } = this.#theme;
    const plot = this.#plot;
    const x = plot.x(units);
    const colour = curve.isBid ? colours.bid : colours.ask;
    if (!isMirror) curve.shadeUpTo(context, plot, colour, x);
    const line = this.#surface.snap(x) + 0.5 / ratio;
    context.strokeStyle = isMirror ? colours['text-dim'] : colours.text;
    context.lineWidth = 1 / ratio;
    context.setLineDash(isMirror ? MIRROR_DASH : NO_DASH);
    context.beginPath();
    context.moveTo(line, plot.top);
    context.lineTo(line, plot.bottom);
    context.stroke();
    context.setLineDash(NO_DASH);
    const y = Math.max(plot.y(curve.totalAt(units)), plot.top);
    context.beginPath();
    context.arc(x, y, isMirror ? 3 : 4, 0, 2 * Math.PI);
    context.fillStyle = isMirror ? colours.panel : colour;
    context.fill();
    context.strokeStyle = isMirror ? colour : colours.panel;
    context.lineWidth = 1.5;
    context.stroke();
  }

  /**
   * @param {DepthAxes} axes
   * @param {DepthCurve} curve
   * @param {number} units
   * @param {Scale} scale
   * @param {string} price
   */
  #drawSize(axes, curve, units, scale, price) {
    const { context, ratio } = this.#surface;
    const plot = this.#plot;
    const size = curve.totalAt(units);
    const x = Math.min(Math.max(plot.x(units), plot.left), plot.right);
    const y = this.#surface.snap(Math.max(plot.y(size), plot.top));
    const colour = curve.isBid ? this.#theme.colours.bid : this.#theme.colours.ask;
    context.fillStyle = colour;
    context.globalAlpha = 0.6;
    context.fillRect(x, y, plot.right - x, 1 / ratio);
    context.globalAlpha = 1;
    axes.drawPill(price, x, plot.bottom + 11, colour, false);
    axes.drawPill(compact(scale.quantity(size)), plot.right + 2, y, colour, true);
  }
}
