// Numbers and times as text.

const SUFFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
/** Beyond this a double may be off by half of the last decimal. */
const EXACT = 2 ** 52;

/**
 * A count of the last decimal, written with all its decimals: 10245 with 2 is "102.45".
 * @param {number} units
 * @param {number} decimals
 */
export function fixed(units, decimals) {
  if (Math.abs(units) < EXACT || !Number.isSafeInteger(units) || decimals === 0) {
    return (units / 10 ** decimals).toFixed(decimals);
  }
  const digits = String(Math.abs(units)).padStart(decimals + 1, '0');
  return `${units < 0 ? '-' : ''}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/**
 * A number in at most six characters: 1234567 is "1.23M".
 * @param {number} number
 */
export function compact(number) {
  let rest = Math.abs(number);
  let index = 0;
  while (rest >= 999.5 && index < SUFFIXES.length - 1) {
    rest /= 1000;
    index++;
  }
  const sign = number < 0 ? '−' : '';
  if (rest >= 999.5) return `${sign}${Math.abs(number).toExponential(0).replace('+', '')}`;
  if (rest > 0 && rest < 0.00095) return `${sign}${rest.toExponential(0)}`;
  return `${sign}${rest.toFixed(decimalsFor(rest, index))}${SUFFIXES[index]}`;
}

/**
 * @param {number} rest 0 to 999.5
 * @param {number} index of its suffix
 */
function decimalsFor(rest, index) {
  if (rest >= 99.95 || (index === 0 && Number.isInteger(rest))) return 0;
  if (rest >= 9.995) return 1;
  return rest < 0.0995 ? 3 : 2;
}

/**
 * Milliseconds as people say them: "850 ms", "3.2 s", "4 min", "2.1 h".
 * @param {number} milliseconds
 */
export function age(milliseconds) {
  if (Number.isNaN(milliseconds)) return '–';
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (milliseconds < 3_600_000) return `${Math.floor(milliseconds / 60_000) || 1} min`;
  return `${(milliseconds / 3_600_000).toFixed(1)} h`;
}

/**
 * The time of day, UTC, with tenths or without: "14:03:07.2".
 * @param {number} timeMs milliseconds since 1970
 * @param {number} [decimals] of the seconds, 0 to 3
 */
export function clock(timeMs, decimals = 0) {
  if (Number.isNaN(timeMs)) return '–';
  const text = new Date(timeMs).toISOString();
  return text.slice(11, decimals ? 20 + decimals : 19);
}
