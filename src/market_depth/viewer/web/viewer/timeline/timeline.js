// Two small charts over time: the imbalance of the best levels, and the spread.

import { drawTimes, niceStep, TEXT_SIZE } from '../heatmap/axes.js';
import { drawBox } from '../heatmap/crosshair.js';
import { PointerGestures } from '../heatmap/pointer.js';
import { TimeScale, TimeSpan } from '../heatmap/span.js';
import { clock } from '../shared/format.js';
import { Surface } from '../shared/surface.js';
import { Series } from './series.js';
import { BALANCED, leaning, percent, ticks } from './words.js';

/** @typedef {import('../panel/model.js').MarketModel} MarketModel */
/** @typedef {import('../shared/theme.js').Theme} Theme */
/** @typedef {import('../heatmap/heatmap.js').Heatmap} Heatmap */

const SPOKEN_MS = 1000;
/** New values are shown this often; scrolling is smooth all the same. */
const REPAINT_MS = 66;
/** Room for words at the right, in CSS pixels. */
const WORDS = 84;
const TIME_AXIS = 20;
const GAP = 6;

/** Imbalance and spread of one market over time. */
export class Timeline {
  /** From when to when. */
  span = new TimeSpan();
  #model;
  #theme;
  #surface;
  #gestures;
  #scale = new TimeScale();
  #imbalance = new Series();
  #spread = new Series();
  #hasTimes = true;
  #hoverY = Number.NaN;
  #isStale = true;
  /** Spread in ticks, and imbalance, at the top. */
  #top = 0;
  #full = 0.25;
  #spokenMs = Number.NEGATIVE_INFINITY;
  #lines = ['', '', ''];
  #lineColours = ['', '', ''];
  // What was painted last.
  #paintedMs = Number.NEGATIVE_INFINITY;
  #scroll = Number.NaN;
  #historyRevision = -1;
  #themeRevision = -1;
  #spanRevision = -1;

