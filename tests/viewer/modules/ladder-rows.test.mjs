// What the rows of a ladder show, against a plain reckoning of the same.

import assert from 'node:assert/strict';
import test from 'node:test';
import { isSparse, LadderRows } from '../../../src/market_depth/viewer/web/viewer/ladder/rows.js';
import { chanceOf } from './chance.mjs';

const NAMES = ['bids', 'asks'];

/** A side as a book has it: its arrays are longer than it is. */
function sideOf(levels) {
  return {
    length: levels.length,
    prices: Float64Array.from([...levels.map(({ price }) => price), 12345, 77]),
    quantities: Float64Array.from([...levels.map(({ quantity }) => quantity), 5, 6]),
    orderCounts: Int32Array.from([...levels.map(({ orders }) => orders), 3, -1]),
  };
}

/** @param {[number, number, number?][]} rows price, quantity, orders; best first */
const plainSide = (rows) =>
  sideOf(rows.map(([price, quantity, orders = 1]) => ({ price, quantity, orders })));

function randomSide(chance, best, sign, length) {
  const widest = chance.one([1, 3, 40]);
  let price = best;
  return sideOf(
    Array.from({ length }, () => {
      const level = {
        price,
        quantity: chance.whole(1, 10 ** chance.whole(1, 12)),
        orders: chance.next() < 0.05 ? -1 : chance.whole(1, 9),
      };
      price += sign * chance.whole(1, widest);
      return level;
    }),
  );
}

/** A book around a price; below a spread of 1 it is locked or crossed. */
function randomBook(chance, middle, leastSpread = 1) {
  const spread = chance.whole(leastSpread, chance.one([1, 2, 9, 60]));
  const size = () => (chance.next() < 0.06 ? 0 : chance.one([1, 2, 7, 50, 200]));
  return {
    bids: randomSide(chance, middle - Math.floor(spread / 2), -1, size()),
    asks: randomSide(chance, middle + Math.ceil(spread / 2), 1, size()),
  };
}

const keyOf = (name, price, step) =>
  (name === 'asks' ? Math.ceil(price / step) : Math.floor(price / step)) + 0;

/** What each row of a side should show, by its key. */
function reckon(book, name, step) {
  const side = book[name];
  const found = new Map();
  let total = 0;
  for (let index = 0; index < side.length; index++) {
    const key = keyOf(name, side.prices[index], step);
    total += side.quantities[index];
    const row = found.get(key) ?? { quantity: 0, orders: 0, first: index, levels: 0, total: 0 };
    row.quantity += side.quantities[index];
    const orders = side.orderCounts[index];
    row.orders = orders < 0 || row.orders < 0 ? -1 : row.orders + orders;
    row.levels++;
    row.total = total;
    found.set(key, row);
  }
  return found;
}

/** Whether what a row shows of a side is as reckoned. */
function checkCell(column, row, expected) {
  assert.equal(column.quantities[row], expected?.quantity ?? 0);
  assert.equal(column.orders[row], expected?.orders ?? 0);
  assert.equal(column.levels[row], expected?.levels ?? 0);
  if (!expected) return;
  assert.equal(column.totals[row], expected.total);
  assert.equal(column.first[row], expected.first);
}

/** A row for each price. */
function checkPrices(rows, book, step) {
  const { keys, count, spreadRow } = rows;
  const shown = [...keys].filter((_, row) => row !== spreadRow);
  for (let index = 1; index < shown.length; index++) {
    assert.equal(shown[index], shown[index - 1] - 1, 'prices descend by one step');
  }
  for (const name of NAMES) {
    const side = book[name];
    const expected = reckon(book, name, step);
    for (let row = 0; row < count; row++) {
      checkCell(rows[name], row, row === spreadRow ? undefined : expected.get(keys[row] + 0));
    }
    const best = side.length ? keyOf(name, side.prices[0], step) : Number.NaN;
    assert.equal(rows[name].best, [...keys].indexOf(best));
  }
  if (spreadRow < 0) return;
  assert.ok(Number.isNaN(keys[spreadRow]));
  checkBetween(rows, book, step);
}

