// The orders of a price level as a row of blocks: the first to be executed stands next to the
// price, a block's width is its size, and the older it is the darker its shade.

import { age } from '../shared/format.js';

/** @typedef {import('../../depth-book.js').Order} Order */

const MIN_WIDTH = 2;
const GAP = 1;
const YOUNG_MS = 500;
const OLD_MS = 600_000;
const FAINTEST = 0.28;

/**
 * How strongly an order is painted: 1 when it has just come, less the older it is.
 * @param {number} ageMs
 */
export function shade(ageMs) {
  if (!(ageMs > YOUNG_MS)) return 1;
  const part = Math.log(ageMs / YOUNG_MS) / Math.log(OLD_MS / YOUNG_MS);
  return 1 - (1 - FAINTEST) * Math.min(part, 1);
}

/**
 * @typedef {object} Row where the orders of a row lie
 * @property {readonly (readonly Order[])[]} queues of the side, by level
 * @property {number} first the row's first level
 * @property {number} levels how many it has
 * @property {number} left edges in CSS pixels
 * @property {number} right
 * @property {boolean} isAsk whether the queue begins at the left edge
 * @property {number} scale pixels a unit of quantity
 */

/**
 * Paints a row's queue.
 * @param {CanvasRenderingContext2D} context its fillStyle is the side's colour
 * @param {Row} row
 * @param {number} top
 * @param {number} height
 * @param {number} marketTimeMs
 */
export function paintQueue(context, row, top, height, marketTimeMs) {
  const room = row.right - row.left;
  const end = endOf(row);
  let x = 0;
  for (let level = row.first; level < end; level++) {
    const queue = row.queues[level];
    for (let place = 0; place < queue.length && x < room; place++) {
      const order = queue[place];
      const width = Math.min(Math.max(order.quantity * row.scale - GAP, MIN_WIDTH), room - x);
      context.globalAlpha = shade(marketTimeMs - order.timeMs);
      context.fillRect(row.isAsk ? row.left + x : row.right - x - width, top, width, height);
      x += width + GAP;
    }
  }
  context.globalAlpha = 1;
}

/**
 * What stands at a place of a row's queue, in words; '' if nothing does.
 * @param {Row} row
 * @param {number} x in CSS pixels
 * @param {number} marketTimeMs
 * @param {(units: number) => string} formatQuantity
 */
export function describeOrder(row, x, marketTimeMs, formatQuantity) {
  const wanted = row.isAsk ? x - row.left : row.right - x;
  const end = endOf(row);
  let from = 0;
  for (let level = row.first; level < end; level++) {
    const queue = row.queues[level];
    for (let place = 0; place < queue.length; place++) {
      const order = queue[place];
      const width = Math.max(order.quantity * row.scale - GAP, MIN_WIDTH) + GAP;
      if (wanted >= from && wanted < from + width) {
        const old = age(Math.max(0, marketTimeMs - order.timeMs));
        const size = formatQuantity(order.quantity);
        return `order ${order.id} · ${size} · ${old} old · ${place + 1} of ${queue.length}`;
      }
      from += width;
    }
  }
  return '';
}

/**
 * Behind which level a row ends: the book may have lost some since the row was filled.
 * @param {Row} row
 */
function endOf(row) {
  return Math.min(row.first + row.levels, row.queues.length);
}
