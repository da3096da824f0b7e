// The liquidity heatmap: time across, price up, and as colour how much rests there.

import { age, clock } from '../shared/format.js';
import { Surface } from '../shared/surface.js';
import { HeatmapPainter } from './painter.js';
import { PointerGestures } from './pointer.js';
import { PriceRange } from './prices.js';
import { TimeSpan } from './span.js';

/** @typedef {import('../panel/model.js').MarketModel} MarketModel */
/** @typedef {import('../shared/theme.js').Theme} Theme */

const SPOKEN_MS = 1000;
/** New depth is shown this often, depending on how much time a pixel is; what moves, in every
 * frame. */
const SOONEST_MS = 32;
const LATEST_MS = 100;
const A_PIXEL = 1 / 8;

/** One market's depth over time. */
export class Heatmap {
  /** From when to when; a Timeline may share it. */
  span = new TimeSpan();
  #model;
  #theme;
  #surface;
  #gestures;
  #button = document.createElement('button');
  #prices = new PriceRange();
  #painter;
  #epoch = -1;
  #hoverY = Number.NaN;
  #isStale = true;
  #spokenMs = Number.NEGATIVE_INFINITY;
  // What was painted last.
  #paintedMs = Number.NEGATIVE_INFINITY;
  #scroll = Number.NaN;
  #low = 0;
  #high = 0;
  #historyRevision = -1;
  #tradeRevision = -1;
  #themeRevision = -1;
  #spanRevision = -1;

  /** @param {HTMLElement} host @param {MarketModel} model @param {Theme} theme */
  constructor(host, model, theme) {
    this.#model = model;
    this.#theme = theme;
    this.#surface = new Surface(host, { isOpaque: true });
    this.#painter = new HeatmapPainter(this.#surface, model, theme, this.span, this.#prices);
    this.#surface.canvas.setAttribute('role', 'img');
    this.#surface.canvas.setAttribute('aria-label', 'Heatmap: no data yet');
    this.#button.type = 'button';
    this.#button.className = 'heatmap-follow';
    this.#button.textContent = 'Follow the market';
    this.#button.hidden = true;
    this.#button.addEventListener('click', () => this.recentre());
    host.append(this.#button);
    this.#gestures = new PointerGestures(this.#surface.canvas, {
      isOnAxis: (x) => x > this.#painter.plotWidth,
      pan: (dx, dy) => this.#pan(dx, dy),
      zoomTime: (factor, x) => this.zoomTime(factor, this.#painter.times.time(x)),
      zoomPrice: (factor, y) => this.zoomPrice(factor, this.#painter.prices.ticks(y)),
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
    const { history } = this.#model;
    const painter = this.#painter;
    const { width, height, ratio } = this.#surface;
    if (history.last >= 0) this.span.grow((history.last - history.first) * history.columnMs);
    if (this.#surface.take()) this.#isStale = true;
    if (width < 80 || height < 60) return;
    painter.times.set(this.span, 0, painter.plotWidth, ratio);
    const from = Math.floor(painter.times.time(0) / history.columnMs);
    const to = Math.floor(painter.times.time(painter.plotWidth) / history.columnMs);
    if (Number.isFinite(from)) this.#prices.update(nowMs, history, from, to, this.#step);
    if (this.#prices.isSet) {
      painter.prices.set(this.#prices, painter.plotHeight, this.#step, this.#grain);
    }
    this.#button.hidden = this.span.isFollowing && this.#prices.isFollowing;
    if (!this.#needsPaint(nowMs)) return;
    painter.paint(nowMs, from, to, this.#hoverY);
    if (nowMs - this.#spokenMs >= SPOKEN_MS) {
      this.#spokenMs = nowMs;
      this.#surface.canvas.setAttribute('aria-label', this.#words());
    }
  }

  /** The symbol, the kind of data or the price step has changed. */
  reset() {
    this.#painter.reset();
    const { epoch } = this.#model.history;
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#prices.reset();
      this.span.reset();
      this.#hover(Number.NaN, Number.NaN);
    }
    this.#isStale = true;
  }

  dispose() {
    this.#gestures.dispose();
    this.#painter.dispose();
    this.#button.remove();
    this.#surface.dispose();
  }

  /** Ticks that levels of the newest book span. */
  get #grain() {
    const { history } = this.#model;
    return history.last >= 0 ? history.steps[history.slot(history.last)] : 1;
  }

  /** Ticks that a row has at least. */
  get #step() {
    const { scale, stepUnits } = this.#model;
    return Math.max(this.#grain, scale ? Math.round(stepUnits / scale.tickUnits) : 1);
  }

  /** @param {number} nowMs @returns {boolean} whether anything that is shown has changed */
  #needsPaint(nowMs) {
    const { history } = this.#model;
    const { low, high } = this.#prices;
    const { scroll, perMs, ratio } = this.#painter.times;
    const wait = Math.min(Math.max(A_PIXEL / (perMs * ratio), SOONEST_MS), LATEST_MS);
    const isNew =
      this.#historyRevision !== history.revision || this.#tradeRevision !== history.trades.revision;
    const isMoved =
      this.#isStale ||
      this.#scroll !== scroll ||
      this.#low !== low ||
      this.#high !== high ||
      this.#themeRevision !== this.#theme.revision ||
      this.#spanRevision !== this.span.revision;
    if (!isMoved && !(isNew && nowMs - this.#paintedMs >= wait)) return false;
    this.#isStale = false;
    this.#paintedMs = nowMs;
    this.#scroll = scroll;
    this.#low = low;
    this.#high = high;
    this.#historyRevision = history.revision;
    this.#tradeRevision = history.trades.revision;
    this.#themeRevision = this.#theme.revision;
    this.#spanRevision = this.span.revision;
    return true;
  }

  /** @param {number} dx @param {number} dy CSS pixels */
  #pan(dx, dy) {
    const { history } = this.#model;
    if (dx !== 0 && history.last >= 0) {
      this.span.pan(-dx / this.#painter.times.perMs, history.first * history.columnMs);
    }
    if (dy !== 0 && this.#prices.isSet) this.#prices.pan(dy / this.#painter.prices.perTick);
  }

  /** @param {number} x @param {number} y NaN: nowhere */
  #hover(x, y) {
    const isInside = x <= this.#painter.plotWidth && y <= this.#painter.plotHeight;
    this.#hoverY = isInside ? y : Number.NaN;
    this.span.hover(isInside ? this.#painter.times.time(x) : Number.NaN);
    this.#isStale = true;
  }

  #words() {
    const { history } = this.#model;
    if (history.last < 0) return 'Heatmap: no data yet';
    const slot = history.slot(history.last);
    const bid = history.bestBids[slot];
    const ask = history.bestAsks[slot];
    const { low, high } = this.#prices;
    const from = this.#painter.text(Math.ceil(low));
    const to = this.#painter.text(Math.floor(high));
    const when = this.span.isFollowing ? 'the last' : `until ${clock(this.span.rightMs)},`;
    const best = history.isGap
      ? 'the book is not known now'
      : `best bid ${Number.isNaN(bid) ? 'none' : this.#painter.text(bid)}, ` +
        `best ask ${Number.isNaN(ask) ? 'none' : this.#painter.text(ask)}`;
    return (
      `Heatmap of resting sizes, ${when} ${age(this.span.spanMs)}, ` +
      `prices ${from} to ${to}; ${best}`
    );
  }
}
