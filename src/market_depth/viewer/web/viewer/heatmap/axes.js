// Axes of time and price: where their labels lie, and the labels' text, kept.

import { clock } from '../shared/format.js';

/** @typedef {import('../shared/theme.js').Theme} Theme */
/** @typedef {import('./span.js').TimeScale} TimeScale */
/** @typedef {import('./prices.js').PriceScale} PriceScale */

const STEPS_MS = [
  5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000,
];
const LEAST_BETWEEN_PX = 38;
const FLAG = 16;
const MOST_KEPT = 512;
const CHARACTER = 0.62;
/** CSS pixels of axis text. */
export const TEXT_SIZE = 11;

/** Texts of numbers, made once each; a bounded number of them is kept. */
export class Texts {
  /** @type {Map<number, string>} */
  #texts = new Map();
  /** @type {(value: number) => string} */
  #make;

  /** @param {(value: number) => string} make */
  constructor(make) {
    this.#make = make;
  }

  /** @param {number} value */
  of(value) {
    let text = this.#texts.get(value);
    if (text === undefined) {
      if (this.#texts.size >= MOST_KEPT) this.#texts.clear();
      text = this.#make(value);
      this.#texts.set(value, text);
    }
    return text;
  }

  clear() {
    this.#texts.clear();
  }
}

const TIMES = new Texts((timeMs) => clock(timeMs));
const MINUTES = new Texts((timeMs) => clock(timeMs).slice(0, 5));

/** Width of a text in a monospaced font, roughly. @param {number} characters */
export function textWidth(characters) {
  return Math.ceil(characters * CHARACTER * TEXT_SIZE);
}

/**
 * The least of 1, 2, 5 times a power of ten that is not below.
 * @param {number} least
 */
export function niceStep(least) {
  const decade = 10 ** Math.floor(Math.log10(least));
  const rest = least / decade;
  return (rest <= 1 ? 1 : rest <= 2 ? 2 : rest <= 5 ? 5 : 10) * decade;
}

/**
 * Grid lines and labels of time below a plot.
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {TimeScale} scale
 * @param {number} top @param {number} bottom of the plot
 * @param {boolean} hasLabels
 */
export function drawTimes(context, theme, scale, top, bottom, hasLabels) {
  const leastMs = 78 / scale.perMs;
  let step = STEPS_MS[STEPS_MS.length - 1];
  for (let at = STEPS_MS.length - 1; at >= 0 && STEPS_MS[at] >= leastMs; at--) step = STEPS_MS[at];
  const right = scale.left + scale.width;
  const texts = step % 60_000 === 0 ? MINUTES : TIMES;
  const half = textWidth(step % 60_000 === 0 ? 5 : 8) / 2;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  const last = scale.time(right);
  for (let time = Math.ceil(scale.time(scale.left) / step) * step; time <= last; time += step) {
    const x = Math.round(scale.x(time) * scale.ratio) / scale.ratio;
    context.fillStyle = theme.colours.line;
    context.fillRect(x, hasLabels ? bottom : top, 1 / scale.ratio, hasLabels ? 4 : bottom - top);
    if (!hasLabels || x - half < scale.left || x + half > right) continue;
    context.fillStyle = theme.colours['text-dim'];
    context.fillText(texts.of(time), x, bottom + 12);
  }
}

/**
 * Labels of prices right of a plot.
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {PriceScale} scale
 * @param {Texts} texts of prices in ticks
 * @param {number} left right edge of the plot
 * @param {number} ratio device pixels a CSS pixel
 * @param {number} taken y at which something else stands; NaN if nothing does
 * @returns {number} CSS pixels that the labels need
 */
export function drawPrices(context, theme, scale, texts, left, ratio, taken) {
  const { colours } = theme;
  const step = Math.max(scale.step, niceStep(LEAST_BETWEEN_PX / scale.perTick));
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  let longest = 0;
  for (let ticks = Math.ceil(scale.low / step) * step; ticks <= scale.high; ticks += step) {
    const y = scale.y(ticks);
    const text = texts.of(ticks);
    longest = Math.max(longest, text.length);
    if (y < 8 || y > scale.height - 8) continue;
    context.fillStyle = colours.line;
    context.fillRect(left, Math.round(y * ratio) / ratio, 4, 1 / ratio);
    if (Math.abs(y - taken) < FLAG) continue;
    context.fillStyle = colours['text-dim'];
    context.fillText(text, left + 8, y);
  }
  return textWidth(longest) + 14;
}

/**
 * A price in a box on the axis.
 * @param {CanvasRenderingContext2D} context
 * @param {PriceScale} scale
 * @param {string} text
 * @param {number} y @param {number} left @param {number} right
 * @param {string} ground @param {string} ink
 */
export function drawFlag(context, scale, text, y, left, right, ground, ink) {
  const top = Math.min(Math.max(Math.round(y) - FLAG / 2, 0), scale.height - FLAG);
  context.fillStyle = ground;
  context.fillRect(left + 1, top, right - left - 1, FLAG);
  context.fillStyle = ink;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillText(text, left + 8, top + FLAG / 2 + 0.5);
}
