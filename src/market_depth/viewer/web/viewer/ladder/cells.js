// The ladder's text: a pool of table rows whose cells are written only when they change.

import { element, Label } from '../shared/dom.js';
import { compact } from '../shared/format.js';

/** @typedef {import('../panel/model.js').MarketModel} MarketModel */
/** @typedef {import('./rows.js').LadderRows} LadderRows */

/** From the left; a bar's column has no text. */
const COLUMNS = /** @type {const} */ ([
  ['bid-total', 'Total', 'Cumulative bid size'],
  ['bid-orders', 'Ord', 'Bid orders'],
  ['bid-size', 'Bid', 'Bid size'],
  ['bid-bar', '', 'Bid size as a bar'],
  ['price', 'Price', 'Price'],
  ['ask-bar', '', 'Ask size as a bar'],
  ['ask-size', 'Ask', 'Ask size'],
  ['ask-orders', 'Ord', 'Ask orders'],
  ['ask-total', 'Total', 'Cumulative ask size'],
]);
const [BID_TOTAL, BID_ORDERS, BID_SIZE, , PRICE, , ASK_SIZE, ASK_ORDERS, ASK_TOTAL] =
  COLUMNS.keys();

/** Edges of the columns that are painted, in CSS pixels.
 * @typedef {object} Columns
 * @property {[number, number]} bid
 * @property {[number, number]} price
 * @property {[number, number]} ask
 * @property {[number, number]} bidSize
 * @property {[number, number]} askSize
 */

/** A row of the pool: its text nodes, and the numbers that they show. */
class CellRow {
  element = element('tr');
  /** @type {Text[]} */
  texts = [];
  shown = new Float64Array(COLUMNS.length).fill(Number.NaN);

  constructor() {
    for (const [name] of COLUMNS) {
      const cell = element('td', { class: name });
      const text = document.createTextNode('');
      cell.append(text);
      this.element.append(cell);
      this.texts.push(text);
    }
  }
}

export class LadderCells {
  #model;
  #rows;
  #head;
  #tbody = element('tbody');
  #spread = element('div', { class: 'ladder-spread' });
  #mid;
  #spreadText;
  /** @type {CellRow[]} */
  #pool = [];
  #caption;
  #shownDecimals = -1;

  /**
   * @param {HTMLElement} body what the rows fill
   * @param {MarketModel} model
   * @param {LadderRows} rows
   */
  constructor(body, model, rows) {
    this.#model = model;
    this.#rows = rows;
    const caption = element('caption', { class: 'for-readers' });
    this.#caption = new Label(caption);
    this.#head = element(
      'tr',
      {},
      COLUMNS.map(([name, text, title]) =>
        element('th', { class: name, scope: 'col', title, 'aria-label': title }, [
          text || element('span', { class: 'for-readers', text: title }),
        ]),
      ),
    );
    const table = element('table', {}, [caption, element('thead', {}, [this.#head]), this.#tbody]);
    const [mid, spread] = [element('b'), element('span')];
    this.#mid = new Label(mid);
    this.#spreadText = new Label(spread);
    this.#spread.append(mid, spread);
    body.append(table, this.#spread);
  }

  /** Makes the pool as long as there are rows. */
  resize() {
    const { count } = this.#rows;
    while (this.#pool.length < count) {
      const row = new CellRow();
      this.#pool.push(row);
      this.#tbody.append(row.element);
    }
    while (this.#pool.length > count) this.#pool.pop()?.element.remove();
  }

  /** @returns {Columns} */
  columns() {
    const left = this.#head.getBoundingClientRect().left;
    const edges = (/** @type {number} */ index) => {
      const box = this.#head.children[index].getBoundingClientRect();
      return /** @type {[number, number]} */ ([box.left - left, box.right - left]);
    };
    return {
      bid: edges(PRICE - 1),
      price: edges(PRICE),
      ask: edges(PRICE + 1),
      bidSize: edges(BID_SIZE),
      askSize: edges(ASK_SIZE),
    };
  }

  /** Writes what has changed. */
  write() {
    const rows = this.#rows;
    const { bids, asks, keys } = rows;
    this.#forgetOtherDecimals();
    for (let index = 0; index < this.#pool.length; index++) {
      const row = this.#pool[index];
      const key = keys[index];
      this.#set(row, PRICE, Number.isNaN(key) ? Number.NaN : key * this.#model.stepUnits);
      this.#set(row, BID_SIZE, bids.quantities[index]);
      this.#set(row, BID_ORDERS, bids.orders[index]);
      this.#set(row, BID_TOTAL, bids.quantities[index] > 0 ? bids.totals[index] : 0);
      this.#set(row, ASK_SIZE, asks.quantities[index]);
      this.#set(row, ASK_ORDERS, asks.orders[index]);
      this.#set(row, ASK_TOTAL, asks.quantities[index] > 0 ? asks.totals[index] : 0);
      row.element.classList.toggle('is-best-bid', index === bids.best);
      row.element.classList.toggle('is-best-ask', index === asks.best);
    }
    this.#writeSpread();
    const by = this.#model.book && 'queues' in this.#model.book ? 'order' : 'price';
    this.#caption.set(`Order book of ${this.#model.symbol}, market by ${by}`);
  }

  #forgetOtherDecimals() {
    const scale = this.#model.scale;
    const decimals = scale ? scale.priceDecimals * 100 + scale.quantityDecimals : -1;
    if (decimals === this.#shownDecimals) return;
    this.#shownDecimals = decimals;
    for (const row of this.#pool) row.shown.fill(-Infinity); // which is never shown
  }

  /**
   * @param {CellRow} row
   * @param {number} column
   * @param {number} value NaN or 0 where there is nothing
   */
  #set(row, column, value) {
    if (Object.is(row.shown[column], value)) return;
    row.shown[column] = value;
    row.texts[column].data = this.#format(column, value);
  }

  /**
   * @param {number} column
   * @param {number} value
   */
  #format(column, value) {
    if (Number.isNaN(value) || (value === 0 && column !== PRICE)) return '';
    if (column === PRICE) return this.#model.formatPrice(value);
    if (column === BID_ORDERS || column === ASK_ORDERS) return value < 0 ? '' : String(value);
    if (column === BID_SIZE || column === ASK_SIZE) return this.#model.formatQuantity(value);
    return this.#model.scale ? compact(this.#model.scale.quantity(value)) : '';
  }

  #writeSpread() {
    const { touch, scale } = this.#model;
    const row = this.#rows.spreadRow;
    const isThere = row >= 0 && touch !== null && scale !== null;
    this.#spread.hidden = !isThere;
    if (!isThere) return;
    this.#spread.style.setProperty('--spread-row', String(row));
    const spread = touch.spread();
    const mid = touch.mid();
    const hasBoth = !Number.isNaN(spread);
    const middle = hasBoth
      ? scale.price(mid).toFixed(scale.priceDecimals + (mid % 1 ? 1 : 0))
      : '–';
    const points = mid > 0 ? ` · ${((spread / mid) * 10_000).toFixed(2)} bps` : '';
    const text = hasBoth
      ? `spread ${this.#model.formatPrice(spread)}${points}`
      : 'one side is empty';
    this.#mid.set(middle);
    this.#spreadText.set(text);
  }
}