/** Where the book isn't crossed no bid is above the spread and no ask is below. */
function checkBetween({ keys, spreadRow, count }, { bids, asks }, step) {
  const bid = bids.length ? keyOf('bids', bids.prices[0], step) : Number.NEGATIVE_INFINITY;
  const ask = asks.length ? keyOf('asks', asks.prices[0], step) : Number.POSITIVE_INFINITY;
  if (bid >= ask) return;
  for (let row = 0; row < spreadRow; row++) assert.ok(keys[row] > bid);
  for (let row = spreadRow + 1; row < count; row++) assert.ok(keys[row] < ask);
}

/** A row for each level only, away from the row of the spread. */
function checkLevels(rows, book, step, middle) {
  assert.equal(rows.spreadRow, middle >= 0 && middle < rows.count ? middle : -1);
  for (const name of NAMES) {
    const expected = [...reckon(book, name, step)];
    const sign = name === 'asks' ? -1 : 1;
    for (let row = 0; row < rows.count; row++) {
      const [key, cell] = expected[sign * (row - middle) - 1] ?? [];
      checkCell(rows[name], row, cell);
      if (cell) assert.equal(rows.keys[row] + 0, key);
      else if (sign * (row - middle) > 0) assert.ok(Number.isNaN(rows.keys[row]), 'a free row');
    }
    const best = middle + sign;
    const isSeen = expected.length > 0 && best >= 0 && best < rows.count;
    assert.equal(rows[name].best, isSeen ? best : -1);
  }
}

function made(count, isCompact = false) {
  const rows = new LadderRows();
  rows.isCompact = isCompact;
  rows.resize(count);
  return rows;
}

function fill(rows, book, step = 1) {
  rows.fill(book.bids, book.asks, step);
}

/** Everything that the rows show, row by row. */
function shown(rows) {
  return Array.from({ length: rows.count }, (_, row) => [
    row === rows.spreadRow ? 'spread' : rows.keys[row],
    ...NAMES.flatMap((name) => [
      rows[name].quantities[row],
      rows[name].totals[row],
      rows[name].orders[row],
    ]),
  ]);
}

const MIDDLES = [0, 3, -40, -1_000_000, 6_690_000, 2 ** 51];
const STEPS = [1, 2, 5, 7, 25, 1000];

test('a row for each price shows what rests there, whatever is done to it', () => {
  const chance = chanceOf(6);
  for (let round = 0; round < 400; round++) {
    const rows = made(chance.whole(1, 60));
    let middle = chance.one(MIDDLES);
    let step = chance.one(STEPS);
    for (let turn = 0; turn < 12; turn++) {
      const act = chance.whole(0, 9);
      if (act === 0) rows.resize(chance.whole(1, 90));
      if (act === 1) rows.recentre();
      if (act <= 4 && act > 1) rows.scroll(chance.whole(-40, 40));
      if (act === 5) {
        step = chance.one(STEPS);
        rows.recentre();
      }
      middle += chance.whole(-30, 30);
      const book = randomBook(chance, middle);
      fill(rows, book, step);
      if (book.bids.length + book.asks.length > 0) checkPrices(rows, book, step);
    }
  }
});

test('a locked or crossed book is shown by price all the same', () => {
  const chance = chanceOf(7);
  for (let round = 0; round < 400; round++) {
    const rows = made(chance.whole(1, 60));
    const step = chance.one(STEPS);
    const book = randomBook(chance, chance.one(MIDDLES), -80);
    fill(rows, book, step);
    if (book.bids.length + book.asks.length > 0) checkPrices(rows, book, step);
  }
});

