// The trade tape: the newest trades, newest on top, and what was bought and sold of late.

import { element, Label } from '../shared/dom.js';
import { TapeFoot } from './foot.js';
import { TapeRow } from './row.js';

/** @typedef {import('../shared/theme.js').Theme} Theme */

/**
 * What the tape needs of a MarketModel.
 * @typedef {object} TapeModel
 * @property {string} symbol
 * @property {number} tradeRevision
 * @property {import('./trade-ring.js').TradeRing} trades
 * @property {(units: number) => string} formatPrice
 * @property {(units: number) => string} formatQuantity
 */

const MOST_ROWS = 100;
const FOOT_MS = 250;
const WEIGH_MS = 1000;
const LARGE = 0.95;
/** With fewer trades than this none is called large. */
const LEAST_TRADES = 20;
/** Part of a full bar that a trade at the limit of being large fills. */
const LARGE_BAR = 0.6;

/** A view of a market: its trades as they happen. */
export class Tape {
  #host;
  #model;
  #root = element('div', { class: 'tape-root' });
  #body = element('div', { class: 'tape-body', tabindex: 0, role: 'group' });
  #caption;
  #tbody = element('tbody');
  #note = element('div', { class: 'tape-note', hidden: true });
  #noteLabel = new Label(this.#note);
  #empty = element('p', { class: 'tape-empty', text: 'No trades yet' });
  #toggle = element('button', { class: 'tape-toggle', type: 'button', text: 'Sweeps' });
  #foot = new TapeFoot();
  /** @type {TapeRow[]} */
  #rows = [];
  #visible = 0;
  #observer;
  #listening = new AbortController();
  #joins = true;
  /** What lets it stand still: a pause, a pointer, the keyboard's focus.
   * @type {Set<'pause' | 'hover' | 'focus'>} */
  #holders = new Set();
  /** The ring's total when the tape was stopped, NaN while it runs. */
  #heldTotal = Number.NaN;
  #isStale = true;
  #revision = -1;
  #seenTotal = -1;
  #tradeMs = 0;
  #footMs = Number.NEGATIVE_INFINITY;
  #weighedMs = Number.NEGATIVE_INFINITY;
  #large = Number.POSITIVE_INFINITY;
  #full = 1;

