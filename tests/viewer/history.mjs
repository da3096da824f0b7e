// Plays what is told on the standard input into a DepthHistory, and says what is in it then.

import { DepthHistory } from '../../src/market_depth/viewer/web/viewer/history/history.js';

const TICK_UNITS = 5;

function sideOf(levels) {
  return {
    length: levels.length,
    prices: Float64Array.from(levels, ([ticks]) => ticks * TICK_UNITS),
    quantities: Float64Array.from(levels, ([, quantity]) => quantity),
  };
}

function play(history, { op, timeMs, bids, asks, step = 1, ticks, quantity, side }) {
  if (op === 'record') {
    const scale = { tickUnits: TICK_UNITS };
    const book = { bids: sideOf(bids), asks: sideOf(asks) };
    history.record(book, { timeMs, scale, stepUnits: step * TICK_UNITS });
  } else if (op === 'gap') history.gap(timeMs);
  else if (op === 'reset') history.reset();
  else {
    history.trade({
      priceUnits: ticks * TICK_UNITS,
      quantityUnits: quantity,
      side,
      timeMs,
      number: 0,
    });
  }
}

function levelsOf(history, slot, side) {
  const start = (2 * slot + side) * history.levels;
  return Array.from({ length: history.counts[2 * slot + side] }, (_, at) => [
    history.bases[slot] + history.offsets[start + at],
    history.quantities[start + at],
  ]);
}

function valuesOf({ means, least, greatest, lasts }, slot) {
  return [means[slot], least[slot], greatest[slot], lasts[slot]];
}

function columnOf(history, number) {
  const slot = history.slot(number);
  if (!history.has(number)) return { number, isKnown: false };
  return {
    number,
    isKnown: true,
    bids: levelsOf(history, slot, 0),
    asks: levelsOf(history, slot, 1),
    best: [history.bestBids[slot], history.bestAsks[slot]],
    step: history.steps[slot],
    imbalance: valuesOf(history.imbalance, slot),
    spread: valuesOf(history.spread, slot),
  };
}

function tradesOf({ first, next, capacity, columns, ticks, quantities, counts, sides }) {
  return Array.from({ length: next - first }, (_, at) => {
    const slot = (first + at) % capacity;
    return [columns[slot], ticks[slot], quantities[slot], counts[slot], sides[slot]];
  });
}

function contentsOf(history) {
  const columns = [];
  for (let number = history.first; number <= history.last; number++) {
    columns.push(columnOf(history, number));
  }
  return { columns, trades: tradesOf(history.trades), isGap: history.isGap };
}

/** What a history has in the end, and what of it one that was frozen on the way. */
function played({ sizes, steps }) {
  const history = new DepthHistory(sizes);
  let frozen = null;
  for (const step of steps) {
    if (step.op === 'freeze') frozen = history.frozen();
    else play(history, step);
  }
  return { ...contentsOf(history), ...(frozen && { frozen: contentsOf(frozen) }) };
}

/** Bytes in use after each hour of a market with 200 levels a side. */
function hours(count) {
  const history = new DepthHistory();
  const book = { bids: sideOf([]), asks: sideOf([]) };
  for (const side of [book.bids, book.asks]) {
    side.length = 200;
    side.prices = new Float64Array(256);
    side.quantities = new Float64Array(256).fill(7);
  }
  const moment = { timeMs: 1e12, scale: { tickUnits: TICK_UNITS }, stepUnits: TICK_UNITS };
  const trade = { priceUnits: 0, quantityUnits: 3, side: 'Bid', timeMs: 0, number: 0 };
  const used = [];
  for (let hour = 0; hour < count; hour++) {
    for (let at = 0; at < 18_000; at++) {
      moment.timeMs += 200;
      const middle = 1000 + at;
      for (let level = 0; level < 200; level++) {
        book.bids.prices[level] = (middle - level) * TICK_UNITS;
        book.asks.prices[level] = (middle + 1 + level) * TICK_UNITS;
      }
      history.record(book, moment);
      trade.timeMs = moment.timeMs;
      trade.priceUnits = middle * TICK_UNITS;
      history.trade(trade);
    }
    globalThis.gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    used.push(heapUsed + arrayBuffers);
  }
  return { bytes: history.bytes, used, columns: history.last - history.first + 1 };
}

let text = '';
for await (const part of process.stdin) text += part;
const told = JSON.parse(text);
// JSON has no NaN: null stands for it.
console.log(JSON.stringify(told.hours ? hours(told.hours) : told.scripts.map(played)));
