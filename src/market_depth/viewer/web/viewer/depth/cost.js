// What it costs to trade at market, and how much stands up to a price. Prices and quantities are
// whole counts of their last decimals ("units"); money is a BigInt, so that it is exact as well: a
// count of price units times quantity units.

/**
 * One side of a book, best first.
 * @typedef {{ length: number, prices: Float64Array, quantities: Float64Array }} Side
 */

/**
 * What is taken from a side by an order at market.
 * @typedef {object} Fill
 * @property {number} quantityUnits what is filled: less than was asked for if the side has less
 * @property {number} levels how many levels are touched
 * @property {number} worstUnits the last price, NaN if nothing is filled
 * @property {bigint} money the sum of price × quantity
 */

/**
 * The running totals of the quantities from the best level down.
 * @param {Side} side
 * @param {Float64Array} totals where they go, if there is room
 * @returns {Float64Array} `totals`, or a longer array
 */
export function cumulate(side, totals) {
  const { length, quantities } = side;
  const into =
    totals.length < length ? new Float64Array(Math.max(length, 2 * totals.length)) : totals;
  let total = 0;
  for (let i = 0; i < length; i++) {
    total += quantities[i];
    into[i] = total;
  }
  return into;
}

/**
 * How many levels stand at a price or better.
 * @param {Side} side
 * @param {boolean} isBid
 * @param {number} priceUnits
 */
export function levelsUpTo(side, isBid, priceUnits) {
  const { prices } = side;
  let low = 0;
  let high = side.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBid ? prices[middle] >= priceUnits : prices[middle] <= priceUnits) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * What an order of a size takes at market: asks to buy, bids to sell.
 * @param {Side} side
 * @param {number} quantityUnits
 * @returns {Fill}
 */
export function costToFill(side, quantityUnits) {
  let rest = quantityUnits;
  let money = 0n;
  let levels = 0;
  while (levels < side.length && rest > 0) {
    const taken = Math.min(rest, side.quantities[levels]);
    money += BigInt(side.prices[levels]) * BigInt(taken);
    rest -= taken;
    levels++;
  }
  const worstUnits = levels ? side.prices[levels - 1] : Number.NaN;
  return { quantityUnits: quantityUnits - Math.max(rest, 0), levels, worstUnits, money };
}

/**
 * How much worse than the mid a fill is on average, in basis points of the mid; NaN if nothing is
 * filled or the mid isn't above zero.
 * @param {Fill} fill
 * @param {number} midTwice best bid + best ask, in price units
 * @param {boolean} isBuy
 */
export function slippageBps(fill, midTwice, isBuy) {
  if (fill.quantityUnits === 0 || !(midTwice > 0)) return Number.NaN;
  const atMid = BigInt(fill.quantityUnits) * BigInt(midTwice);
  const worse = isBuy ? 2n * fill.money - atMid : atMid - 2n * fill.money;
  return (Number(worse) / Number(atMid)) * 10_000;
}

/**
 * How far a price is from the mid, in basis points of the mid; NaN if that isn't above zero.
 * @param {number} priceUnits
 * @param {number} midTwice best bid + best ask, in price units
 */
export function distanceBps(priceUnits, midTwice) {
  return midTwice > 0 ? ((2 * priceUnits - midTwice) / midTwice) * 10_000 : Number.NaN;
}

/**
 * A quotient, rounded half away from zero.
 * @param {bigint} numerator
 * @param {bigint} denominator above zero
 */
export function dividedRounded(numerator, denominator) {
  const half = numerator < 0n ? -denominator : denominator;
  return (2n * numerator + half) / (2n * denominator);
}

/**
 * The average price of a fill with `decimals` decimals; "–" if nothing is filled.
 * @param {Fill} fill
 * @param {number} priceDecimals those of a price unit
 * @param {number} decimals at least as many
 */
export function averageText(fill, priceDecimals, decimals) {
  if (fill.quantityUnits === 0) return '–';
  const finer = fill.money * 10n ** BigInt(decimals - priceDecimals);
  return decimalText(dividedRounded(finer, BigInt(fill.quantityUnits)), decimals);
}

/**
 * Money with `decimals` decimals, its thousands apart: "1,234.50".
 * @param {bigint} money price units × quantity units
 * @param {number} unitDecimals the price's decimals and the quantity's
 * @param {number} decimals
 */
export function moneyText(money, unitDecimals, decimals) {
  const fewer = unitDecimals - decimals;
  if (fewer <= 0) return decimalText(money * 10n ** BigInt(-fewer), decimals, ',');
  return decimalText(dividedRounded(money, 10n ** BigInt(fewer)), decimals, ',');
}

/**
 * A whole count of the last decimal as a decimal number.
 * @param {bigint} units
 * @param {number} decimals
 * @param {string} [separator] between thousands
 */
export function decimalText(units, decimals, separator = '') {
  const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const parted = separator ? whole.replace(/\B(?=(\d{3})+$)/g, separator) : whole;
  const rest = decimals ? `.${digits.slice(-decimals)}` : '';
  return `${units < 0n ? '−' : ''}${parted}${rest}`;
}

/**
 * The mid, exact: half a unit more than whole ones takes one decimal more.
 * @param {number} midTwice best bid + best ask, in price units
 * @param {number} priceDecimals
 */
export function midText(midTwice, priceDecimals) {
  return midTwice % 2 === 0
    ? decimalText(BigInt(midTwice / 2), priceDecimals)
    : decimalText(BigInt(midTwice) * 5n, priceDecimals + 1);
}

/**
 * Basis points with as many decimals as are of use: "1.25", "38.4", "120"; "–" if not a number.
 * @param {number} bps
 */
export function bpsText(bps) {
  if (Number.isNaN(bps)) return '–';
  const size = Math.abs(bps);
  const text = size.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
  return bps < 0 && Number(text) !== 0 ? `−${text}` : text;
}
