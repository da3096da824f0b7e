// What the depth chart's crosshair reads, as text: the size up to a price, and what it costs.

import { element, Label } from '../shared/dom.js';
import {
  averageText,
  bpsText,
  costToFill,
  decimalText,
  distanceBps,
  moneyText,
  slippageBps,
} from './cost.js';

/** @typedef {import('./curve.js').DepthCurve} DepthCurve */
/** @typedef {import('../../depth-client.js').Scale} Scale */

const ROWS = /** @type {const} */ ([
  ['price', 'Price'],
  ['distance', 'From mid'],
  ['size', 'Size'],
  ['average', 'Average'],
  ['slippage', 'Slippage'],
  ['cost', 'Total'],
]);

/** @param {number} bps */
const withUnit = (bps) => (Number.isNaN(bps) ? '–' : `${bpsText(bps)} bps`);

/** What is read on one side of the book. */
class Column {
  /** @type {Record<string, Label>} */
  #labels = {};
  /** @type {HTMLElement} */
  #head;

  /**
   * @param {HTMLElement} head
   * @param {HTMLElement[]} cells
   */
  constructor(head, cells) {
    this.#head = head;
    this.#labels.action = new Label(head);
    ROWS.forEach(([name], index) => {
      this.#labels[name] = new Label(cells[index]);
    });
  }

  /**
   * @param {DepthCurve} curve
   * @param {number} priceUnits
   * @param {number} midTwice NaN if there is no mid
   * @param {Scale} scale
   */
  show(curve, priceUnits, midTwice, scale) {
    const isBuy = !curve.isBid;
    const { priceDecimals, quantityDecimals } = scale;
    const size = curve.totalAt(priceUnits);
    const fill = costToFill(curve.side, size);
    const labels = this.#labels;
    labels.action.set(isBuy ? 'Buy asks' : 'Sell bids');
    this.#head.dataset.side = isBuy ? 'ask' : 'bid';
    labels.price.set(decimalText(BigInt(priceUnits), priceDecimals));
    labels.distance.set(withUnit(distanceBps(priceUnits, midTwice)));
    labels.size.set(decimalText(BigInt(size), quantityDecimals, ','));
    labels.average.set(averageText(fill, priceDecimals, priceDecimals + 1));
    labels.slippage.set(withUnit(slippageBps(fill, midTwice, isBuy)));
    const decimals = Math.max(priceDecimals, 2);
    labels.cost.set(moneyText(fill.money, priceDecimals + quantityDecimals, decimals));
  }
}

/** The table beside the crosshair, and the same in words for who can't see it. */
export class DepthReadout {
  #output = element('output', { class: 'depth-readout', 'aria-live': 'off', hidden: true });
  #spoken = element('span', { class: 'depth-spoken', 'aria-live': 'polite' });
  #near;
  #far;

  /** @param {HTMLElement} host */
  constructor(host) {
    const heads = ['depth-value', 'depth-value depth-mirror'].map((name) =>
      element('span', { class: `${name} depth-action` }),
    );
    const rows = ROWS.map(([name, label]) => {
      const cells = ['depth-value', 'depth-value depth-mirror'].map((kind) =>
        element('span', { class: kind, 'data-name': name }),
      );
      const title = element('span', { class: 'depth-name', text: label });
      return {
        cells,
        row: element('span', { class: 'depth-row' }, [title, ' ', cells[0], ' ', cells[1]]),
      };
    });
    const head = element('span', { class: 'depth-row depth-head' }, [
      element('span', { class: 'depth-name', text: 'At market' }),
      ' ',
      heads[0],
      ' ',
      heads[1],
    ]);
    this.#output.append(head, ...rows.flatMap(({ row }) => ['\n', row]));
    this.#near = new Column(
      heads[0],
      rows.map(({ cells }) => cells[0]),
    );
    this.#far = new Column(
      heads[1],
      rows.map(({ cells }) => cells[1]),
    );
    host.append(this.#output, this.#spoken);
  }

  /**
   * @param {DepthCurve} near the side that the crosshair is on
   * @param {DepthCurve} far the other
   * @param {number} priceUnits
   * @param {number} midTwice NaN if there is no mid, and so no mirror
   * @param {Scale} scale
   */
  show(near, far, priceUnits, midTwice, scale) {
    this.#near.show(near, priceUnits, midTwice, scale);
    const hasFar = !Number.isNaN(midTwice);
    if (hasFar) this.#far.show(far, midTwice - priceUnits, midTwice, scale);
    this.#output.classList.toggle('depth-lone', !hasFar);
    this.#output.dataset.side = near.isBid ? 'bid' : 'ask';
    this.#output.hidden = false;
  }

  /** Has what is shown spoken, once. */
  speak() {
    const words = [...this.#output.querySelectorAll('.depth-row')].map((row) => {
      const [name, value] = row.children;
      return `${name.textContent} ${value.textContent}`;
    });
    this.#spoken.textContent = words.join(', ');
  }

  hide() {
    this.#output.hidden = true;
    this.#spoken.textContent = '';
  }

  dispose() {
    this.#output.remove();
    this.#spoken.remove();
  }
}