  /**
   * @param {HTMLElement} host
   * @param {TapeModel} model
   * @param {Theme} _theme its style sheet colours the tape
   */
  constructor(host, model, _theme) {
    this.#host = host;
    this.#model = model;
    host.classList.add('tape-host');
    const caption = element('caption', { class: 'tape-caption' });
    this.#caption = new Label(caption);
    const columns = ['Time', 'Side', 'Price', 'Size'].map((text) =>
      element('th', { scope: 'col', class: `tape-${text.toLowerCase()}`, text }),
    );
    const table = element('table', { class: 'tape-table' }, [
      caption,
      element('thead', {}, [element('tr', {}, columns)]),
      this.#tbody,
    ]);
    this.#toggle.title = 'Tell the trades of one order as one line';
    this.#body.append(table, this.#empty);
    this.#root.append(this.#body, this.#note, this.#foot.element, this.#toggle);
    host.append(this.#root);
    this.#listen();
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(this.#body);
    this.joinsSweeps = true;
    this.reset();
  }

  /** Whether the trades of one sweep are told as one line. */
  get joinsSweeps() {
    return this.#joins;
  }

  set joinsSweeps(joins) {
    this.#joins = joins;
    this.#isStale = true;
    this.#toggle.setAttribute('aria-pressed', String(joins));
  }

  /** Begins anew: the symbol, the data type or the step is another. */
  reset() {
    this.#caption.set(`Trades of ${this.#model.symbol}, newest first`);
    this.#body.setAttribute('aria-label', `Trades of ${this.#model.symbol}`);
    for (const row of this.#rows) row.clear();
    this.#heldTotal = Number.NaN;
    this.#seenTotal = -1;
    this.#isStale = true;
    this.#weighedMs = Number.NEGATIVE_INFINITY;
    this.#footMs = Number.NEGATIVE_INFINITY;
  }

  /** Lets it stand still, or go on.
   * @param {boolean} isPaused */
  pause(isPaused) {
    this.#setHeld('pause', isPaused);
    this.#hold();
  }

  dispose() {
    this.#listening.abort();
    this.#observer.disconnect();
    this.#root.remove();
    this.#host.classList.remove('tape-host');
  }

  /** @param {number} nowMs of the animation frame */
  draw(nowMs) {
    const { trades, tradeRevision } = this.#model;
    if (nowMs - this.#footMs >= FOOT_MS && !this.#holders.has('pause')) this.#drawFoot(nowMs);
    const isNew = tradeRevision !== this.#revision;
    if (!isNew && !this.#isStale) return;
    this.#revision = tradeRevision;
    const isHeld = this.#hold();
    this.#note.hidden = !isHeld;
    if (isHeld) {
      const count = trades.total - this.#heldTotal;
      this.#noteLabel.set(count ? `paused, ${count} new` : 'paused');
    }
    if (isHeld && !this.#isStale) return;
    this.#isStale = false;
    this.#empty.hidden = trades.length > 0;
    const skipped = isHeld ? trades.total - this.#heldTotal : 0;
    this.#rotate(skipped);
    if (nowMs - this.#weighedMs >= WEIGH_MS) this.#weigh(nowMs);
    this.#write(skipped);
  }

  #listen() {
    const { signal } = this.#listening;
    const root = this.#root;
    root.addEventListener('pointerenter', () => this.#setHeld('hover', true), { signal });
    root.addEventListener('pointerleave', () => this.#setHeld('hover', false), { signal });
    root.addEventListener('pointercancel', () => this.#setHeld('hover', false), { signal });
    this.#body.addEventListener(
      'focus',
      () => this.#setHeld('focus', this.#body.matches(':focus-visible')),
      { signal },
    );
    this.#body.addEventListener('blur', () => this.#setHeld('focus', false), { signal });
    this.#body.addEventListener(
      'keydown',
      (event) => {
        if (event.key === 'Escape') this.#setHeld('focus', false);
      },
      { signal },
    );
    this.#toggle.addEventListener(
      'click',
      () => {
        this.joinsSweeps = !this.joinsSweeps;
      },
      { signal },
    );
  }

  /**
   * @param {'pause' | 'hover' | 'focus'} by
   * @param {boolean} isHeld
   */
  #setHeld(by, isHeld) {
    if (isHeld) this.#holders.add(by);
    else this.#holders.delete(by);
    this.#isStale = true;
  }

  /** @returns {boolean} whether the tape stands still */
  #hold() {
    const { total } = this.#model.trades;
    if (this.#holders.size === 0) this.#heldTotal = Number.NaN;
    else if (!(this.#heldTotal <= total)) this.#heldTotal = total;
    return !Number.isNaN(this.#heldTotal);
  }

  #resize() {
    const head = this.#tbody.offsetTop;
    const [first] = this.#rows;
    if (!first) this.#addRow();
    const { element: sample } = this.#rows[0];
    const wasHidden = sample.hidden;
    sample.hidden = false;
    const height = sample.getBoundingClientRect().height || 20;
    sample.hidden = wasHidden;
    const fit = Math.floor((this.#body.clientHeight - head) / height);
    this.#visible = Math.max(0, Math.min(fit, MOST_ROWS));
    while (this.#rows.length < this.#visible) this.#addRow();
    for (let i = this.#visible; i < this.#rows.length; i++) this.#rows[i].clear();
    this.#isStale = true;
  }

  #addRow() {
    const row = new TapeRow();
    this.#rows.push(row);
    this.#tbody.append(row.element);
  }

  /**
   * How many trades the line has whose newest has an age.
   * @param {number} age
   */
  #countAt(age) {
    const { trades } = this.#model;
    let count = 1;
    if (!this.#joins) return count;
    while (age + count < trades.length && trades.continues[trades.slot(age + count - 1)]) count++;
    return count;
  }

  /**
   * Takes the lowest rows to the top, as many as there are new lines: the others need no writing.
   * @param {number} skipped how many of the newest trades aren't shown
   */
  #rotate(skipped) {
    const { trades } = this.#model;
    const visible = this.#visible;
    const top = this.#rows[0]?.id;
    let lines = 0;
    for (let age = skipped; age < trades.length && lines < visible; lines++) {
      age += this.#countAt(age);
      if (!(trades.total - age > top)) break;
    }
    if (lines >= visible) return;
    for (let i = 0; i < lines; i++) {
      const row = /** @type {TapeRow} */ (this.#rows.splice(visible - 1, 1)[0]);
      this.#rows.unshift(row);
      this.#tbody.prepend(row.element);
    }
  }

  /** @param {number} skipped how many of the newest trades aren't shown */
  #write(skipped) {
    const { trades } = this.#model;
    let age = skipped;
    for (let i = 0; i < this.#visible; i++) {
      const row = this.#rows[i];
      if (age >= trades.length) {
        row.clear();
        continue;
      }
      const count = this.#countAt(age);
      let quantity = 0;
      for (let j = 0; j < count; j++) quantity += trades.quantities[trades.slot(age + j)];
      const oldest = trades.slot(age + count - 1);
      const id = trades.total - age - count;
      row.show(id, count, quantity, trades, trades.slot(age), oldest, this.#model);
      row.weigh(this.#full, this.#large);
      age += count;
    }
  }

  /** @param {number} nowMs */
  #weigh(nowMs) {
    this.#weighedMs = nowMs;
    const { trades } = this.#model;
    const limit = trades.percentile(LARGE);
    this.#large = trades.length < LEAST_TRADES ? Number.POSITIVE_INFINITY : limit;
    const full = limit / LARGE_BAR || 1;
    // Bars that change their scale with every trade can't be compared.
    if (!(Math.abs(full / this.#full - 1) < 0.25)) this.#full = full;
  }

  /** @param {number} nowMs */
  #drawFoot(nowMs) {
    this.#footMs = nowMs;
    const { trades } = this.#model;
    if (trades.total !== this.#seenTotal) this.#tradeMs = nowMs;
    this.#seenTotal = trades.total;
    // The market's clock may be that of a recording: it goes on from the newest trade.
    trades.passTo(trades.newestMs + nowMs - this.#tradeMs);
    this.#foot.show(trades, (units) => this.#model.formatQuantity(units), nowMs);
  }
}
