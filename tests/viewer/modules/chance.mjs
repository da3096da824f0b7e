// Numbers that look like chance, the same in every run.

/**
 * Makes a source of numbers from 0 to 1 (Tommy Ettinger's mulberry32).
 * @param {number} seed
 */
export function chanceOf(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    /** A whole number from `least` to `most`. */
    whole: (least, most) => least + Math.floor(next() * (most - least + 1)),
    /** One of some values. */
    one: (values) => values[Math.floor(next() * values.length)],
  };
}
