// What a heatmap tells about the place under the pointer.

import { clock } from '../shared/format.js';
import { TEXT_SIZE, textWidth } from './axes.js';

/** @typedef {import('../history/history.js').DepthHistory} DepthHistory */
/** @typedef {import('../panel/model.js').MarketModel} MarketModel */
/** @typedef {import('../shared/theme.js').Theme} Theme */

const LINE = 15;
const PAD = 7;
const AWAY = 14;

/** Sums of one row of a heatmap at one time. */
export class Spot {
  isKnown = false;
  /** In units. */
  bid = 0;
  ask = 0;
  bought = 0;
  sold = 0;
  /** Traded, nobody knows by whom. */
  other = 0;

  /**
   * @param {DepthHistory} history
   * @param {number} from @param {number} to columns; the book is that of the last
   * @param {number} low @param {number} high prices in ticks, high not included
   */
  read(history, from, to, low, high) {
    this.bid = this.ask = this.bought = this.sold = this.other = 0;
    const last = Math.min(to, history.last);
    this.isKnown = last >= from && history.has(last);
    if (this.isKnown) {
      this.bid = sumOf(history, history.slot(last), 0, low, high);
      this.ask = sumOf(history, history.slot(last), 1, low, high);
    }
    const { trades } = history;
    for (let entry = trades.find(from); entry < trades.next; entry++) {
      const slot = entry % trades.capacity;
      if (trades.columns[slot] > to) break;
      if (trades.ticks[slot] < low || trades.ticks[slot] >= high) continue;
      if (trades.sides[slot] > 0) this.bought += trades.quantities[slot];
      else if (trades.sides[slot] < 0) this.sold += trades.quantities[slot];
      else this.other += trades.quantities[slot];
    }
  }
}

/** The lines of text that tell about a spot. */
export class Readout {
  /** @type {string[]} */ lines = [];
  /** @type {string[]} */ colours = [];
  count = 0;
  #spot = new Spot();
  #model;
  #theme;

  /** @param {MarketModel} model @param {Theme} theme */
  constructor(model, theme) {
    this.#model = model;
    this.#theme = theme;
  }

  /**
   * @param {number} timeMs @param {number} nowMs
   * @param {number} group columns shown as one
   * @param {number} low @param {number} rowTicks @param {number} step of the row, in ticks
   */
  read(timeMs, nowMs, group, low, rowTicks, step) {
    const { history } = this.#model;
    const { colours } = this.#theme;
    const column = Math.floor(timeMs / history.columnMs / group) * group;
    const newest = Math.floor(history.last / group) * group;
    const isNow = column > newest && timeMs <= nowMs && !history.isGap;
    const at = isNow ? newest : column;
    const spot = this.#spot;
    spot.read(history, at, at + group - 1, low, low + rowTicks);
    const top = low + rowTicks - step;
    const price = this.#price(low);
    this.count = 0;
    this.#say(clock(timeMs, 1), colours['text-dim']);
    this.#say(top > low ? `${price} – ${this.#price(top)}` : price, colours.text);
    if (!spot.isKnown) this.#say(timeMs > nowMs ? 'not yet' : 'not known', colours['text-dim']);
    else if (spot.bid + spot.ask === 0) this.#say('nothing here', colours['text-dim']);
    this.#sum('bid', spot.bid, colours.bid);
    this.#sum('ask', spot.ask, colours.ask);
    this.#sum('● bought', spot.bought, colours.bid);
    this.#sum('◆ sold', spot.sold, colours.ask);
    this.#sum('■ traded', spot.other, colours.text);
  }

  /** @param {string} what @param {number} units @param {string} colour */
  #sum(what, units, colour) {
    if (units > 0) this.#say(`${what} ${this.#model.formatQuantity(Math.round(units))}`, colour);
  }

  /** @param {string} text @param {string} colour */
  #say(text, colour) {
    this.lines[this.count] = text;
    this.colours[this.count++] = colour;
  }

  /** @param {number} ticks */
  #price(ticks) {
    return this.#model.formatPrice(ticks * this.#model.history.tickUnits);
  }
}

/**
 * @param {DepthHistory} history @param {number} slot @param {0 | 1} side
 * @param {number} low @param {number} high ticks
 */
function sumOf(history, slot, side, low, high) {
  const start = (2 * slot + side) * history.levels;
  const end = start + history.counts[2 * slot + side];
  const base = history.bases[slot];
  let sum = 0;
  for (let level = start; level < end; level++) {
    const price = base + history.offsets[level];
    if (price >= low && price < high) sum += history.quantities[level];
  }
  return sum;
}

/**
 * Lines of text in a box beside a point, inside of a width.
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {string[]} lines
 * @param {string[]} colours of the lines
 * @param {number} count of the lines
 * @param {number} x @param {number} y
 * @param {number} right @param {number} bottom
 */
export function drawBox(context, theme, lines, colours, count, x, y, right, bottom) {
  let longest = 0;
  for (let at = 0; at < count; at++) longest = Math.max(longest, lines[at].length);
  const width = textWidth(longest) + 2 * PAD;
  const height = count * LINE + 2 * PAD - (LINE - TEXT_SIZE);
  const left = Math.max(0, Math.round(x + AWAY + width > right ? x - AWAY - width : x + AWAY));
  const top = Math.max(0, Math.round(y + AWAY + height > bottom ? y - AWAY - height : y + AWAY));
  context.globalAlpha = 0.94;
  context.fillStyle = theme.colours.panel;
  context.fillRect(left, top, width, height);
  context.globalAlpha = 1;
  context.strokeStyle = theme.colours.line;
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  for (let at = 0; at < count; at++) {
    context.fillStyle = colours[at];
    context.fillText(lines[at], left + PAD, top + PAD + TEXT_SIZE / 2 + at * LINE);
  }
}
