// The price ladder: a table of text over a canvas of bars. The text is the browser's, so that it can
// be read by machines, marked and copied; what moves is painted.

import { Side } from '../../depth-client.js';
import { element, wheelScale } from '../shared/dom.js';
import { LadderCells } from './cells.js';
import { LadderPainter } from './painter.js';
import { isSparse, LadderRows } from './rows.js';

/** @typedef {import('../panel/model.js').MarketModel} MarketModel */
/** @typedef {import('../shared/theme.js').Theme} Theme */
/** @typedef {import('../state.js').RowsMode} RowsMode */

const ROW_HEIGHT = 20;
const TOUCH_ROW_HEIGHT = 24;
const WHEEL_STEP = 40;
const PAGE_OVERLAP = 2;
const NOTHING = new Side('bids');

export class Ladder {
  /** Called with 1 or -1 when a wider or narrower price step is wanted. */
  onstep = (/** @type {number} */ _direction) => {};
  #model;
  #host;
  #body;
  #rows = new LadderRows();
  #cells;
  #painter;
  #rowHeight = matchMedia('(pointer: coarse)').matches ? TOUCH_ROW_HEIGHT : ROW_HEIGHT;
  #revision = -1;
  #isDirty = true;
  /** @type {RowsMode} */
  #mode = 'auto';
  #hasChosen = false;
  #wheel = 0;
  #observer;
  #aborter = new AbortController();

  /**
   * @param {HTMLElement} host
   * @param {MarketModel} model
   * @param {Theme} theme
   */
  constructor(host, model, theme) {
    this.#model = model;
    this.#host = element('div', { class: 'ladder' });
    this.#body = element('div', {
      class: 'ladder-body',
      tabindex: 0,
      role: 'group',
      'aria-label': 'Price ladder: arrow keys scroll, Home recentres',
    });
    host.append(this.#host);
    this.#host.append(this.#body);
    this.#painter = new LadderPainter(this.#body, model, theme, this.#rows);
    this.#cells = new LadderCells(this.#body, model, this.#rows);
    this.#host.style.setProperty('--row', `${this.#rowHeight}px`);
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(this.#body);
    this.#listen();
  }

  /** @param {RowsMode} mode */
  setMode(mode) {
    this.#mode = mode;
    this.reset();
  }

  /** @param {number} now */
  draw(now) {
    const book = this.#model.book;
    const isNew = this.#revision !== this.#model.revision || this.#isDirty;
    if (isNew) {
      this.#revision = this.#model.revision;
      this.#isDirty = false;
      if (book && !this.#hasChosen) {
        this.#hasChosen = Math.min(book.bids.length, book.asks.length) > 1;
        const { stepUnits } = this.#model;
        this.#rows.isCompact =
          this.#mode === 'levels' ||
          (this.#mode === 'auto' && isSparse(book.bids, book.asks, stepUnits));
      }
      this.#rows.fill(book?.bids ?? NOTHING, book?.asks ?? NOTHING, this.#model.stepUnits);
      this.#cells.write();
      this.#painter.noteChanges(now);
      this.#host.dataset.sequence = String(this.#model.sequence);
      this.#host.classList.toggle('is-scrolled', !this.#rows.isFollowing);
    }
    this.#painter.paint(now, isNew);
  }

  /** The symbol, the data type or the price step is another. */
  reset() {
    this.#hasChosen = false;
    this.#rows.recentre();
    this.#painter.forget();
    this.#isDirty = true;
  }

  recentre() {
    this.#rows.recentre();
    this.#isDirty = true;
  }

  dispose() {
    this.#aborter.abort();
    this.#observer.disconnect();
    this.#painter.dispose();
    this.#host.remove();
  }

  #resize() {
    const count = Math.max(3, Math.floor(this.#body.clientHeight / this.#rowHeight));
    this.#rows.resize(count);
    this.#cells.resize();
    this.#painter.measure(this.#cells.columns(), this.#rowHeight);
    this.#isDirty = true;
  }

  #listen() {
    const { signal } = this.#aborter;
    const body = this.#body;
    body.addEventListener('wheel', (event) => this.#onWheel(event), { passive: false, signal });
    body.addEventListener('keydown', (event) => this.#onKey(event), { signal });
    body.addEventListener('pointermove', (event) => this.#painter.hover(event), { signal });
    body.addEventListener('pointerleave', () => this.#painter.leave(), { signal });
    body.addEventListener('dblclick', () => this.recentre(), { signal });
    this.#dragPrices(signal);
  }

  /** Dragging the prices scrolls them; dragging anything else scrolls the page, on a phone.
   * @param {AbortSignal} signal */
  #dragPrices(signal) {
    let lastY = Number.NaN;
    const start = (/** @type {TouchEvent} */ { touches: [touch] }) => {
      lastY = this.#painter.isOverPrices(touch) ? touch.clientY : Number.NaN;
    };
    const move = (/** @type {TouchEvent} */ { touches: [touch] }) => {
      const rows = Math.trunc((touch.clientY - lastY) / this.#rowHeight);
      if (!rows) return;
      lastY += rows * this.#rowHeight;
      this.#scroll(rows);
    };
    this.#body.addEventListener('touchstart', start, { passive: true, signal });
    this.#body.addEventListener('touchmove', move, { passive: true, signal });
  }

  /** @param {WheelEvent} event */
  #onWheel(event) {
    if (event.ctrlKey || event.metaKey) return; // the browser's own zoom
    event.preventDefault();
    this.#wheel += event.deltaY * wheelScale(event, WHEEL_STEP);
    const steps = Math.trunc(this.#wheel / WHEEL_STEP);
    if (steps === 0) return;
    this.#wheel -= steps * WHEEL_STEP;
    if (event.altKey || this.#painter.isOverPrices(event)) this.onstep(Math.sign(steps));
    else this.#scroll(-steps);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = this.#rows.count - PAGE_OVERLAP;
    if (event.key === 'ArrowUp') this.#scroll(1);
    else if (event.key === 'ArrowDown') this.#scroll(-1);
    else if (event.key === 'PageUp') this.#scroll(page);
    else if (event.key === 'PageDown') this.#scroll(-page);
    else if (event.key === 'Home') this.recentre();
    else return;
    event.preventDefault();
  }

  /** @param {number} rows */
  #scroll(rows) {
    this.#rows.scroll(rows);
    this.#isDirty = true;
  }
}
