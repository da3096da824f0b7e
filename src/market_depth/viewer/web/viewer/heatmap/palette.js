// The colours of a heatmap: how large a resting size is, as lightness; whose it is, as hue.

import { channels } from '../shared/theme.js';

/** @typedef {import('../shared/theme.js').Theme} Theme */

const SHADES = 256;
/** Above 1: usual sizes stay near the background, so that large ones stand out. */
const CONTRAST = 1.3;
/** Chroma of the most colourful shade. */
const STRENGTH = 0.13;

/** Opaque colours as they lie in an ImageData: little-endian ABGR, 256 shades a side. */
export class Palette {
  bids = new Uint32Array(SHADES);
  asks = new Uint32Array(SHADES);
  /** Where no book is known. */
  unknown = 0;
  /** The stripes there. */
  stripe = 0;

  /** @param {Theme} theme */
  read({ colours, isDark }) {
    const ground = lab(channels(colours.background));
    const light = isDark ? 0.97 : 0.3;
    fill(this.bids, ground, lab(channels(colours.bid)), light);
    fill(this.asks, ground, lab(channels(colours.ask)), light);
    const panel = lab(channels(colours.panel));
    const line = lab(channels(colours.line));
    this.unknown = pack(panel[0], panel[1], panel[2]);
    this.stripe = pack(line[0], line[1], line[2]);
  }
}

/**
 * A ramp from the background through the side's colour to a lighter (on dark) or darker end. Both
 * sides have the same lightness at the same shade, so that sizes compare across them.
 * @param {Uint32Array} shades
 * @param {number[]} ground @param {number[]} colour OKLab
 * @param {number} end lightness of the largest
 */
function fill(shades, ground, colour, end) {
  const chroma = Math.hypot(colour[1], colour[2]);
  const a = colour[1] / chroma;
  const b = colour[2] / chroma;
  for (let shade = 0; shade < SHADES; shade++) {
    const part = shade / (SHADES - 1);
    const lightness = ground[0] + (end - ground[0]) * part ** CONTRAST;
    // Most colourful above the middle; the ends are nearly grey.
    const strength = STRENGTH * Math.sin(Math.PI * part ** 0.95 * 0.9);
    const rest = 1 - Math.min(1, part * 3);
    shades[shade] = pack(
      lightness,
      ground[1] * rest + a * strength,
      ground[2] * rest + b * strength,
    );
  }
}

/**
 * OKLab of a colour (Björn Ottosson, 2020).
 * @param {[number, number, number]} rgb 0 to 255
 */
function lab(rgb) {
  const r = linear(rgb[0]);
  const g = linear(rgb[1]);
  const b = linear(rgb[2]);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** @param {number} lightness @param {number} a @param {number} b OKLab */
function pack(lightness, a, b) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const red = encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  const green = encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  const blue = encoded(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

/** @param {number} channel 0 to 255, sRGB */
function linear(channel) {
  const value = channel / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/** @param {number} value linear, 0 to 1 */
function encoded(value) {
  const inside = Math.min(Math.max(value, 0), 1);
  const channel = inside <= 0.0031308 ? inside * 12.92 : 1.055 * inside ** (1 / 2.4) - 0.055;
  return Math.round(channel * 255);
}

const LEGEND_SHADES = 24;
const LEGEND_WIDTH = 72;

/**
 * What the colours mean, at the upper left.
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {Palette} palette
 * @param {string} text the size of the strongest colour
 * @param {number} textWidth CSS pixels
 */
export function drawLegend(context, theme, palette, text, textWidth) {
  const bar = LEGEND_WIDTH / LEGEND_SHADES;
  context.globalAlpha = 0.85;
  context.fillStyle = theme.colours.panel;
  context.fillRect(6, 6, LEGEND_WIDTH + textWidth + 14, 20);
  context.globalAlpha = 1;
  for (let at = 0; at < LEGEND_SHADES; at++) {
    const shade = Math.round((at / (LEGEND_SHADES - 1)) * (SHADES - 1));
    context.fillStyle = css(palette.bids[shade]);
    context.fillRect(10 + at * bar, 10, bar + 0.5, 6);
    context.fillStyle = css(palette.asks[shade]);
    context.fillRect(10 + at * bar, 16, bar + 0.5, 6);
  }
  context.fillStyle = theme.colours.text;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillText(text, 16 + LEGEND_WIDTH, 16.5);
}

/**
 * A packed colour as CSS.
 * @param {number} packed
 */
function css(packed) {
  return `rgb(${packed & 255} ${(packed >> 8) & 255} ${(packed >> 16) & 255})`;
}
