// Numbers and times as text.

const SUFFIXES = ['', 'k', 'M', 'G', 'T'];

/**
 * A count of the last decimal, written with all its decimals: 10245 with 2 is "102.45".
 * @param {number} units
 * @param {number} decimals
 */
export function fixed(units, decimals) {
  return (units / 10 ** decimals).toFixed(decimals);
}

/**
 * A number in at most five characters or so: 1234567 is "1.23M".
 * @param {number} number
 */
export function compact(number) {
  let rest = Math.abs(number);
  let index = 0;
  while (rest >= 999.5 && index < SUFFIXES.length - 1) {
    rest /= 1000;
    index++;
  }
  const digits =
    rest >= 99.95 || (index === 0 && Number.isInteger(rest)) ? 0 : rest >= 9.995 ? 1 : 2;
  return `${number < 0 ? '−' : ''}${rest.toFixed(digits)}${SUFFIXES[index]}`;
}

/**
 * Milliseconds as people say them: "850 ms", "3.2 s", "4 min", "2.1 h".
 * @param {number} milliseconds
 */
export function age(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (milliseconds < 3_600_000) return `${Math.floor(milliseconds / 60_000)} min`;
  return `${(milliseconds / 3_600_000).toFixed(1)} h`;
}

/**
 * The time of day, UTC, with tenths or without: "14:03:07.2".
 * @param {number} timeMs milliseconds since 1970
 * @param {number} [decimals] of the seconds, 0 to 3
 */
export function clock(timeMs, decimals = 0) {
  const text = new Date(timeMs).toISOString();
  return text.slice(11, decimals ? 20 + decimals : 19);
}