test('compact rows are stacked without holes', () => {
  const chance = chanceOf(8);
  for (let round = 0; round < 600; round++) {
    const rows = made(chance.whole(1, 60), true);
    const step = chance.one(STEPS);
    let offset = 0;
    for (let turn = 0; turn < 5; turn++) {
      const book = randomBook(chance, chance.one(MIDDLES), chance.one([1, -60]));
      fill(rows, book, step);
      if (book.bids.length + book.asks.length === 0) continue;
      checkLevels(rows, book, step, (rows.count >> 1) + offset);
      const moved = chance.whole(-30, 30);
      rows.scroll(moved);
      offset += moved;
    }
  }
});

test('while following the spread stays within the middle half', () => {
  const chance = chanceOf(9);
  for (let round = 0; round < 100; round++) {
    const rows = made(chance.whole(2, 70));
    let middle = chance.one(MIDDLES);
    for (let turn = 0; turn < 60; turn++) {
      middle += chance.whole(-9, 9);
      const book = randomBook(chance, middle);
      fill(rows, book);
      if (book.bids.length + book.asks.length === 0) continue;
      assert.ok(rows.spreadRow >= rows.count / 4 && rows.spreadRow <= (rows.count * 3) / 4);
    }
  }
});

test('rows stand still while the market moves within the middle half', () => {
  const rows = made(40);
  fill(rows, { bids: plainSide([[100, 5]]), asks: plainSide([[101, 5]]) });
  const [top] = rows.keys;
  assert.equal(rows.spreadRow, 20);
  fill(rows, { bids: plainSide([[110, 5]]), asks: plainSide([[111, 5]]) });
  assert.equal(rows.keys[0], top);
  assert.equal(rows.spreadRow, 10);
  fill(rows, { bids: plainSide([[111, 5]]), asks: plainSide([[112, 5]]) });
  assert.equal(rows.spreadRow, 20, 'it has left the middle half');
});

test('scrolling moves all that is shown by as many rows', () => {
  const chance = chanceOf(10);
  for (let round = 0; round < 500; round++) {
    const rows = made(chance.whole(3, 40), round % 2 === 1);
    const book = randomBook(chance, chance.one(MIDDLES));
    if (book.bids.length + book.asks.length === 0) continue;
    fill(rows, book);
    for (let turn = 0; turn < 8; turn++) {
      const before = shown(rows);
      const moved = chance.whole(-12, 12);
      rows.scroll(moved);
      fill(rows, book);
      const after = shown(rows);
      for (const [row, cells] of before.entries()) {
        if (row + moved < 0 || row + moved >= rows.count) continue;
        assert.deepEqual(after[row + moved], cells);
      }
    }
  }
});

test('scrolled prices stand still however far the market moves', () => {
  const rows = made(20);
  fill(rows, { bids: plainSide([[100, 5]]), asks: plainSide([[101, 5]]) });
  rows.scroll(300);
  assert.equal(rows.isFollowing, false);
  fill(rows, { bids: plainSide([[100, 5]]), asks: plainSide([[101, 5]]) });
  const before = [...rows.keys];
  assert.equal(rows.spreadRow, -1);
  fill(rows, { bids: plainSide([[170, 5]]), asks: plainSide([[190, 5]]) });
  assert.deepEqual([...rows.keys], before);
  rows.recentre();
  fill(rows, { bids: plainSide([[170, 5]]), asks: plainSide([[171, 5]]) });
  assert.equal(rows.isFollowing, true);
  assert.equal(rows.spreadRow, 10);
});

test('levels of one step are one row: bids below, asks above', () => {
  for (const isCompact of [false, true]) {
    const rows = made(9, isCompact);
    const bids = plainSide([
      [104, 1, 2],
      [101, 2, 3],
      [99, 4, 1],
    ]);
    const asks = plainSide([
      [106, 8, 1],
      [110, 16, -1],
      [111, 32, 1],
    ]);
    fill(rows, { bids, asks }, 5);
    const by = (name) =>
      [...rows.keys.keys()]
        .filter((row) => rows[name].levels[row] > 0)
        .map((row) => [
          rows.keys[row] * 5,
          rows[name].quantities[row],
          rows[name].totals[row],
          rows[name].orders[row],
        ]);
    assert.deepEqual(by('asks'), [
      [115, 32, 56, 1],
      [110, 24, 24, -1],
    ]);
    assert.deepEqual(by('bids'), [
      [100, 3, 3, 5],
      [95, 4, 7, 1],
    ]);
  }
});

