// What a panel's views share: one symbol's market as it is now.

import { Scale } from '../../depth-client.js';
import { DepthHistory } from '../history/history.js';
import { compact, fixed } from '../shared/format.js';
import { TradeRing } from '../tape/trade-ring.js';

/** @typedef {import('../../depth-book.js').LevelBook | import('../../depth-book.js').OrderBook} Book */

const LONGEST = 9;

/** One symbol's market, as a panel's views show it. */
export class MarketModel {
  symbol = '';
  /** @type {Scale | null} */
  scale = null;
  /** Price units a row of the ladder. */
  stepUnits = 1;
  /** @type {Book | null} */
  book = null;
  /**
   * The market's best bid and ask where the book's are merged with others, null where they are not.
   * @type {Book | null}
   */
  best = null;
  /** Whether the book is current: connected, and neither Stale nor Halted. */
  isGood = false;
  sequence = 0;
  /** The server's clock at the newest message, milliseconds since 1970. */
  timeMs = 0;
  /** Grows with each change of the book. */
  revision = 0;
  /** Grows with each trade. */
  tradeRevision = 0;
  trades = new TradeRing();
  /** What is recorded, in a pause as well. */
  recording = new DepthHistory();
  /** The recording as it was when the views were stopped, null while they go on.
   * @type {DepthHistory | null} */
  #frozen = null;

  /** Whether book and history stand still, whatever is told meanwhile. */
  get isPaused() {
    return this.#frozen !== null;
  }

  /** The depth over time that is shown. */
  get history() {
    const frozen = this.#frozen;
    const isThere = frozen?.epoch === this.recording.epoch && this.recording.first <= frozen.last;
    return isThere ? frozen : this.recording; // nothing is left of a pause of an hour
  }

  /** Lets book and history stand still, as they are now. */
  pause() {
    this.#frozen = this.recording.frozen();
    this.book = this.book?.copy() ?? null;
    this.best = this.best?.copy() ?? null;
    this.revision++;
  }

  /** Lets them follow the market again, from the next update on. */
  goOn() {
    this.#frozen = null;
    this.revision++;
  }

  /** Where spread and mid are to be taken from. */
  get touch() {
    return this.best ?? this.book;
  }

  /** @param {number} units */
  formatPrice(units) {
    return this.scale ? fixed(units, this.scale.priceDecimals) : '';
  }

  /** With all decimals, or rounded where that would be long.
   * @param {number} units */
  formatQuantity(units) {
    if (!this.scale) return '';
    const text = fixed(units, this.scale.quantityDecimals);
    if (text.length <= LONGEST) return text;
    const places = LONGEST - 1 - text.indexOf('.');
    return places > 0 && text.includes('.')
      ? this.scale.quantity(units).toFixed(places)
      : compact(this.scale.quantity(units));
  }
}
