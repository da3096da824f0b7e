// What a heatmap looks like: depth, best prices, trades, axes, and the readout of a pointer.

import { drawFlag, drawPrices, drawTimes, TEXT_SIZE, Texts, textWidth } from './axes.js';
import { HeatmapBitmap } from './bitmap.js';
import { drawBox, Readout } from './crosshair.js';
import { drawLegend } from './palette.js';
import { PriceScale } from './prices.js';
import { TimeScale } from './span.js';
import { traceTouch } from './touch.js';
import { TradeMarks } from './trades.js';

/** @typedef {import('./prices.js').PriceRange} PriceRange */
/** @typedef {import('./span.js').TimeSpan} TimeSpan */
/** @typedef {import('../panel/model.js').MarketModel} MarketModel */
/** @typedef {import('../shared/surface.js').Surface} Surface */
/** @typedef {import('../shared/theme.js').Theme} Theme */

const TIME_AXIS = 22;
/** Narrower charts have no legend. */
const NARROW = 300;
/** More columns would take longer to paint, and hardly be told apart. */
const MOST_GROUPS = 1280;

/** Paints a heatmap. */
export class HeatmapPainter {
  times = new TimeScale();
  prices = new PriceScale();
  #surface;
  #model;
  #theme;
  #span;
  #range;
  #bitmap = new HeatmapBitmap();
  #marks = new TradeMarks();
  #labels = new Texts((ticks) => this.#model.formatPrice(ticks * this.#model.history.tickUnits));
  #readout;

  /**
   * @param {Surface} surface @param {MarketModel} model @param {Theme} theme
   * @param {TimeSpan} span @param {PriceRange} range
   */
  constructor(surface, model, theme, span, range) {
    this.#surface = surface;
    this.#model = model;
    this.#theme = theme;
    this.#span = span;
    this.#range = range;
    this.#readout = new Readout(model, theme);
  }

  /** CSS pixels of the plot, left of the axis. */
  get plotWidth() {
    return this.#surface.width - this.#span.axisWidth;
  }

  /** CSS pixels of the plot, above the axis. */
  get plotHeight() {
    return this.#surface.height - TIME_AXIS;
  }

  /** Forgets what was made of other units or another step. */
  reset() {
    this.#labels.clear();
    this.#bitmap.clear();
  }

  dispose() {
    this.#bitmap.dispose();
  }

  /** @param {number} ticks */
  text(ticks) {
    return this.#labels.of(ticks);
  }

