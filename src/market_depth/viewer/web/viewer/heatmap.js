// The liquidity heatmap: time across, price up, and as colour how much rests there.

import { age, clock } from './format.js';
import { drawFlag, drawPrices, drawTimes, TEXT_SIZE, Texts, textWidth } from './heatmap-axes.js';
import { HeatmapBitmap } from './heatmap-bitmap.js';
import { drawBox, Readout } from './heatmap-crosshair.js';
import { drawLegend } from './heatmap-palette.js';
import { PointerGestures } from './heatmap-pointer.js';
import { PriceRange, PriceScale } from './heatmap-prices.js';
import { TimeScale, TimeSpan } from './heatmap-span.js';
import { traceTouch } from './heatmap-touch.js';
import { TradeMarks } from './heatmap-trades.js';
import { Surface } from './surface.js';

/** @typedef {import('./model.js').MarketModel} MarketModel */
/** @typedef {import('./theme.js').Theme} Theme */

const TIME_AXIS = 22;
/** Narrower charts have no legend. */
const NARROW = 300;
const SPOKEN_MS = 1000;

/** One market's depth over time. */
export class Heatmap {
  /** From when to when; a Timeline may share it. */
  span = new TimeSpan();
  #host;
  #model;
  #theme;
  #surface;
  #gestures;
  #button = document.createElement('button');
  #prices = new PriceRange();
  #bitmap = new HeatmapBitmap();
  #marks = new TradeMarks();
  #scale = new TimeScale();
  #priceScale = new PriceScale();
  #readout;
  #labels = new Texts((ticks) => this.#priceText(ticks));
  #hoverY = Number.NaN;
  #isStale = true;
  #spokenMs = Number.NEGATIVE_INFINITY;
  // What was painted last.
  #scroll = Number.NaN;
  #low = 0;
  #high = 0;
  #historyRevision = -1;
  #tradeRevision = -1;
  #themeRevision = -1;
  #spanRevision = -1;

