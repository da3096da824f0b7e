// The foot of the trade tape: what was bought and what was sold within the last minute.

import { element, Label } from '../shared/dom.js';

/** @typedef {import('./trade-ring.js').TradeRing} TradeRing */

const LABEL_MS = 1000;

/** A bar in two parts, and the same in words. */
export class TapeFoot {
  element = element('div', { class: 'tape-foot' });
  #bar = element('div', { class: 'tape-bar', role: 'img' });
  #bought = element('span', { class: 'tape-bought' });
  #labels;
  #missedHost = element('span', { class: 'tape-missed', hidden: true });
  #share = -1;
  #labelMs = Number.NEGATIVE_INFINITY;

  constructor() {
    const bought = element('span', { class: 'tape-words tape-words-bought' });
    const minute = element('span', { class: 'tape-minute', text: 'last minute' });
    const sold = element('span', { class: 'tape-words tape-words-sold' });
    const shares = [0, 1].map(() => element('span', { class: 'tape-share' }));
    this.#bar.append(this.#bought);
    this.element.append(bought, minute, this.#missedHost, sold, this.#bar);
    this.#labels = {
      bought: new Label(bought),
      sold: new Label(sold),
      boughtShare: new Label(shares[0]),
      soldShare: new Label(shares[1]),
      missed: new Label(this.#missedHost),
    };
    bought.append(shares[0]);
    sold.append(shares[1]);
  }

  /**
   * @param {TradeRing} ring
   * @param {(units: number) => string} formatQuantity
   * @param {number} nowMs
   */
  show(ring, formatQuantity, nowMs) {
    const { boughtUnits, soldUnits, missed } = ring;
    const all = boughtUnits + soldUnits;
    const share = all ? Math.round((boughtUnits / all) * 100) : 50;
    const { bought, sold } = this.#labels;
    bought.set(`▲ bought ${formatQuantity(boughtUnits)}`);
    sold.set(`▼ sold ${formatQuantity(soldUnits)}`);
    this.#labels.boughtShare.set(all ? ` ${share}%` : '');
    this.#labels.soldShare.set(all ? ` ${100 - share}%` : '');
    if (share !== this.#share) this.#bought.style.transform = `scaleX(${share / 100})`;
    this.#share = share;
    this.#bar.classList.toggle('tape-bar-empty', !all);
    this.#labels.missed.set(missed ? `${missed} missed` : '');
    this.#missedHost.hidden = missed === 0;
    if (nowMs - this.#labelMs < LABEL_MS) return;
    this.#labelMs = nowMs;
    const told = all ? `${share} percent bought, ${100 - share} percent sold` : 'no trades';
    this.#bar.setAttribute('aria-label', `Last minute: ${told}`);
  }
}
