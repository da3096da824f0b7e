// The depth chart's axes: prices below, running totals on the right, and the lines between them.

import { compact } from '../shared/format.js';
import { niceStep } from './scale.js';

/** @typedef {import('./scale.js').Plot} Plot */
/** @typedef {import('../shared/surface.js').Surface} Surface */
/** @typedef {import('../shared/theme.js').Theme} Theme */
/** @typedef {import('../../depth-client.js').Scale} Scale */

/** The height of the axis labels' font in CSS pixels. */
export const FONT_PIXELS = 11;
const LEAST_ROW = 38;
const MOST_TEXTS = 64;
const LABEL_GAP = 26;
const PILL_PIXELS = 16;

/**
 * @param {number} size
 * @param {number} step between the labels
 */
function sizeText(size, step) {
  if (step >= 1000) return compact(size);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return decimals > 4 ? size.toExponential(0) : size.toFixed(decimals);
}

/** Paints the axes. */
export class DepthAxes {
  #surface;
  #theme;
  /** @type {Map<number, string>} texts of price ticks by price */
  #texts = new Map();
  #charWidth = 0;
  #priceStep = 0;
  #sizeStep = 0;
  #sizeLabels = /** @type {string[]} */ ([]);

  /**
   * @param {Surface} surface
   * @param {Theme} theme
   */
  constructor(surface, theme) {
    this.#surface = surface;
    this.#theme = theme;
  }

  /** Forgets the texts: the scale or the font may be another. */
  reset() {
    this.#texts.clear();
    this.#charWidth = 0;
    this.#priceStep = 0;
    this.#sizeStep = 0;
  }

  /**
   * @param {Plot} plot
   * @param {Scale} scale
   * @param {(units: number) => string} formatPrice
   * @param {{ x: number, y: number }} taken where the crosshair has its own labels, NaN for nowhere
   */
  draw(plot, scale, formatPrice, taken) {
    const { context } = this.#surface;
    context.font = `${FONT_PIXELS}px ${this.#theme.font}`;
    context.textBaseline = 'middle';
    if (!this.#charWidth) this.#charWidth = context.measureText('0').width;
    this.#drawSizes(plot, scale, taken.y);
    this.#drawPrices(plot, scale, formatPrice, taken.x);
  }

  /**
   * @param {Plot} plot
   * @param {Scale} scale
   * @param {number} takenY
   */
  #drawSizes(plot, scale, takenY) {
    const { context, ratio } = this.#surface;
    const { colours } = this.#theme;
    const unit = 10 ** scale.quantityDecimals;
    const rows = Math.max(1, Math.floor((plot.bottom - plot.top) / LEAST_ROW));
    const step = niceStep(Math.max(plot.most / rows, 1) / unit);
    if (step !== this.#sizeStep) {
      this.#sizeStep = step;
      this.#sizeLabels.length = 0;
    }
    context.textAlign = 'left';
    for (let i = 1; i * step * unit <= plot.most; i++) {
      const y = Math.round(plot.y(i * step * unit) * ratio) / ratio;
      this.#sizeLabels[i - 1] ??= sizeText(i * step, step);
      context.fillStyle = colours.line;
      context.fillRect(plot.left, y, plot.right - plot.left, 1 / ratio);
      if (Math.abs(y - takenY) < PILL_PIXELS) continue;
      context.fillStyle = colours['text-dim'];
      context.fillText(this.#sizeLabels[i - 1], plot.right + 6, y);
    }
    context.fillStyle = colours.line;
    context.fillRect(plot.left, plot.bottom, plot.right - plot.left, 1 / ratio);
  }

  /**
   * @param {Plot} plot
   * @param {Scale} scale
   * @param {(units: number) => string} formatPrice
   * @param {number} takenX
   */
  #drawPrices(plot, scale, formatPrice, takenX) {
    const { context, ratio } = this.#surface;
    const { colours } = this.#theme;
    const width = formatPrice(Math.round(plot.centre)).length * this.#charWidth;
    const columns = Math.max(1, (plot.right - plot.left) / (width + LABEL_GAP));
    const least = Math.max((2 * plot.span) / columns, scale.tickUnits);
    const step = Math.round(Math.max(niceStep(least / scale.tickUnits), 1)) * scale.tickUnits;
    if (step !== this.#priceStep || this.#texts.size > MOST_TEXTS) this.#texts.clear();
    this.#priceStep = step;
    const end = Math.floor((plot.centre + plot.span) / step) * step;
    context.textAlign = 'center';
    for (
      let units = Math.ceil((plot.centre - plot.span) / step) * step;
      units <= end;
      units += step
    ) {
      const x = plot.x(units);
      context.fillStyle = colours.line;
      context.fillRect(Math.round(x * ratio) / ratio, plot.bottom, 1 / ratio, 4);
      if (x - width / 2 < plot.left || x + width / 2 > this.#surface.width) continue;
      if (Math.abs(x - takenX) < width + 8) continue;
      const text = this.#texts.get(units) ?? formatPrice(units);
      this.#texts.set(units, text);
      context.fillStyle = colours['text-dim'];
      context.fillText(text, x, plot.bottom + 11);
    }
  }

  /**
   * A label on an axis that tells where the crosshair is.
   * @param {string} text
   * @param {number} x its middle, or its left edge if `isLeft`
   * @param {number} y its middle
   * @param {string} colour
   * @param {boolean} isLeft
   */
  drawPill(text, x, y, colour, isLeft) {
    const { context, ratio, width } = this.#surface;
    const wide = text.length * this.#charWidth + 8;
    const left = isLeft
      ? Math.min(x, width - wide)
      : Math.max(0, Math.min(x - wide / 2, width - wide));
    const snapped = Math.round(left * ratio) / ratio;
    context.fillStyle = colour;
    context.fillRect(snapped, Math.round((y - PILL_PIXELS / 2) * ratio) / ratio, wide, PILL_PIXELS);
    context.fillStyle = this.#theme.colours.panel;
    context.textAlign = 'left';
    context.fillText(text, snapped + 4, y + 0.5);
  }
}
