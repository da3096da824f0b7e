// The ladder's bars, order queues and flashes.

import { element, Label } from '../shared/dom.js';
import { Surface } from '../shared/surface.js';
import { describeOrder, paintQueue } from './order-queue.js';

/** @typedef {import('../panel/model.js').MarketModel} MarketModel */
/** @typedef {import('../shared/theme.js').Theme} Theme */
/** @typedef {import('./rows.js').LadderRows} LadderRows */
/** @typedef {import('./cells.js').Columns} Columns */

const FLASH_MS = 450;
const FLASH_STRENGTH = 0.55;
/** How fast the scale of the bars comes back when the largest level has gone, an update. */
const SHRINK = 0.03;
const SIDES = /** @type {const} */ (['bids', 'asks']);

/** When the rows of a side changed last, and what they showed then. */
class Changes {
  /** @param {number} count */
  constructor(count) {
    this.quantities = new Float64Array(count);
    this.changedMs = new Float64Array(count).fill(-FLASH_MS);
  }
}

export class LadderPainter {
  #model;
  #theme;
  #rows;
  #surface;
  #tip;
  #tipText;
  /** @type {Columns} */
  #columns = { bid: [0, 0], price: [0, 0], ask: [0, 0], bidSize: [0, 0], askSize: [0, 0] };
  #rowHeight = 20;
  #keys = new Float64Array(0);
  #changes = { bids: new Changes(0), asks: new Changes(0) };
  #scale = 0;
  #isFlashing = false;
  #themeRevision = -1;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');
  /** @type {import('./order-queue.js').Row} */
  #queue = { queues: [], first: 0, levels: 0, left: 0, right: 0, isAsk: false, scale: 0 };
  #pointer = { x: -1, y: -1 };

