// The price steps that levels are merged into.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Scale } from '../../../src/market_depth/viewer/web/depth-client.js';
import {
  groupOf,
  nextStep,
  stepOf,
} from '../../../src/market_depth/viewer/web/viewer/shared/steps.js';
import { parseState } from '../../../src/market_depth/viewer/web/viewer/state.js';

const TICKS = [
  { tick: '0.5', scale: new Scale(1, 0, 5) },
  { tick: '0.05', scale: new Scale(2, 3, 5) },
  { tick: '0.0001', scale: new Scale(4, 8, 1) },
  { tick: '0.00000001', scale: new Scale(8, 8, 1) },
  { tick: '25', scale: new Scale(0, 0, 25) },
  { tick: '0.25', scale: new Scale(2, 0, 25) },
  { tick: '1', scale: new Scale(0, 0, 1) },
];

/** All steps from the tick up. */
function stepsOf(scale) {
  const found = [scale.tickUnits];
  for (;;) {
    const last = found[found.length - 1];
    const next = nextStep(last, 1, scale);
    if (next === last) return found;
    found.push(next);
  }
}

test('steps are 1, 2, 5, 10, 20, 50 and so on ticks, and end', () => {
  for (const { scale } of TICKS) {
    const ticks = stepsOf(scale).map((units) => units / scale.tickUnits);
    assert.deepEqual(ticks.slice(0, 8), [1, 2, 5, 10, 20, 50, 100, 200]);
    assert.ok(ticks.length < 30);
    assert.ok(ticks.every(Number.isInteger));
  }
});

test('wider and narrower undo one another', () => {
  for (const { scale } of TICKS) {
    const steps = stepsOf(scale);
    for (const [index, units] of steps.entries()) {
      if (index > 0) assert.equal(nextStep(units, -1, scale), steps[index - 1]);
      if (index > 0) assert.equal(nextStep(nextStep(units, -1, scale), 1, scale), units);
    }
  }
});

test('there is nothing narrower than the tick', () => {
  for (const { scale } of TICKS) {
    assert.equal(nextStep(scale.tickUnits, -1, scale), scale.tickUnits);
    assert.equal(groupOf(scale.tickUnits, scale), '');
    assert.equal(stepOf('', scale), scale.tickUnits);
  }
});

test('from a step between, either direction leads to the nearest usual one', () => {
  for (const { scale } of TICKS) {
    const ticks = (count) => count * scale.tickUnits;
    assert.equal(nextStep(ticks(3), 1, scale), ticks(5));
    assert.equal(nextStep(ticks(3), -1, scale), ticks(2));
    assert.equal(nextStep(ticks(17), 1, scale), ticks(20));
    assert.equal(nextStep(ticks(17), -1, scale), ticks(10));
    assert.equal(nextStep(ticks(9e7), 1, scale), ticks(9e7));
    assert.equal(nextStep(ticks(9e7), -1, scale), ticks(5e6));
  }
});

test('a step as text is read back as it was, from an address too', () => {
  for (const { scale } of TICKS) {
    for (const units of stepsOf(scale)) {
      const group = groupOf(units, scale);
      assert.equal(stepOf(group, scale), units);
      assert.equal(parseState(new URLSearchParams({ group }).toString()).panels[0].group, group);
    }
  }
});

test('a step as text is the decimal number that the server is told', () => {
  const [half, twentieth, pip, satoshi, quarter100] = TICKS.map(({ scale }) => scale);
  assert.equal(groupOf(nextStep(5, 1, half), half), '1.0');
  assert.equal(groupOf(nextStep(5, 1, twentieth), twentieth), '0.10');
  assert.equal(groupOf(5, pip), '0.0005');
  assert.equal(groupOf(2, satoshi), '0.00000002');
  assert.equal(groupOf(50, quarter100), '50');
});

test('any group becomes a multiple of the tick, at least one', () => {
  const groups = [
    '',
    '0',
    '0.00001',
    '0.07',
    '0.1',
    '0.3',
    '1',
    '7',
    '30',
    '99.99',
    '123456789012',
  ];
  for (const { scale } of TICKS) {
    for (const group of groups) {
      const units = stepOf(group, scale);
      assert.ok(units >= scale.tickUnits, `${group}: ${units}`);
      assert.equal(units % scale.tickUnits, 0, `${group}: ${units}`);
    }
  }
});

test('what is no number at all is the tick', () => {
  for (const { scale } of TICKS) assert.equal(stepOf('wide', scale), scale.tickUnits);
});