  /** @param {HTMLElement} host @param {MarketModel} model @param {Theme} theme */
  constructor(host, model, theme) {
    this.#host = host;
    this.#model = model;
    this.#theme = theme;
    this.#readout = new Readout(model, theme);
    this.#surface = new Surface(host, { isOpaque: true });
    this.#surface.canvas.setAttribute('role', 'img');
    this.#surface.canvas.setAttribute('aria-label', 'Heatmap: no data yet');
    this.#button.type = 'button';
    this.#button.className = 'heatmap-follow';
    this.#button.textContent = 'Follow the market';
    if (this.#prices.isSet) this.#priceScale.set(this.#prices, this.#plotHeight, this.#step);
    this.#button.hidden = true;
    this.#button.addEventListener('click', () => this.recentre());
    host.append(this.#button);
    this.#gestures = new PointerGestures(this.#surface.canvas, {
      isOnAxis: (x) => x > this.#plotWidth,
      pan: (dx, dy) => this.#pan(dx, dy),
      zoomTime: (factor, x) => this.zoomTime(factor, this.#scale.time(x)),
      zoomPrice: (factor, y) => this.zoomPrice(factor, this.#priceScale.ticks(y)),
      hover: (x, y) => this.#hover(x, y),
      recentre: () => this.recentre(),
    });
  }

  /** Follows the market again, in time and price. */
  recentre() {
    this.span.follow();
    this.#prices.follow();
    this.#isStale = true;
  }

  /**
   * Shows more time (factor above 1) or less: from a minute to an hour.
   * @param {number} factor @param {number} [aroundMs] what stays where it is
   */
  zoomTime(factor, aroundMs) {
    this.span.zoom(factor, aroundMs);
  }

  /**
   * Shows more prices (factor above 1) or fewer.
   * @param {number} factor @param {number} [around] what stays where it is, in ticks
   */
  zoomPrice(factor, around = this.#prices.centre) {
    this.#prices.zoom(factor, around, this.#step);
    this.#isStale = true;
  }

  /** @param {number} nowMs the frame's time */
  draw(nowMs) {
    const { history, timeMs } = this.#model;
    const { width, height, ratio } = this.#surface;
    this.span.tick(nowMs, timeMs);
    if (this.#surface.take()) this.#isStale = true;
    if (width < 80 || height < 60) return;
    this.#scale.set(this.span, 0, this.#plotWidth, ratio);
    const from = Math.floor(this.#scale.time(0) / history.columnMs);
    const to = Math.floor(this.#scale.time(this.#plotWidth) / history.columnMs);
    if (Number.isFinite(from)) this.#prices.update(nowMs, history, from, to, this.#step);
    if (this.#prices.isSet) this.#priceScale.set(this.#prices, this.#plotHeight, this.#step);
    this.#button.hidden = this.span.isFollowing && this.#prices.isFollowing;
    if (!this.#needsPaint()) return;
    this.#isStale = false;
    this.#paint(nowMs, from, to);
    if (nowMs - this.#spokenMs >= SPOKEN_MS) {
      this.#spokenMs = nowMs;
      this.#surface.canvas.setAttribute('aria-label', this.#words());
    }
  }

  /** The symbol, the kind of data or the price step has changed. */
  reset() {
    this.#labels.clear();
    this.#prices.reset();
    this.span.reset();
    this.#bitmap.clear();
    this.#hover(Number.NaN, Number.NaN);
    this.#isStale = true;
  }

  dispose() {
    this.#gestures.dispose();
    this.#bitmap.dispose();
    this.#button.remove();
    this.#surface.dispose();
  }

  get #plotWidth() {
    return this.#surface.width - this.span.axisWidth;
  }

  get #plotHeight() {
    return this.#surface.height - TIME_AXIS;
  }

  /** Ticks that a row has at least. */
  get #step() {
    const { scale, stepUnits } = this.#model;
    return scale ? Math.max(1, Math.round(stepUnits / scale.tickUnits)) : 1;
  }

  /** @returns {boolean} whether anything that is shown has changed */
  #needsPaint() {
    const { history } = this.#model;
    const { low, high } = this.#prices;
    if (
      !this.#isStale &&
      this.#scroll === this.#scale.scroll &&
      this.#low === low &&
      this.#high === high &&
      this.#historyRevision === history.revision &&
      this.#tradeRevision === history.trades.revision &&
      this.#themeRevision === this.#theme.revision &&
      this.#spanRevision === this.span.revision
    ) return false;
    this.#scroll = this.#scale.scroll;
    this.#low = low;
    this.#high = high;
    this.#historyRevision = history.revision;
    this.#tradeRevision = history.trades.revision;
    this.#themeRevision = this.#theme.revision;
    this.#spanRevision = this.span.revision;
    return true;
  }

  /** @param {number} nowMs @param {number} from @param {number} to columns */
  #paint(nowMs, from, to) {
    const { context, width, height } = this.#surface;
    const { history } = this.#model;
    context.font = `${TEXT_SIZE}px ${this.#theme.font}`;
    context.fillStyle = this.#theme.colours.panel;
    context.fillRect(0, 0, width, height);
    if (!this.#prices.isSet || history.last < 0) {
      context.fillStyle = this.#theme.colours['text-dim'];
      context.textAlign = 'center';
      context.textBaseline = 'middle';
      context.fillText('waiting for the book', width / 2, height / 2);
      return;
    }
    context.save();
    context.beginPath();
    context.rect(0, 0, this.#plotWidth, this.#plotHeight);
    context.clip();
    this.#paintDepth(nowMs, from, to);
    this.#paintMarket(from, to);
    this.#paintLegend();
    context.restore();
    drawTimes(context, this.#theme, this.#scale, 0, this.#plotHeight, true);
    this.#paintPrices();
    this.#paintCrosshair();
  }

  /** @param {number} nowMs @param {number} from @param {number} to columns */
  #paintDepth(nowMs, from, to) {
    const { context, ratio } = this.#surface;
    const { history } = this.#model;
    const bitmap = this.#bitmap;
    const { low, high } = this.#prices;
    const pixels = Math.round(this.#plotWidth * ratio);
    const rows = Math.round(this.#plotHeight * ratio);
    bitmap.fit(to - from + 1, pixels, low, high, this.#step, rows);
    const first = Math.floor(from / bitmap.group);
    const last = Math.floor(Math.min(to, history.last) / bitmap.group);
    bitmap.paint(history, this.#theme, first, last, nowMs);
    const top = Math.round(this.#priceScale.y(bitmap.topTicks - this.#step / 2) * ratio);
    const tall = bitmap.height * bitmap.rowTicks * this.#priceScale.perTick * ratio;
    const end = Math.round(this.#scale.x((last + 1) * bitmap.group * history.columnMs) * ratio);
    const now = Math.round(this.#scale.x(this.span.nowMs) * ratio);
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.beginPath();
    context.rect(0, 0, Math.min(pixels, Math.max(now, 0)), rows);
    context.clip();
    if (last >= first) {
      bitmap.draw(context, first, last, this.#scale, history.columnMs, 0, top, tall);
    }
    // Until the book changes again it is as it was.
    if (!history.isGap) bitmap.extend(context, last, end, now, top, tall);
    else if (now > end) {
      context.fillStyle = this.#theme.colours.panel;
      context.fillRect(end, 0, now - end, rows);
    }
    context.restore();
  }

  /** Best bid, best ask and trades. @param {number} from @param {number} to columns */
  #paintMarket(from, to) {
    const { context } = this.#surface;
    const { history } = this.#model;
    const { colours } = this.#theme;
    const { group } = this.#bitmap;
    const scale = this.#scale;
    const prices = this.#priceScale;
    const end = scale.x((history.last + 1) * history.columnMs);
    const now = scale.x(this.span.nowMs);
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
    const left = this.#plotWidth;
    const slot = history.slot(history.last);
    const mid = (history.bestBids[slot] + history.bestAsks[slot]) / 2;
    const y = history.isGap ? Number.NaN : this.#priceScale.y(mid);
    const isShown = y > 0 && y < this.#plotHeight;
    context.fillStyle = colours.line;
    context.fillRect(left, 0, 1 / ratio, this.#plotHeight);
    context.fillRect(0, this.#plotHeight, left, 1 / ratio);
    const needed = Math.max(
      drawPrices(context, this.#theme, this.#priceScale, this.#labels, left, ratio, y),
      this.span.leastAxis,
    );
    if (needed !== this.span.axisWidth) {
      this.span.axisWidth = needed;
      this.span.revision++;
    }
    if (!isShown) return;
    const from = Math.min(this.#scale.x(this.span.nowMs), left);
    context.fillStyle = colours.mid;
    context.fillRect(from, this.#surface.snap(y), left - from, 1 / ratio);
    drawFlag(context, this.#priceScale, this.#priceText(mid), y, left, width, colours.mid,
      colours.background);
  }

  #paintLegend() {
    if (this.#surface.width < NARROW) return;
    const { palette, largest } = this.#bitmap;
    const text = `≥ ${this.#model.formatQuantity(Math.round(largest))}`;
    drawLegend(this.#surface.context, this.#theme, palette, text, textWidth(text.length));
  }

  #paintCrosshair() {
    const { hoverMs, nowMs } = this.span;
    if (Number.isNaN(hoverMs)) return;
    const { context, ratio, width } = this.#surface;
    const { colours } = this.#theme;
    const x = this.#surface.snap(this.#scale.x(hoverMs));
    const y = this.#hoverY;
    const plot = this.#plotWidth;
    if (x < 0 || x > plot) return;
    context.fillStyle = colours.text;
    context.globalAlpha = 0.5;
    context.fillRect(x, 0, 1 / ratio, this.#plotHeight);
    if (!Number.isNaN(y)) context.fillRect(0, this.#surface.snap(y), plot, 1 / ratio);
    context.globalAlpha = 1;
    if (Number.isNaN(y)) return;
    const { group, rowTicks } = this.#bitmap;
    const { step } = this.#priceScale;
    const low = Math.floor((this.#priceScale.ticks(y) + step / 2) / rowTicks) * rowTicks;
    const readout = this.#readout;
    readout.read(hoverMs, nowMs, group, low, rowTicks, step);
    drawFlag(context, this.#priceScale, this.#priceText(low), y, plot, width, colours.line,
      colours.text);
    drawBox(context, this.#theme, readout.lines, readout.colours, readout.count, x, y, plot,
      this.#plotHeight);
  }

  /** @param {number} ticks */
  #priceText(ticks) {
    return this.#model.formatPrice(ticks * this.#model.history.tickUnits);
  }

  /** @param {number} dx @param {number} dy CSS pixels */
  #pan(dx, dy) {
    const { history } = this.#model;
    if (dx !== 0 && history.last >= 0) {
      this.span.pan(-dx / this.#scale.perMs, history.first * history.columnMs);
    }
    if (dy !== 0 && this.#prices.isSet) this.#prices.pan(dy / this.#priceScale.perTick);
  }

  /** @param {number} x @param {number} y NaN: nowhere */
  #hover(x, y) {
    const isInside = x <= this.#plotWidth && y <= this.#plotHeight;
    this.#hoverY = isInside ? y : Number.NaN;
    this.span.hover(isInside ? this.#scale.time(x) : Number.NaN);
    this.#isStale = true;
  }

  #words() {
    const { history } = this.#model;
    if (history.last < 0) return 'Heatmap: no data yet';
    const slot = history.slot(history.last);
    const bid = history.bestBids[slot];
    const ask = history.bestAsks[slot];
    const { low, high } = this.#prices;
    const from = this.#priceText(Math.ceil(low));
    const to = this.#priceText(Math.floor(high));
    const when = this.span.isFollowing ? 'the last' : `until ${clock(this.span.rightMs)},`;
    const best = history.isGap
      ? 'the book is not known now'
      : `best bid ${Number.isNaN(bid) ? 'none' : this.#priceText(bid)}, ` +
        `best ask ${Number.isNaN(ask) ? 'none' : this.#priceText(ask)}`;
    return `Heatmap of resting sizes, ${when} ${age(this.span.spanMs)}, ` +
      `prices ${from} to ${to}; ${best}`;
  }
}
