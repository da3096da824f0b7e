// Imbalance and spread in words.

/** Sides that differ by less are called balanced. */
export const BALANCED = 0.05;

/** @param {number} part -1 to 1 */
export function percent(part) {
  if (Number.isNaN(part)) return '–';
  const whole = Math.round(part * 100);
  return `${whole > 0 ? '+' : whole < 0 ? '−' : ''}${Math.abs(whole)} %`;
}

/** @param {number} imbalance */
export function leaning(imbalance) {
  if (Number.isNaN(imbalance)) return '';
  return imbalance > BALANCED ? 'more bids' : imbalance < -BALANCED ? 'more asks' : 'balanced';
}

/** @param {number} count */
export function ticks(count) {
  if (Number.isNaN(count)) return '–';
  const text = Number.isInteger(count) ? String(count) : count.toFixed(1);
  return `${text} ${count === 1 ? 'tick' : 'ticks'}`;
}
