// The picture of a history: one pixel column a column (or group of them), one pixel row a price
// row. A ring: what scrolls in is painted over what has scrolled out.

import { Palette } from './palette.js';

/** @typedef {import('../history/history.js').DepthHistory} DepthHistory */
/** @typedef {import('../shared/theme.js').Theme} Theme */
/** @typedef {import('./span.js').TimeScale} TimeScale */

/** Pixel columns painted at once. */
const STRIP = 32;
const SHADES = 255;
/** Least and most that the largest size may be off before everything is painted anew. */
const SLACK = 1.35;
const SCALE_CHECK_MS = 2000;
const SAMPLED_COLUMNS = 96;
const BINS = 512;
const BINS_PER_OCTAVE = 8;
/** Part of the rows that are shown as the largest size. */
const SATURATED = 0.004;
const STRIPE_ROWS = 6;

/** An off-screen ring of columns. */
export class HeatmapBitmap {
  /** Columns of the history in one of the bitmap: 1, 2, 4, … */
  group = 1;
  /** Ticks a row. */
  rowTicks = 1;
  /** Size in units that has the strongest colour. */
  largest = 0;
  palette = new Palette();
  #canvas = document.createElement('canvas');
  #context = /** @type {CanvasRenderingContext2D} */ (
    this.#canvas.getContext('2d', { alpha: false })
  );
  // The newest group is a picture of its own: it changes all the time, and to change a canvas that
  // has just been drawn costs a copy of it.
  #tip = document.createElement('canvas');
  #tipContext = /** @type {CanvasRenderingContext2D} */ (
    this.#tip.getContext('2d', { alpha: false })
  );
  #strip = new ImageData(STRIP, 1);
  #pixels = new Uint32Array(this.#strip.data.buffer);
  /** Which group each pixel column shows; -1: none. */
  #shown = new Float64Array(0);
  /** Number of the top row: the row above its price, in rows. */
  #topRow = 0;
  #epoch = -1;
  #revision = -1;
  #themeRevision = -1;
  #scaleCheckMs = Number.NEGATIVE_INFINITY;
  #bins = new Float64Array(BINS);

  /** Rows a bitmap has. */
  get height() {
    return this.#canvas.height;
  }

  /** Everything is to be painted anew. */
  clear() {
    this.#shown.fill(-1);
    this.#revision = -1;
  }

  /**
   * Makes the bitmap fit what is shown.
   * @param {number} columns of the history that are shown
   * @param {number} pixels most columns that the bitmap is to show
   * @param {number} low @param {number} high the prices shown, in ticks
   * @param {number} step ticks a row has at least
   * @param {number} rows device pixels that they have
   */
  fit(columns, pixels, low, high, step, rows) {
    let group = 1;
    while (columns / group > pixels) group *= 2;
    const rowTicks = step * nice((high - low) / step / rows);
    const width = Math.ceil((pixels + 2 * STRIP) / STRIP) * STRIP;
    const visible = Math.ceil((high - low) / rowTicks) + 2;
    const isHigh = visible > this.#canvas.height || visible * 3 < this.#canvas.height;
    if (isHigh || width !== this.#canvas.width) {
      const height = Math.ceil(visible * 1.5);
      this.#canvas.width = width;
      this.#canvas.height = height;
      this.#tip.width = 1;
      this.#tip.height = height;
      this.#strip = new ImageData(STRIP, height);
      this.#pixels = new Uint32Array(this.#strip.data.buffer);
      this.#shown = new Float64Array(width).fill(-1);
      this.#topRow = Number.NaN;
    }
    const top = Math.floor(high / rowTicks) + 1;
    const bottom = Math.floor(low / rowTicks);
    const isInside = top <= this.#topRow && bottom > this.#topRow - this.height;
    if (group !== this.group || rowTicks !== this.rowTicks || !isInside) {
      this.group = group;
      this.rowTicks = rowTicks;
      this.#topRow = top + ((this.height - (top - bottom)) >> 1);
      this.#scaleCheckMs = Number.NEGATIVE_INFINITY;
      this.clear();
    }
  }

  /**
   * Paints what is not painted yet.
   * @param {DepthHistory} history
   * @param {Theme} theme
   * @param {number} from @param {number} to the groups shown
   * @param {number} frameMs
   */
  paint(history, theme, from, to, frameMs) {
    if (theme.revision !== this.#themeRevision) {
      this.#themeRevision = theme.revision;
      this.palette.read(theme);
      this.clear();
    }
    if (history.epoch !== this.#epoch) {
      this.#epoch = history.epoch;
      this.largest = 0;
      this.clear();
    }
    if (this.largest === 0 || frameMs - this.#scaleCheckMs > SCALE_CHECK_MS) {
      this.#scaleCheckMs = frameMs;
      this.#rescale(history, from, to);
    }
    const width = this.#shown.length;
    const newest = Math.floor(history.last / this.group);
    if (to >= newest && newest >= 0 && history.revision !== this.#revision) {
      this.#revision = history.revision;
      this.#paintColumn(history, newest, 0);
      this.#tipContext.putImageData(this.#strip, 0, 0, 0, 0, 1, this.height);
    }
    const end = Math.min(to, newest - 1);
    for (let group = from; group <= end; group++) {
      if (this.#shown[group % width] === group) continue;
      const x = group % width;
      let length = 1;
      const most = Math.min(STRIP, width - x, end - group + 1);
      while (length < most && this.#shown[x + length] !== group + length) length++;
      this.#paintStrip(history, group, length, x);
      group += length - 1;
    }
  }

  /**
   * Draws the groups shown, but not the newest, to a context whose unit is a device pixel; clipped by the caller.
   * @param {CanvasRenderingContext2D} context
   * @param {number} from @param {number} to groups
   * @param {TimeScale} scale
   * @param {number} columnMs
   * @param {number} left device pixels of the plot's left edge
   * @param {number} top where the bitmap's upper edge comes, device pixels
   * @param {number} height device pixels that the bitmap's rows fill
   */
  draw(context, from, to, scale, columnMs, left, top, height) {
    const width = this.#shown.length;
    const perGroup = scale.perMs * scale.ratio * columnMs * this.group;
    const origin = left - scale.scroll;
    context.imageSmoothingEnabled = false;
    for (let turn = Math.floor(from / width); turn <= Math.floor(to / width); turn++) {
      const x = Math.round(turn * width * perGroup) + origin;
      const next = Math.round((turn + 1) * width * perGroup) + origin;
      context.drawImage(this.#canvas, 0, 0, width, this.height, x, top, next - x, height);
    }
  }

  /**
   * Draws the newest group.
   * @param {CanvasRenderingContext2D} context
   * @param {number} x @param {number} right device pixels
   * @param {number} top @param {number} height as in `draw`
   */
  drawTip(context, x, right, top, height) {
    if (right > x) context.drawImage(this.#tip, 0, 0, 1, this.height, x, top, right - x, height);
  }

  /** Ticks at the upper edge of the bitmap. */
  get topTicks() {
    return (this.#topRow + 1) * this.rowTicks;
  }

  dispose() {
    this.#canvas.width = 0;
    this.#canvas.height = 0;
    this.#tip.height = 0;
  }

  /** @param {DepthHistory} history @param {number} group @param {number} length @param {number} x */
  #paintStrip(history, group, length, x) {
    for (let at = 0; at < length; at++) {
      this.#shown[x + at] = group + at;
      this.#paintColumn(history, group + at, at);
    }
    this.#context.putImageData(this.#strip, x, 0, 0, 0, length, this.height);
  }

  /** @param {DepthHistory} history @param {number} group @param {number} at in the strip */
  #paintColumn(history, group, at) {
    const pixels = this.#pixels;
    const { bids, asks, unknown, stripe } = this.palette;
    const first = group * this.group;
    const number = Math.min(first + this.group - 1, history.last);
    if (number < first || !history.has(number)) {
      const isGap = number >= first && number >= history.first;
      for (let row = 0, pixel = at; row < this.height; row++, pixel += STRIP) {
        pixels[pixel] = isGap && (row + group) % STRIPE_ROWS === 0 ? stripe : unknown;
      }
      return;
    }
    for (let pixel = at, end = this.height * STRIP; pixel < end; pixel += STRIP) {
      pixels[pixel] = bids[0];
    }
    const slot = history.slot(number);
    this.#paintSide(history, slot, 0, bids, at);
    this.#paintSide(history, slot, 1, asks, at);
  }

  /**
   * @param {DepthHistory} history @param {number} slot @param {0 | 1} side
   * @param {Uint32Array} shades @param {number} at in the strip
   */
  #paintSide(history, slot, side, shades, at) {
    const { offsets, quantities } = history;
    const pixels = this.#pixels;
    const height = this.height;
    const topRow = this.#topRow;
    const perRow = 1 / this.rowTicks;
    const base = history.bases[slot];
    const start = (2 * slot + side) * history.levels;
    const end = start + history.counts[2 * slot + side];
    const scale = (SHADES * SHADES) / this.largest;
    // A level that spans several rows is spread over them, towards the middle.
    const rows = Math.max(1, Math.round(history.steps[slot] * perRow));
    const down = side === 0 ? 0 : rows - 1;
    let row = Number.NaN;
    let sum = 0;
    for (let level = start; level <= end; level++) {
      const next = level < end ? Math.floor((base + offsets[level]) * perRow) : Number.NaN;
      if (next === row) {
        sum += quantities[level];
        continue;
      }
      if (sum > 0) {
        const shade = Math.min(SHADES, Math.sqrt((sum / rows) * scale)) | 0;
        let y = topRow - row + down - rows + 1;
        for (let more = rows; more > 0; more--, y++) {
          if (y >= 0 && y < height) pixels[y * STRIP + at] = shades[shade];
        }
      }
      row = next;
      sum = level < end ? quantities[level] : 0;
    }
  }

  /**
   * Adapts the strongest colour to the sizes shown, if they have become quite different.
   * @param {DepthHistory} history @param {number} from @param {number} to
   */
  #rescale(history, from, to) {
    const first = Math.max(from * this.group, history.first);
    const last = Math.min((to + 1) * this.group - 1, history.last);
    const every = Math.max(1, Math.floor((last - first) / SAMPLED_COLUMNS));
    this.#bins.fill(0);
    let rows = 0;
    for (let number = last; number >= first; number -= every) {
      if (history.has(number)) rows += this.#count(history, history.slot(number));
    }
    if (rows === 0) return;
    let above = rows * SATURATED;
    let bin = BINS - 1;
    for (; bin > 0; bin--) {
      above -= this.#bins[bin];
      if (above <= 0) break;
    }
    const largest = 2 ** ((bin + 0.5) / BINS_PER_OCTAVE);
    if (largest > this.largest * SLACK || largest < this.largest / SLACK) {
      this.largest = largest;
      this.clear();
    }
  }

  /** @param {DepthHistory} history @param {number} slot @returns {number} rows counted */
  #count(history, slot) {
    const perRow = 1 / this.rowTicks;
    const bins = this.#bins;
    const bottom = this.#topRow - this.height;
    const spread = Math.max(1, Math.round(history.steps[slot] * perRow));
    let rows = 0;
    for (let side = 0; side < 2; side++) {
      const start = (2 * slot + side) * history.levels;
      const end = start + history.counts[2 * slot + side];
      let row = Number.NaN;
      let sum = 0;
      for (let level = start; level <= end; level++) {
        const price = level < end ? history.bases[slot] + history.offsets[level] : Number.NaN;
        const next = Math.floor(price * perRow);
        if (next === row) {
          sum += history.quantities[level];
          continue;
        }
        if (sum > 0 && row <= this.#topRow && row > bottom) {
          const bin = Math.round(Math.log2(sum / spread) * BINS_PER_OCTAVE);
          bins[Math.min(Math.max(bin, 0), BINS - 1)]++;
          rows++;
        }
        row = next;
        sum = level < end ? history.quantities[level] : 0;
      }
    }
    return rows;
  }
}

/** The least of 1, 2, 5, 10, 20, … that is not below. @param {number} least */
function nice(least) {
  let decade = 1;
  while (decade * 10 < least) decade *= 10;
  return least <= decade
    ? decade
    : least <= 2 * decade
      ? 2 * decade
      : least <= 5 * decade
        ? 5 * decade
        : 10 * decade;
}
