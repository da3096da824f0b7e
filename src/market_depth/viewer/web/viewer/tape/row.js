// One line of the trade tape: a trade, or the trades of one sweep.

import { element, Label } from '../shared/dom.js';
import { clock } from '../shared/format.js';

/**
 * What a line needs of a MarketModel.
 * @typedef {object} Formats
 * @property {(units: number) => string} formatPrice
 * @property {(units: number) => string} formatQuantity
 */

const SIGNS = /** @type {Record<number, [string, string, string]>} */ ({
  1: ['▲', 'buy', 'bid'],
  [-1]: ['▼', 'sell', 'ask'],
  0: ['·', 'unknown', ''],
});
const BAR_STEPS = 50;

/** A row of the tape's table, written to only where it changes. */
export class TapeRow {
  element = element('tr', { class: 'tape-row', hidden: true });
  /** Counts the symbol's trades: the oldest of those that the line tells; NaN for none. */
  id = Number.NaN;
  #count = 0;
  #quantity = Number.NaN;
  #bar = -1;
  #isLarge = false;
  #time;
  #sign;
  #word;
  #from;
  #price;
  #times;
  #size;
  #sizeCell = element('td', { class: 'tape-size' });

  constructor() {
    const time = element('td', { class: 'tape-time' });
    const sign = element('span', { class: 'tape-sign', 'aria-hidden': 'true' });
    const word = element('span', { class: 'tape-word' });
    const from = element('span', { class: 'tape-from' });
    const price = element('span');
    const times = element('span', { class: 'tape-times' });
    this.element.append(
      time,
      element('td', { class: 'tape-side' }, [sign, word]),
      element('td', { class: 'tape-price' }, [times, from, price]),
      this.#sizeCell,
    );
    this.#time = new Label(time);
    this.#sign = new Label(sign);
    this.#word = new Label(word);
    this.#from = new Label(from);
    this.#price = new Label(price);
    this.#times = new Label(times);
    this.#size = new Label(this.#sizeCell);
  }

  /**
   * Shows trades, the newest of which is told by time and price.
   * @param {number} id
   * @param {number} count how many
   * @param {number} quantity of all, in units
   * @param {import('./trade-ring.js').TradeRing} ring
   * @param {number} newest its slot
   * @param {number} oldest its slot
   * @param {Formats} formats
   */
  show(id, count, quantity, ring, newest, oldest, formats) {
    if (id === this.id && count === this.#count && quantity === this.#quantity) return;
    this.id = id;
    this.#count = count;
    this.#quantity = quantity;
    const [sign, word, side] = SIGNS[ring.sides[newest]];
    const price = ring.prices[newest];
    const first = ring.prices[oldest];
    this.#time.set(clock(ring.times[newest], 3));
    this.#sign.set(sign);
    this.#word.set(word);
    this.#from.set(first === price ? '' : `${formats.formatPrice(first)} – `);
    this.#price.set(formats.formatPrice(price));
    this.#times.set(count > 1 ? `×${count} ` : '');
    this.#size.set(formats.formatQuantity(quantity));
    this.element.dataset.side = side;
    this.element.hidden = false;
  }

  /**
   * @param {number} full the quantity of a full bar, in units
   * @param {number} large what more than this is large, in units
   */
  weigh(full, large) {
    const bar = Math.ceil(Math.min(this.#quantity / full, 1) * BAR_STEPS) / BAR_STEPS || 0;
    if (bar !== this.#bar) this.#sizeCell.style.setProperty('--bar', `${bar * 100}%`);
    this.#bar = bar;
    const isLarge = this.#quantity > large;
    if (isLarge !== this.#isLarge) this.element.classList.toggle('tape-large', isLarge);
    this.#isLarge = isLarge;
  }

  clear() {
    if (Number.isNaN(this.id)) return;
    this.id = Number.NaN;
    this.element.hidden = true;
  }
}