  /**
   * @param {number} nowMs the frame's time
   * @param {number} from @param {number} to columns
   * @param {number} hoverY where a pointer is; NaN if nowhere
   */
  paint(nowMs, from, to, hoverY) {
    const { context, width, height } = this.#surface;
    const { history } = this.#model;
    context.font = `${TEXT_SIZE}px ${this.#theme.font}`;
    context.fillStyle = this.#theme.colours.panel;
    context.fillRect(0, 0, width, height);
    if (!this.#range.isSet || history.last < 0) {
      context.fillStyle = this.#theme.colours['text-dim'];
      context.textAlign = 'center';
      context.textBaseline = 'middle';
      context.fillText('waiting for the book', width / 2, height / 2);
      return;
    }
    context.save();
    context.beginPath();
    context.rect(0, 0, this.plotWidth, this.plotHeight);
    context.clip();
    this.#paintDepth(nowMs, from, to);
    this.#paintMarket(from, to);
    this.#paintLegend();
    context.restore();
    drawTimes(context, this.#theme, this.times, 0, this.plotHeight, true);
    this.#paintPrices();
    this.#paintCrosshair(hoverY);
  }

  /** @param {number} nowMs @param {number} from @param {number} to columns */
  #paintDepth(nowMs, from, to) {
    const { context, ratio } = this.#surface;
    const { history } = this.#model;
    const bitmap = this.#bitmap;
    const { low, high, step } = this.prices;
    const pixels = Math.round(this.plotWidth * ratio);
    const rows = Math.round(this.plotHeight * ratio);
    bitmap.fit(to - from + 1, Math.min(pixels, MOST_GROUPS), low, high, step, rows);
    const first = Math.floor(from / bitmap.group);
    const last = Math.floor(Math.min(to, history.last) / bitmap.group);
    bitmap.paint(history, this.#theme, first, last, nowMs);
    const top = Math.round(this.prices.y(bitmap.topTicks - this.prices.grain / 2) * ratio);
    const tall = bitmap.height * bitmap.rowTicks * this.prices.perTick * ratio;
    const groupMs = bitmap.group * history.columnMs;
    const isNewest = last * bitmap.group + bitmap.group > history.last;
    const start = this.times.x(last * groupMs);
    const now = Math.round(this.times.x(this.#span.nowMs) * ratio);
    const ringEnd = isNewest ? Math.round(start * ratio) : pixels;
    // Until the book changes again it is as it was.
    const known = Math.round(this.times.x((history.last + 1) * history.columnMs) * ratio);
    const tipEnd = history.isGap ? Math.min(known, now) : now;
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.imageSmoothingEnabled = false;
    if (isNewest && last >= first) bitmap.drawTip(context, ringEnd, tipEnd, top, tall);
    context.beginPath();
    context.rect(0, 0, Math.min(ringEnd, pixels), rows);
    context.clip();
    if (last >= first)
      bitmap.draw(context, first, last, this.times, history.columnMs, 0, top, tall);
    context.restore();
  }

  /** Best bid, best ask and trades. @param {number} from @param {number} to columns */
  #paintMarket(from, to) {
    const { context } = this.#surface;
    const { history } = this.#model;
    const { colours } = this.#theme;
    const { group } = this.#bitmap;
    const { times: scale, prices } = this;
    const end = scale.x((history.last + 1) * history.columnMs);
    const now = scale.x(this.#span.nowMs);
    const right = history.isGap ? Math.min(end, now) : now;
    const first = Math.floor(Math.max(from, history.first) / group);
    const last = Math.floor(Math.min(to, history.last) / group);
    context.lineJoin = 'round';
    context.lineWidth = 1.5;
    for (let side = 0; side < 2; side++) {
      const best = side === 0 ? history.bestBids : history.bestAsks;
      context.beginPath();
      traceTouch(context, history, best, first, last, group, scale, prices, right);
      context.strokeStyle = side === 0 ? colours.bid : colours.ask;
      context.stroke();
    }
    this.#marks.update(history, from, scale.perMs * history.columnMs, prices.perTick);
    this.#marks.draw(context, this.#theme, scale, prices, history.columnMs);
  }

  #paintPrices() {
    const { context, ratio, width } = this.#surface;
    const { colours } = this.#theme;
    const { history } = this.#model;
    const left = this.plotWidth;
    const slot = history.slot(history.last);
    const mid = (history.bestBids[slot] + history.bestAsks[slot]) / 2;
    const y = history.isGap ? Number.NaN : this.prices.y(mid);
    const isShown = y > 0 && y < this.plotHeight;
    context.fillStyle = colours.line;
    context.fillRect(left, 0, 1 / ratio, this.plotHeight);
    context.fillRect(0, this.plotHeight, left, 1 / ratio);
    const needed = Math.max(
      drawPrices(context, this.#theme, this.prices, this.#labels, left, ratio, y),
      this.#span.leastAxis,
    );
    if (needed !== this.#span.axisWidth) {
      this.#span.axisWidth = needed;
      this.#span.revision++;
    }
    if (!isShown) return;
    const from = Math.min(this.times.x(this.#span.nowMs), left);
    context.fillStyle = colours.mid;
    context.fillRect(from, this.#surface.snap(y), left - from, 1 / ratio);
    drawFlag(
      context,
      this.prices,
      this.#labels.of(mid),
      y,
      left,
      width,
      colours.mid,
      colours.background,
    );
  }

  #paintLegend() {
    if (this.#surface.width < NARROW) return;
    const { palette, largest } = this.#bitmap;
    const text = `≥ ${this.#model.formatQuantity(Math.round(largest))}`;
    drawLegend(this.#surface.context, this.#theme, palette, text, textWidth(text.length));
  }

  /** @param {number} y where a pointer is */
  #paintCrosshair(y) {
    const { hoverMs, nowMs } = this.#span;
    if (Number.isNaN(hoverMs)) return;
    const { context, ratio, width } = this.#surface;
    const { colours } = this.#theme;
    const x = this.#surface.snap(this.times.x(hoverMs));
    const plot = this.plotWidth;
    if (x < 0 || x > plot) return;
    context.fillStyle = colours.text;
    context.globalAlpha = 0.5;
    context.fillRect(x, 0, 1 / ratio, this.plotHeight);
    if (!Number.isNaN(y)) context.fillRect(0, this.#surface.snap(y), plot, 1 / ratio);
    context.globalAlpha = 1;
    if (Number.isNaN(y)) return;
    const { group, rowTicks } = this.#bitmap;
    const { grain } = this.prices;
    const low = Math.floor((this.prices.ticks(y) + grain / 2) / rowTicks) * rowTicks;
    const readout = this.#readout;
    readout.read(hoverMs, nowMs, group, low, rowTicks, grain);
    drawFlag(
      context,
      this.prices,
      this.#labels.of(low),
      y,
      plot,
      width,
      colours.line,
      colours.text,
    );
    drawBox(
      context,
      this.#theme,
      readout.lines,
      readout.colours,
      readout.count,
      x,
      y,
      plot,
      this.plotHeight,
    );
  }
}
