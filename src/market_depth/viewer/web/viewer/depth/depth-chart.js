// The depth chart: how much stands up to each price, bids on the left and asks on the right.

import { Surface } from '../shared/surface.js';
import { DepthAxes } from './axes.js';
import { DepthControls } from './controls.js';
import { DepthCrosshair } from './crosshair.js';
import { DepthCurves } from './curve.js';
import { DepthHead } from './head.js';
import { DepthLayout, FOOT_PIXELS, GUTTER_PIXELS, HEAD_PIXELS } from './layout.js';

/** @typedef {import('../shared/theme.js').Theme} Theme */
/** @typedef {import('./cost.js').Side} Side */
/** @typedef {import('../../depth-client.js').Scale} Scale */

/**
 * What the chart needs of a MarketModel.
 * @typedef {object} DepthModel
 * @property {string} symbol
 * @property {Scale | null} scale
 * @property {{ bids: Side, asks: Side } | null} book
 * @property {{ mid: () => number, spread: () => number } | null} touch where best bid and ask are
 * @property {number} revision
 * @property {(units: number) => string} formatPrice
 * @property {(units: number) => string} formatQuantity
 */

/** Numbers that nobody could read faster aren't written faster. */
const TEXT_MS = 100;
const LABEL_MS = 1000;
const HINT = 'Arrow keys move the crosshair, plus and minus change the span, 0 fits it.';

/** A view of a market: the depth chart with its crosshair. */
export class DepthChart {
  #host;
  #model;
  #theme;
  #surface;
  #axes;
  #controls;
  #crosshair;
  #curves = new DepthCurves();
  #layout = new DepthLayout(this.#curves);
  #head = new DepthHead();
  #symbol = '';
  /** Whether something was done to the chart since it was drawn. */
  #isTouched = true;
  /** Whether the next frame differs from this one even if the book doesn't. */
  #isMoving = false;
  #revision = -1;
  #textRevision = -1;
  #themeRevision = -1;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #textMs = Number.NEGATIVE_INFINITY;
  #labelMs = Number.NEGATIVE_INFINITY;
  #motion = globalThis.matchMedia('(prefers-reduced-motion: reduce)');
  #formatPrice = (/** @type {number} */ units) => this.#model.formatPrice(units);

  /**
   * @param {HTMLElement} host
   * @param {DepthModel} model
   * @param {Theme} theme
   */
  constructor(host, model, theme) {
    this.#host = host;
    this.#model = model;
    this.#theme = theme;
    host.classList.add('depth-host');
    host.setAttribute('role', 'group');
    this.#surface = new Surface(host);
    this.#surface.canvas.setAttribute('role', 'img');
    this.#axes = new DepthAxes(this.#surface, theme);
    const { plot } = this.#layout;
    this.#crosshair = new DepthCrosshair(host, this.#curves, plot, this.#surface, theme);
    this.#controls = new DepthControls(host, this.#actions());
    this.reset();
  }

  /** From the middle to either end in price units; NaN while the chart chooses by itself. */
  get span() {
    return this.#layout.chosen;
  }

  set span(units) {
    this.#layout.chosen = units;
    this.#isTouched = true;
    this.#controls.showSpan(Number.isNaN(units));
  }

