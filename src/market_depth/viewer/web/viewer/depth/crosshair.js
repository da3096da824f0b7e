// The depth chart's crosshair: where it is, how it moves by keys, and how it is painted.

import { compact } from '../shared/format.js';
import { DepthReadout } from './readout.js';

/** @typedef {import('./scale.js').Plot} Plot */
/** @typedef {import('./axes.js').DepthAxes} DepthAxes */
/** @typedef {import('./curve.js').DepthCurve} DepthCurve */
/** @typedef {import('./curve.js').DepthCurves} DepthCurves */
/** @typedef {import('../shared/surface.js').Surface} Surface */
/** @typedef {import('../shared/theme.js').Theme} Theme */
/** @typedef {import('../../depth-client.js').Scale} Scale */

const MIRROR_DASH = [3, 3];
const NO_DASH = /** @type {number[]} */ ([]);

/** A place on the chart, kept by pointer or by keys, and its mirror on the other side of the mid. */
export class DepthCrosshair {
  /** @type {'none' | 'pointer' | 'keys'} */
  #mode = 'none';
  /** Where its labels are in CSS pixels, NaN if it is nowhere. */
  place = { x: Number.NaN, y: Number.NaN };
  #pointerX = 0;
  #units = 0;
  #isSpeaking = false;
  #price = '';
  #size = '';
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
    this.#pointerX = x;
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
   * Finds its place on the plot as it is now.
   * @param {Scale} scale
   */
  locate(scale) {
    const plot = this.#plot;
    this.place.x = Number.NaN;
    this.place.y = Number.NaN;
    if (this.#mode === 'none') return;
    if (this.#mode === 'pointer') {
      this.#units = Math.round(plot.price(this.#pointerX) / scale.tickUnits) * scale.tickUnits;
    }
    const size = this.#near.totalAt(this.#units);
    this.place.x = Math.min(Math.max(plot.x(this.#units), plot.left), plot.right);
    this.place.y = this.#surface.snap(Math.max(plot.y(size), plot.top));
  }

  /**
   * Draws it where `locate` has found it.
   * @param {DepthAxes} axes
   * @param {Scale} scale
   * @param {(units: number) => string} formatPrice
   * @param {boolean} mayWrite whether its texts may change
   */
  draw(axes, scale, formatPrice, mayWrite) {
    if (this.#mode === 'none') {
      this.#readout.hide();
      return;
    }
    const units = this.#units;
    const { bids, asks, midTwice } = this.#curves;
    const near = this.#near;
    const far = near.isBid ? asks : bids;
    if (!Number.isNaN(midTwice)) this.#drawMarker(far, midTwice - units, true);
    this.#drawMarker(near, units, false);
    if (mayWrite) {
      this.#price = formatPrice(units);
      this.#size = compact(scale.quantity(near.totalAt(units)));
      this.#readout.show(near, far, units, midTwice, scale);
    }
    this.#drawPlace(axes);
    if (this.#isSpeaking) this.#readout.speak();
    this.#isSpeaking = false;
  }

  /** The side that it is on. */
  get #near() {
    const { bids, asks, midTwice } = this.#curves;
    const isBid = Number.isNaN(midTwice) ? bids.side.length > 0 : 2 * this.#units < midTwice;
    return isBid ? bids : asks;
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

  /** @param {DepthAxes} axes */
  #drawPlace(axes) {
    const { context, ratio } = this.#surface;
    const plot = this.#plot;
    const { x, y } = this.place;
    const colour = this.#near.isBid ? this.#theme.colours.bid : this.#theme.colours.ask;
    context.fillStyle = colour;
    context.globalAlpha = 0.6;
    context.fillRect(x, y, plot.right - x, 1 / ratio);
    context.globalAlpha = 1;
    axes.drawPill(this.#price, x, plot.bottom + 11, colour, false);
    axes.drawPill(this.#size, plot.right + 2, y, colour, true);
  }
}
