// Numbers and times as text.

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  age,
  clock,
  compact,
  fixed,
} from '../../../src/market_depth/viewer/web/viewer/shared/format.js';
import { chanceOf } from './chance.mjs';

const FACTORS = { k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 };

/** The number that a compact text tells. */
function read(text) {
  const plain = text.replace('−', '-');
  const factor = FACTORS[plain.at(-1)];
  return factor ? Number(plain.slice(0, -1)) * factor : Number(plain);
}

/** Numbers of every size, among them those around each border. */
function sizes() {
  const found = [0, 2 ** 53, Number.MAX_VALUE];
  for (let exponent = -12; exponent <= 24; exponent++) {
    for (const digits of [1, 1.005, 1.2345, 4.995, 9.94, 9.949, 9.95, 9.985, 9.994, 9.995, 9.999]) {
      const size = Number(`${digits}e${exponent}`);
      found.push(size, size * (1 - 2 ** -52), size * (1 + 2 ** -52));
    }
  }
  return found.sort((a, b) => a - b);
}

test('fixed writes all decimals', () => {
  assert.equal(fixed(10245, 2), '102.45');
  assert.equal(fixed(10250, 2), '102.50');
  assert.equal(fixed(7, 0), '7');
  assert.equal(fixed(5, 8), '0.00000005');
  assert.equal(fixed(-5, 2), '-0.05');
  assert.equal(fixed(-10245, 2), '-102.45');
  assert.equal(fixed(0, 2), '0.00');
  assert.equal(fixed(-0, 2), '0.00');
});

test('fixed is exact up to 2^53', () => {
  const chance = chanceOf(3);
  const least = Number.MAX_SAFE_INTEGER - 2000;
  for (let round = 0; round < 5000; round++) {
    const units =
      round < 2000 ? least + round : Math.floor(chance.next() * 2 ** chance.whole(1, 53));
    for (const decimals of [0, 1, 2, 4, 8, 15]) {
      const digits = String(units).padStart(decimals + 1, '0');
      const point = digits.length - decimals;
      const exact = decimals ? `${digits.slice(0, point)}.${digits.slice(point)}` : digits;
      assert.equal(fixed(units, decimals), exact);
      assert.equal(fixed(-units, decimals), units ? `-${exact}` : exact);
    }
  }
});

test('fixed rounds what is no whole count', () => {
  assert.equal(fixed(1024.6, 2), '10.25');
  assert.equal(fixed(2.4, 0), '2');
  assert.equal(fixed(1e22, 2), '100000000000000000000.00');
});

test('compact texts have at most six characters', () => {
  for (const size of sizes()) {
    for (const number of [size, -size]) {
      assert.ok(compact(number).length <= 6, `${number}: ${compact(number)}`);
    }
  }
});

test('a compact text is never that of a larger number', () => {
  const all = sizes();
  const numbers = [...all.map((size) => -size).reverse(), ...all];
  let last = Number.NEGATIVE_INFINITY;
  for (const number of numbers) {
    const told = read(compact(number));
    assert.ok(told >= last, `${number}: ${compact(number)} after ${last}`);
    last = told;
  }
});

test('a compact text is within its last digit of the number', () => {
  for (const size of sizes()) {
    if (size < 1e-3 || size > 1e21) continue;
    const off = Math.abs(read(compact(size)) - size);
    const most = size < 0.0995 ? 0.0005 : size < 1 ? 0.005 : size * 0.005;
    assert.ok(off <= most * 1.001, `${size}: ${compact(size)}`);
  }
});

test('compact borders are exact', () => {
  const texts = [
    [0, '0'],
    [7, '7'],
    [999, '999'],
    [999.4, '999'],
    [999.5, '1.00k'],
    [1000, '1.00k'],
    [9.994, '9.99'],
    [9.995, '10.0'],
    [99.94, '99.9'],
    [99.95, '100'],
    [9_994, '9.99k'],
    [9_995, '10.0k'],
    [99_949, '99.9k'],
    [99_950, '100k'],
    [999_499, '999k'],
    [999_500, '1.00M'],
    [1_234_567, '1.23M'],
    [-1_234_567, '−1.23M'],
    [-0.5, '−0.50'],
    [2.5e12, '2.50T'],
    [2 ** 53, '9.01P'],
    [3e18, '3.00E'],
  ];
  for (const [number, text] of texts) assert.equal(compact(number), text);
});

test('what is small is not nothing', () => {
  for (const size of sizes()) if (size > 0) assert.notEqual(read(compact(size)), 0, String(size));
  assert.equal(compact(0.0123), '0.012');
  assert.equal(compact(0.0042), '0.004');
  assert.equal(compact(0.00042), '4e-4');
  assert.equal(compact(0), '0');
  assert.equal(compact(-0), '0');
});

test('an age never says more of a unit than there is', () => {
  const texts = [
    [0, '0 ms'],
    [850.4, '850 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [3_210, '3.2 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min'],
    [119_999, '1 min'],
    [3_599_999, '59 min'],
    [3_600_000, '1.0 h'],
    [7_560_000, '2.1 h'],
  ];
  for (const [milliseconds, text] of texts) assert.equal(age(milliseconds), text);
});

test('the time of day is UTC, with as many decimals as asked for', () => {
  const timeMs = Date.UTC(2025, 8, 16, 4, 8, 6, 789);
  assert.equal(clock(timeMs), '04:08:06');
  assert.equal(clock(timeMs, 1), '04:08:06.7');
  assert.equal(clock(timeMs + 0.9, 3), '04:08:06.789');
  assert.equal(clock(0), '00:00:00');
});

test('a time that is not known is a dash', () => {
  assert.equal(clock(Number.NaN), '–');
  assert.equal(age(Number.NaN), '–');
});