  /** @param {HTMLElement} host @param {MarketModel} model @param {Theme} theme */
  constructor(host, model, theme) {
    this.#model = model;
    this.#theme = theme;
    this.#surface = new Surface(host, { isOpaque: true });
    this.#surface.canvas.setAttribute('role', 'img');
    this.#surface.canvas.setAttribute('aria-label', 'Imbalance and spread: no data yet');
    this.span.leastAxis = WORDS;
    this.#gestures = new PointerGestures(this.#surface.canvas, {
      isOnAxis: () => false,
      pan: (dx) => this.#pan(dx),
      zoomTime: (factor, x) => this.span.zoom(factor, this.#scale.time(x)),
      zoomPrice: (factor) => this.span.zoom(factor),
      hover: (x, y) => this.#hover(x, y),
      recentre: () => this.span.follow(),
    });
  }

  /**
   * Shows what a heatmap above shows: the same time at the same place.
   * @param {Heatmap} heatmap
   */
  follow(heatmap) {
    this.span = heatmap.span;
    this.span.leastAxis = WORDS;
    this.#hasTimes = false;
    this.#isStale = true;
  }

  /** @param {number} nowMs the frame's time */
  draw(nowMs) {
    const { width, height, ratio } = this.#surface;
    if (this.#surface.take()) this.#isStale = true;
    if (width < 120 || height < 50) return;
    this.#scale.set(this.span, 0, this.#plotWidth, ratio);
    if (!this.#needsPaint(nowMs)) return;
    this.#paint();
    if (nowMs - this.#spokenMs >= SPOKEN_MS) {
      this.#spokenMs = nowMs;
      this.#surface.canvas.setAttribute('aria-label', this.#words());
    }
  }

  /** The symbol, the kind of data or the price step has changed. */
  reset() {
    this.#top = 0;
    this.#isStale = true;
    if (this.#hasTimes) this.span.reset(); // shared, it is the heatmap's
  }

  dispose() {
    this.#gestures.dispose();
    this.#surface.dispose();
  }

  get #plotWidth() {
    return this.#surface.width - Math.max(this.span.axisWidth, WORDS);
  }

  /** @param {number} nowMs @returns {boolean} whether anything that is shown has changed */
  #needsPaint(nowMs) {
    const { history } = this.#model;
    const isNew = this.#historyRevision !== history.revision;
    if (
      !this.#isStale &&
      this.#scroll === this.#scale.scroll &&
      this.#themeRevision === this.#theme.revision &&
      this.#spanRevision === this.span.revision &&
      !(isNew && nowMs - this.#paintedMs >= REPAINT_MS)
    )
      return false;
    this.#isStale = false;
    this.#paintedMs = nowMs;
    this.#scroll = this.#scale.scroll;
    this.#historyRevision = history.revision;
    this.#themeRevision = this.#theme.revision;
    this.#spanRevision = this.span.revision;
    return true;
  }

  #paint() {
    const { context, width, height, ratio } = this.#surface;
    const { history } = this.#model;
    const { colours } = this.#theme;
    context.font = `${TEXT_SIZE}px ${this.#theme.font}`;
    context.fillStyle = colours.panel;
    context.fillRect(0, 0, width, height);
    if (history.last < 0) return;
    const plot = this.#plotWidth;
    const from = Math.floor(this.#scale.time(0) / history.columnMs);
    const to = Math.floor(this.#scale.time(plot) / history.columnMs);
    let group = 1;
    while ((to - from) / group > plot) group *= 2;
    this.#imbalance.read(history, history.imbalance, from, to, group);
    this.#spread.read(history, history.spread, from, to, group);
    const bottom = height - (this.#hasTimes ? TIME_AXIS : 0);
    const middle = Math.round((bottom - GAP) * 0.55);
    context.save();
    context.beginPath();
    context.rect(0, 0, plot, bottom);
    context.clip();
    drawTimes(context, this.#theme, this.#scale, 0, bottom, false);
    this.#paintImbalance(0, middle);
    this.#paintSpread(middle + GAP, bottom);
    context.restore();
    context.fillStyle = colours.line;
    context.fillRect(plot, 0, 1 / ratio, bottom);
    context.fillRect(0, middle + GAP / 2, width, 1 / ratio);
    if (this.#hasTimes) drawTimes(context, this.#theme, this.#scale, 0, bottom, true);
    this.#paintWords(plot + 8, middle / 2, (middle + GAP + bottom) / 2);
    this.#paintCrosshair(plot, bottom);
  }

  /** @param {number} top @param {number} bottom */
  #paintImbalance(top, bottom) {
    const { context } = this.#surface;
    const { colours } = this.#theme;
    const zero = this.#surface.snap((top + bottom) / 2);
    const { means, length } = this.#imbalance;
    let most = 0;
    for (let at = 0; at < length; at++) {
      if (Math.abs(means[at]) > most) most = Math.abs(means[at]);
    }
    const wanted = most > 0.5 ? 1 : most > 0.25 ? 0.5 : 0.25;
    if (wanted > this.#full || most < 0.8 * wanted) this.#full = wanted;
    const half = ((bottom - top) / 2 - 2) / this.#full;
    for (let sign = 1; sign >= -1; sign -= 2) {
      context.fillStyle = sign > 0 ? colours.bid : colours.ask;
      for (let at = 0; at < length; at++) {
        const tall = means[at] * half;
        if (!(tall * sign > 0)) continue;
        const x = this.#edge(at);
        context.fillRect(x, sign > 0 ? zero - tall : zero, this.#edge(at + 1) - x, Math.abs(tall));
      }
    }
    context.fillStyle = colours['text-dim'];
    context.fillRect(0, zero, this.#plotWidth, 1 / this.#surface.ratio);
    this.#label(`more bids ▲ ${percent(this.#full)}`, top + 9);
    this.#label(`more asks ▼ ${percent(-this.#full)}`, bottom - 9);
  }

  /** @param {number} top @param {number} bottom */
  #paintSpread(top, bottom) {
    const { context } = this.#surface;
    const { colours } = this.#theme;
    const { means, least, greatest, length, mean, most } = this.#spread;
    const wanted = niceStep(Math.max(2, Math.min(most, 5 * mean)) || 2);
    if (wanted > this.#top || wanted * 2.5 < this.#top) this.#top = wanted;
    const perTick = (bottom - top - 4) / this.#top;
    context.fillStyle = colours.mid;
    context.globalAlpha = 0.22;
    for (let at = 0; at < length; at++) {
      if (Number.isNaN(means[at])) continue;
      const x = this.#edge(at);
      const y = bottom - 1 - greatest[at] * perTick;
      const tall = Math.max((greatest[at] - least[at]) * perTick, 1);
      context.fillRect(x, y, this.#edge(at + 1) - x, tall);
    }
    context.globalAlpha = 1;
    context.strokeStyle = colours.mid;
    context.lineWidth = 1.25;
    context.beginPath();
    let last = Number.NaN;
    for (let at = 0; at < length; at++) {
      const y = bottom - 1 - means[at] * perTick;
      if (!Number.isNaN(y)) {
        const x = this.#edge(at);
        if (Number.isNaN(last)) context.moveTo(x, y);
        else context.lineTo(x, y);
        context.lineTo(this.#edge(at + 1), y);
      }
      last = y;
    }
    context.stroke();
    this.#label(`spread, 0 to ${this.#top} ticks`, top + 9);
  }

  /** Left edge of a group; the newest reaches to now. @param {number} at */
  #edge(at) {
    const { from, group, length } = this.#imbalance;
    const { columnMs, isGap } = this.#model.history;
    const timeMs = (from + at) * group * columnMs;
    const isEnd = at === length && from + at > this.#model.history.last / group;
    const shown = isEnd && !isGap ? this.span.nowMs : Math.min(timeMs, this.span.nowMs);
    return this.#surface.snap(this.#scale.x(shown));
  }

  /** @param {string} text @param {number} y */
  #label(text, y) {
    const { context } = this.#surface;
    context.textAlign = 'left';
    context.textBaseline = 'middle';
    context.lineWidth = 3;
    context.lineJoin = 'round';
    context.strokeStyle = this.#theme.colours.panel;
    context.strokeText(text, 6, y);
    context.fillStyle = this.#theme.colours['text-dim'];
    context.fillText(text, 6, y);
  }

  /** @param {number} x @param {number} first @param {number} second y */
  #paintWords(x, first, second) {
    const { context } = this.#surface;
    const { colours } = this.#theme;
    const { history } = this.#model;
    const slot = history.slot(history.last);
    const imbalance = history.imbalance.lasts[slot];
    const spread = history.spread.lasts[slot];
    context.textAlign = 'left';
    context.textBaseline = 'middle';
    context.fillStyle = colours.text;
    context.fillText(history.isGap ? '–' : percent(imbalance), x, first - 7);
    context.fillText(history.isGap ? '–' : ticks(spread), x, second - 7);
    context.fillStyle =
      imbalance > BALANCED
        ? colours.bid
        : imbalance < -BALANCED
          ? colours.ask
          : colours['text-dim'];
    context.fillText(history.isGap ? '' : leaning(imbalance), x, first + 7);
    context.fillStyle = colours['text-dim'];
    context.fillText(history.isGap ? '' : this.#priceText(spread), x, second + 7);
  }

  /** @param {number} plot @param {number} bottom */
  #paintCrosshair(plot, bottom) {
    const timeMs = this.span.hoverMs;
    if (Number.isNaN(timeMs)) return;
    const { context, ratio } = this.#surface;
    const { colours } = this.#theme;
    const { history } = this.#model;
    const x = this.#surface.snap(this.#scale.x(timeMs));
    context.fillStyle = colours.text;
    context.globalAlpha = 0.5;
    context.fillRect(x, 0, 1 / ratio, bottom);
    context.globalAlpha = 1;
    const { group, from, length, means } = this.#imbalance;
    const at = Math.min(Math.floor(timeMs / history.columnMs / group) - from, length - 1);
    if (at < 0 || timeMs > this.span.nowMs || Number.isNaN(means[at])) return;
    const imbalance = means[at];
    this.#lines[0] = clock(timeMs, 1);
    this.#lines[1] = `${percent(imbalance)} ${leaning(imbalance)}`;
    this.#lines[2] =
      `${ticks(this.#spread.means[at])} (${this.#spread.least[at]} to ` +
      `${this.#spread.greatest[at]})`;
    this.#lineColours[0] = colours['text-dim'];
    this.#lineColours[1] = imbalance >= 0 ? colours.bid : colours.ask;
    this.#lineColours[2] = colours.text;
    const y = Number.isNaN(this.#hoverY) ? 0 : this.#hoverY;
    drawBox(context, this.#theme, this.#lines, this.#lineColours, 3, x, y, plot, bottom);
  }

  /** @param {number} spread in ticks */
  #priceText(spread) {
    return Number.isNaN(spread)
      ? ''
      : this.#model.formatPrice(spread * this.#model.history.tickUnits);
  }

  /** @param {number} dx CSS pixels */
  #pan(dx) {
    const { history } = this.#model;
    if (history.last < 0) return;
    this.span.pan(-dx / this.#scale.perMs, history.first * history.columnMs);
  }

  /** @param {number} x @param {number} y NaN: nowhere */
  #hover(x, y) {
    this.#hoverY = y;
    this.span.hover(x <= this.#plotWidth ? this.#scale.time(x) : Number.NaN);
    this.#isStale = true;
  }

  #words() {
    const { history } = this.#model;
    if (history.last < 0 || history.isGap) return 'Imbalance and spread: not known now';
    const slot = history.slot(history.last);
    const imbalance = history.imbalance.lasts[slot];
    const spread = history.spread.lasts[slot];
    return (
      `Imbalance of the best levels ${percent(imbalance)}, ${leaning(imbalance)}; ` +
      `spread ${ticks(spread)}, ${this.#priceText(spread)}`
    );
  }
}