test('totals count what is out of sight as well', () => {
  const rows = made(5);
  const bids = plainSide([
    [100, 1],
    [99, 2],
    [98, 4],
    [97, 8],
    [96, 16],
  ]);
  fill(rows, { bids, asks: plainSide([[101, 1]]) });
  rows.scroll(-4);
  fill(rows, { bids, asks: plainSide([[101, 1]]) });
  const row = rows.keys.indexOf(97);
  assert.equal(rows.bids.totals[row], 15);
  assert.equal(rows.bids.best, -1);
});

test('a book with one side has its spread beside the best level', () => {
  for (const isCompact of [false, true]) {
    const rows = made(9, isCompact);
    fill(rows, { bids: plainSide([[100, 5]]), asks: plainSide([]) });
    assert.equal(rows.bids.best, rows.spreadRow + 1);
    assert.equal(rows.asks.best, -1);
    rows.recentre();
    fill(rows, { bids: plainSide([]), asks: plainSide([[100, 5]]) });
    assert.equal(rows.asks.best, rows.spreadRow - 1);
    assert.equal(rows.bids.best, -1);
  }
});

test('of an empty book nothing is left to be seen', () => {
  for (const isCompact of [false, true]) {
    const rows = made(9, isCompact);
    fill(rows, { bids: plainSide([[100, 5]]), asks: plainSide([[101, 5]]) });
    fill(rows, { bids: plainSide([]), asks: plainSide([]) });
    assert.equal(rows.spreadRow, -1);
    assert.ok([...rows.keys].every(Number.isNaN));
    for (const name of NAMES) {
      assert.ok(rows[name].quantities.every((quantity) => quantity === 0));
      assert.equal(rows[name].best, -1);
    }
  }
});

test('a new size keeps the spread in the middle, unless the rows were scrolled', () => {
  const book = { bids: plainSide([[100, 5]]), asks: plainSide([[101, 5]]) };
  const rows = made(10);
  fill(rows, book);
  rows.resize(30);
  fill(rows, book);
  assert.equal(rows.spreadRow, 15);
  rows.scroll(2);
  fill(rows, book);
  const [top] = rows.keys;
  rows.resize(40);
  fill(rows, book);
  assert.equal(rows.keys[0], top);
});

test('no rows at all are no harm', () => {
  for (const isCompact of [false, true]) {
    const rows = made(0, isCompact);
    fill(rows, { bids: plainSide([[100, 5]]), asks: plainSide([[101, 5]]) });
    assert.equal(rows.spreadRow, -1);
  }
});

test('a thousand levels a side are shown as far as there are rows', () => {
  const levels = (sign) =>
    plainSide(Array.from({ length: 1000 }, (_, index) => [5000 + sign * (index + 1), 1]));
  for (const isCompact of [false, true]) {
    const rows = made(2001, isCompact);
    const book = { bids: levels(-1), asks: levels(1) };
    fill(rows, book);
    if (isCompact) checkLevels(rows, book, 1, 1000);
    else checkPrices(rows, book, 1);
    assert.equal(Math.max(...rows.bids.totals), 1000);
  }
});

test('a book is sparse if most of its prices are empty', () => {
  const book = (gap, length = 20) => [
    plainSide(Array.from({ length }, (_, index) => [1000 - gap * index, 1])),
    plainSide(Array.from({ length }, (_, index) => [1001 + gap * index, 1])),
  ];
  assert.equal(isSparse(...book(1), 1), false);
  assert.equal(isSparse(...book(2), 1), false);
  assert.equal(isSparse(...book(10), 1), true);
  assert.equal(isSparse(...book(10), 10), false);
  assert.equal(isSparse(...book(10, 1), 1), false);
  assert.equal(isSparse(plainSide([]), plainSide([[5, 1]]), 1), false);
});