  /** Begins anew: the symbol, the data type or the step is another. */
  reset() {
    const { symbol } = this.#model;
    this.#axes.reset();
    this.#crosshair.hide();
    this.#revision = -1;
    this.#labelMs = Number.NEGATIVE_INFINITY;
    this.#isTouched = true;
    if (symbol === this.#symbol) return;
    this.#symbol = symbol;
    this.#layout.reset();
    this.span = Number.NaN;
    this.#host.setAttribute('aria-label', `Depth chart of ${symbol}. ${HINT}`);
  }

  dispose() {
    this.#controls.dispose();
    this.#crosshair.dispose();
    this.#surface.dispose();
    this.#host.classList.remove('depth-host');
    this.#host.removeAttribute('role');
    this.#host.removeAttribute('aria-label');
  }

  /** @param {number} nowMs of the animation frame */
  draw(nowMs) {
    const { revision, scale, book, touch } = this.#model;
    const { width, height } = this.#surface;
    if (width < 2 * GUTTER_PIXELS || height < 2 * (HEAD_PIXELS + FOOT_PIXELS)) return;
    const isStale = this.#surface.take();
    const isNew = revision !== this.#revision;
    const isRepainted = this.#theme.revision !== this.#themeRevision;
    if (!(isStale || isNew || isRepainted || this.#isTouched || this.#isMoving)) return;
    if (isNew) this.#curves.take(book, touch);
    if (isRepainted) this.#axes.reset();
    const isJumping = isStale || this.#motion.matches;
    const elapsedMs = isJumping ? Number.POSITIVE_INFINITY : nowMs - this.#drawnMs;
    const mayWrite = isStale || this.#isTouched || nowMs - this.#textMs >= TEXT_MS;
    this.#drawnMs = nowMs;
    this.#revision = revision;
    this.#themeRevision = this.#theme.revision;
    this.#isMoving = false;
    this.#isTouched = false;
    this.#surface.clear();
    if (scale === null || book === null || Number.isNaN(this.#curves.middle)) {
      this.#drawNothing(book === null || scale === null ? 'Waiting for the book' : 'Empty book');
      return;
    }
    this.#isMoving = this.#layout.update(this.#surface, scale, nowMs, elapsedMs);
    if (mayWrite) this.#write(scale, nowMs);
    if (this.#textRevision !== revision) this.#isMoving = true;
    this.#paint(scale, mayWrite);
    if (nowMs - this.#labelMs >= LABEL_MS) this.#describe(nowMs);
  }

  /** @returns {import('./controls.js').Actions} */
  #actions() {
    const touched = (/** @type {() => void} */ act) => {
      act();
      this.#isTouched = true;
    };
    const crosshair = this.#crosshair;
    return {
      point: (x, y) => touched(() => crosshair.point(x, y)),
      step: (direction, levels) => touched(() => crosshair.step(direction, levels)),
      touch: (isBid) =>
        touched(() => crosshair.moveTo((isBid ? this.#curves.bids : this.#curves.asks).best)),
      hide: () => touched(() => crosshair.hide()),
      widen: (factor) => this.#widen(factor),
      fit: () => {
        this.span = Number.NaN;
      },
    };
  }

  /** @param {number} factor */
  #widen(factor) {
    if (this.#model.scale === null) return;
    this.#layout.widen(factor, this.#model.scale);
    this.span = this.#layout.chosen;
  }

  /** @param {string} text */
  #drawNothing(text) {
    const { context, width, height, canvas } = this.#surface;
    context.font = `13px ${this.#theme.font}`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillStyle = this.#theme.colours['text-dim'];
    context.fillText(text, width / 2, height / 2);
    canvas.setAttribute('aria-label', `Depth chart: ${text}`);
    this.#crosshair.hide();
    this.#layout.reset();
    this.#labelMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * @param {Scale} scale
   * @param {number} nowMs
   */
  #write(scale, nowMs) {
    this.#textMs = nowMs;
    this.#textRevision = this.#model.revision;
    this.#head.write(this.#curves, this.#layout.plot, scale);
  }

  /**
   * @param {Scale} scale
   * @param {boolean} mayWrite
   */
  #paint(scale, mayWrite) {
    const { context, ratio } = this.#surface;
    const { colours } = this.#theme;
    const { plot } = this.#layout;
    const { bids, asks, midTwice, middle } = this.#curves;
    bids.layOut(plot, ratio);
    asks.layOut(plot, ratio);
    this.#crosshair.locate(scale);
    this.#axes.draw(plot, scale, this.#formatPrice, this.#crosshair.place);
    bids.draw(context, plot, colours.bid, ratio);
    asks.draw(context, plot, colours.ask, ratio);
    if (!Number.isNaN(midTwice)) {
      context.globalAlpha = 0.55;
      context.fillStyle = colours.mid;
      const x = this.#surface.snap(plot.x(middle));
      context.fillRect(x, plot.top, 1 / ratio, plot.bottom - plot.top);
      context.globalAlpha = 1;
    }
    this.#head.draw(this.#surface, plot, this.#theme);
    this.#crosshair.draw(this.#axes, scale, this.#formatPrice, mayWrite);
  }

  /** @param {number} nowMs */
  #describe(nowMs) {
    this.#labelMs = nowMs;
    const { bids, asks } = this.#curves;
    const told = [bids, asks].map(({ isBid, side, total }) => {
      const name = isBid ? 'bids' : 'asks';
      if (!side.length) return `no ${name}`;
      const last = this.#model.formatPrice(side.prices[side.length - 1]);
      return `${name} ${this.#model.formatQuantity(total)} to ${last}`;
    });
    const label = `Depth chart: ${told.join('; ')}; ${this.#head.words}`;
    this.#surface.canvas.setAttribute('aria-label', label);
  }
}