  /**
   * @param {HTMLElement} host
   * @param {MarketModel} model
   * @param {Theme} theme
   * @param {LadderRows} rows
   */
  constructor(host, model, theme, rows) {
    this.#model = model;
    this.#theme = theme;
    this.#rows = rows;
    this.#surface = new Surface(host);
    this.#surface.canvas.setAttribute('aria-hidden', 'true');
    this.#tip = element('div', { class: 'ladder-tip', role: 'tooltip', hidden: true });
    this.#tipText = new Label(this.#tip);
    host.append(this.#tip);
  }

  /**
   * @param {Columns} columns
   * @param {number} rowHeight
   */
  measure(columns, rowHeight) {
    this.#columns = columns;
    this.#rowHeight = rowHeight;
    const { count } = this.#rows;
    if (this.#keys.length === count) return;
    this.#keys = new Float64Array(count).fill(Number.NaN);
    this.#changes = { bids: new Changes(count), asks: new Changes(count) };
  }

  /** Nothing that is seen next is a change. */
  forget() {
    this.#keys.fill(Number.NaN);
    this.#scale = 0;
    for (const side of SIDES) this.#changes[side].changedMs.fill(-FLASH_MS);
  }

  /**
   * Compares the rows with those before: what has another size at the same price flashes.
   * @param {number} nowMs
   */
  noteChanges(nowMs) {
    const { keys, count } = this.#rows;
    for (const name of SIDES) {
      const { quantities } = this.#rows[name];
      const changes = this.#changes[name];
      for (let row = 0; row < count; row++) {
        if (keys[row] === this.#keys[row]) {
          if (quantities[row] !== changes.quantities[row]) changes.changedMs[row] = nowMs;
        } else changes.changedMs[row] = -FLASH_MS;
        changes.quantities[row] = quantities[row];
      }
    }
    this.#keys.set(keys);
  }

  /**
   * @param {number} nowMs
   * @param {boolean} isNew whether the rows are others than at the last call
   */
  paint(nowMs, isNew) {
    const isRecoloured = this.#themeRevision !== this.#theme.revision;
    if (!(this.#surface.take() || isNew || isRecoloured || this.#isFlashing)) return;
    this.#themeRevision = this.#theme.revision;
    this.#adaptScale();
    this.#surface.clear();
    this.#isFlashing = false;
    this.#paintSide('bids', nowMs);
    this.#paintSide('asks', nowMs);
    this.#paintTip();
  }

  /** @param {PointerEvent} event */
  hover(event) {
    const box = this.#surface.canvas.getBoundingClientRect();
    this.#pointer.x = event.clientX - box.left;
    this.#pointer.y = event.clientY - box.top;
    this.#paintTip();
  }

  leave() {
    this.#pointer.x = -1;
    this.#tip.hidden = true;
  }

  /** @param {{ clientX: number }} point */
  isOverPrices(point) {
    const x = point.clientX - this.#surface.canvas.getBoundingClientRect().left;
    return x >= this.#columns.price[0] && x <= this.#columns.price[1];
  }

  dispose() {
    this.#surface.dispose();
    this.#tip.remove();
  }

  #adaptScale() {
    const { bids, asks, count } = this.#rows;
    let largest = 0;
    for (let row = 0; row < count; row++) {
      largest = Math.max(largest, bids.quantities[row], asks.quantities[row]);
    }
    if (largest >= this.#scale) this.#scale = largest;
    else this.#scale += (largest - this.#scale) * SHRINK;
  }

  /**
   * @param {'bids' | 'asks'} name
   * @param {number} nowMs
   */
  #paintSide(name, nowMs) {
    const isAsk = name === 'asks';
    const { context } = this.#surface;
    const { colours } = this.#theme;
    const { quantities } = this.#rows[name];
    const { changedMs } = this.#changes[name];
    const [left, right] = isAsk ? this.#columns.ask : this.#columns.bid;
    const book = this.#model.book;
    const orders = book && 'queues' in book ? book : null;
    const bar = isAsk ? colours['ask-dim'] : colours['bid-dim'];
    const bright = isAsk ? colours.ask : colours.bid;
    for (let row = 0; row < this.#rows.count; row++) {
      const y = row * this.#rowHeight;
      const since = nowMs - changedMs[row];
      const isFlash = since < FLASH_MS && !this.#calm.matches;
      if (isFlash) {
        this.#isFlashing = true;
        context.globalAlpha = FLASH_STRENGTH * (1 - since / FLASH_MS);
        context.fillStyle = isAsk ? colours['ask-soft'] : colours['bid-soft'];
        const [from, to] = isAsk ? this.#columns.askSize : this.#columns.bidSize;
        context.fillRect(from, y, to - from, this.#rowHeight);
        context.globalAlpha = 1;
      }
      if (quantities[row] === 0) continue;
      if (orders !== null) {
        context.fillStyle = bright;
        this.#place(row, isAsk);
        paintQueue(context, this.#queue, y + 3, this.#rowHeight - 6, orders.marketTimeMs);
        continue;
      }
      context.fillStyle = isFlash ? bright : bar;
      const width = Math.max(1, ((right - left) * quantities[row]) / this.#scale);
      context.fillRect(isAsk ? left : right - width, y + 3, width, this.#rowHeight - 6);
    }
  }

  /**
   * Says where a row's queue lies.
   * @param {number} row
   * @param {boolean} isAsk
   */
  #place(row, isAsk) {
    const queue = this.#queue;
    const name = isAsk ? 'asks' : 'bids';
    const column = this.#rows[name];
    const book = /** @type {import('../../depth-book.js').OrderBook} */ (this.#model.book);
    [queue.left, queue.right] = isAsk ? this.#columns.ask : this.#columns.bid;
    queue.queues = book.queues(name);
    queue.first = column.first[row];
    queue.levels = column.levels[row];
    queue.isAsk = isAsk;
    queue.scale = (queue.right - queue.left) / this.#scale;
  }

  #paintTip() {
    const text = this.#pointer.x < 0 ? '' : this.#orderAtPointer();
    this.#tip.hidden = text === '';
    if (text === '') return;
    this.#tipText.set(text);
    const isLow = this.#pointer.y > this.#surface.height / 2;
    const offset = isLow ? -this.#rowHeight * 1.6 : this.#rowHeight;
    const room = this.#surface.width - this.#tip.offsetWidth;
    const left = Math.max(0, Math.min(this.#pointer.x, room));
    this.#tip.style.transform = `translate(${left}px, ${this.#pointer.y + offset}px)`;
  }

  #orderAtPointer() {
    const book = this.#model.book;
    const row = Math.floor(this.#pointer.y / this.#rowHeight);
    if (book === null || !('queues' in book) || row < 0 || row >= this.#rows.count) return '';
    const { x } = this.#pointer;
    const isAsk = x >= this.#columns.ask[0];
    const [left, right] = isAsk ? this.#columns.ask : this.#columns.bid;
    if (x < left || x > right || this.#rows[isAsk ? 'asks' : 'bids'].levels[row] === 0) return '';
    this.#place(row, isAsk);
    return describeOrder(this.#queue, x, book.marketTimeMs, (units) =>
      this.#model.formatQuantity(units),
    );
  }
}
