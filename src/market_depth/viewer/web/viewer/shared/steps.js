// The price steps that levels can be merged into: 1, 2, 5, 10, 20, 50, … ticks.

import { fixed } from './format.js';

/** @typedef {import('../../depth-client.js').Scale} Scale */

const FACTORS = [1, 2, 5];
const MOST_TICKS = 1_000_000;

/**
 * A step as text, '' for one tick: what a subscription's `group` says.
 * @param {number} units
 * @param {Scale} scale
 */
export function groupOf(units, scale) {
  return units <= scale.tickUnits ? '' : fixed(units, scale.priceDecimals);
}

/**
 * A group as a count of the last decimal: a multiple of the tick.
 * @param {string} group '' for one tick
 * @param {Scale} scale
 */
export function stepOf(group, scale) {
  const ticks = Math.round(scale.priceUnits(Number(group)) / scale.tickUnits);
  return Math.max(1, ticks || 1) * scale.tickUnits;
}

/**
 * The next wider or narrower step.
 * @param {number} units the step now
 * @param {number} direction 1 or -1
 * @param {Scale} scale
 */
export function nextStep(units, direction, scale) {
  const ticks = Math.round(units / scale.tickUnits);
  let best = ticks;
  for (let decade = 1; decade <= MOST_TICKS; decade *= 10) {
    for (const factor of FACTORS) {
      const candidate = factor * decade;
      if (direction > 0 && candidate > ticks) return candidate * scale.tickUnits;
      if (direction < 0 && candidate < ticks) best = candidate;
    }
  }
  return best * scale.tickUnits;
}
