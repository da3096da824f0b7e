// The orders of a level as a row of blocks.

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  describeOrder,
  paintQueue,
  shade,
} from '../../../src/market_depth/viewer/web/viewer/ladder/order-queue.js';
import { chanceOf } from './chance.mjs';

const NOW = 1_757_937_600_000;
const whole = (units) => String(units);

/** A canvas that notes what is filled: `[x, y, width, height, alpha]`. */
function canvas() {
  const filled = [];
  return {
    filled,
    globalAlpha: 1,
    fillRect(...box) {
      filled.push([...box, this.globalAlpha]);
    },
  };
}

const order = (id, quantity, ageMs = 1000) => ({
  id: String(id),
  price: 100,
  quantity,
  timeMs: NOW - ageMs,
});

function rowOf(queues, fields = {}) {
  const plain = { first: 0, levels: queues.length, left: 0, right: 200, isAsk: true, scale: 1 };
  return { ...plain, queues, ...fields };
}

function randomRow(chance) {
  let id = 0;
  const queues = Array.from({ length: chance.whole(1, 5) }, () =>
    Array.from({ length: chance.whole(1, 12) }, () =>
      order(++id, chance.whole(1, 60), chance.whole(0, 900_000)),
    ),
  );
  const first = chance.whole(0, queues.length - 1);
  const left = chance.whole(0, 90);
  return rowOf(queues, {
    first,
    levels: chance.whole(1, queues.length - first),
    left,
    right: left + chance.whole(20, 300),
    isAsk: chance.next() < 0.5,
    scale: chance.one([0.01, 0.3, 1, 4]),
  });
}

test('a new order is painted at full strength, an old one faintly but visibly', () => {
  assert.equal(shade(0), 1);
  assert.equal(shade(500), 1);
  assert.ok(shade(600_000) > 0.2);
  assert.equal(shade(1e12), shade(600_000));
});

test('the older an order is the fainter it is', () => {
  let last = 2;
  for (const ageMs of [500, 501, 1e3, 1e4, 1e5, 3e5, 6e5]) {
    assert.ok(shade(ageMs) < last, String(ageMs));
    last = shade(ageMs);
  }
});

test('an age that is not known, or before now, is that of a new order', () => {
  assert.equal(shade(-5000), 1);
  assert.equal(shade(Number.NaN), 1);
});

test('blocks begin at the price, stay in the row, and are the larger the more there is', () => {
  const context = canvas();
  const queues = [[order('a', 20), order('b', 5)], [order('c', 1000)]];
  paintQueue(context, rowOf(queues), 3, 14, NOW);
  const boxes = context.filled.map(([x, y, width, height]) => [x, y, width, height]);
  assert.deepEqual(boxes, [
    [0, 3, 19, 14],
    [20, 3, 4, 14],
    [25, 3, 175, 14],
  ]);
  assert.equal(context.globalAlpha, 1);
  const bids = canvas();
  paintQueue(bids, rowOf(queues, { isAsk: false }), 3, 14, NOW);
  assert.deepEqual(
    bids.filled.map(([x, , width]) => [x, width]),
    [
      [181, 19],
      [176, 4],
      [0, 175],
    ],
  );
});

test('blocks neither overlap nor leave the row, whatever there is', () => {
  const chance = chanceOf(4);
  for (let round = 0; round < 500; round++) {
    const row = randomRow(chance);
    const context = canvas();
    paintQueue(context, row, 0, 10, NOW);
    assert.ok(context.filled.length > 0);
    let edge = row.isAsk ? row.left : row.right;
    for (const [x, , width] of context.filled) {
      assert.ok(width > 0);
      assert.ok(x >= row.left - 1e-9 && x + width <= row.right + 1e-9);
      assert.ok(row.isAsk ? x >= edge - 1e-9 : x + width <= edge + 1e-9);
      edge = row.isAsk ? x + width : x;
    }
  }
});

test('what is told of a block is the order that is painted there', () => {
  const chance = chanceOf(5);
  for (let round = 0; round < 500; round++) {
    const row = randomRow(chance);
    const context = canvas();
    paintQueue(context, row, 0, 10, NOW);
    const orders = row.queues
      .slice(row.first, row.first + row.levels)
      .flatMap((queue) => queue.map(({ id }, place) => [id, `${place + 1} of ${queue.length}`]));
    for (const [index, [x, , width]] of context.filled.entries()) {
      const text = describeOrder(row, x + width / 2, NOW, whole);
      const [id, place] = orders[index];
      assert.ok(text.startsWith(`order ${id} · `), text);
      assert.ok(text.endsWith(` · ${place}`), text);
    }
  }
});

test('an order is told by its id, size, age and place', () => {
  const row = rowOf([[order('1000758', 50, 1500), order('1000760', 9, 3000)]]);
  const text = describeOrder(row, 55, NOW, (units) => `${units} lots`);
  assert.equal(text, 'order 1000760 · 9 lots · 3.0 s old · 2 of 2');
});

test('an order from after the market’s time is no age old', () => {
  assert.match(describeOrder(rowOf([[order(1, 9, -70)]]), 1, NOW, whole), / 0 ms old /);
});

test('behind the last order there is nothing', () => {
  const row = rowOf([[order('a', 20)]]);
  assert.equal(describeOrder(row, 60, NOW, whole), '');
  assert.equal(describeOrder(row, -1, NOW, whole), '');
  assert.equal(describeOrder({ ...row, levels: 0 }, 5, NOW, whole), '');
});

test('a book that has lost levels since the row was laid out is no harm', () => {
  const row = rowOf([[order('a', 20)]], { levels: 3 });
  const context = canvas();
  paintQueue(context, row, 0, 10, NOW);
  assert.equal(context.filled.length, 1);
  assert.equal(describeOrder(row, 90, NOW, whole), '');
  assert.equal(describeOrder({ ...row, first: 7 }, 5, NOW, whole), '');
});
