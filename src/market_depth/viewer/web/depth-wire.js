// @ts-check
/**
 * How the wire tells numbers and times, and what is kept of them: whole counts of the last decimal,
 * milliseconds since 1970, checksums. Nothing here allocates per call.
 * @module
 */

/** Below this a product is always near enough to its count to be rounded to it. */
const SURE = 2 ** 50;
/** Beyond this two counts may have the same double, where there are decimals. */
const EXACT = 2 ** 52;

/** The decimals of an instrument. Prices and quantities are kept as counts of the last one. */
export class Scale {
  #price;
  #quantity;

  /**
   * @param {number} priceDecimals of its prices
   * @param {number} quantityDecimals of its quantities
   * @param {number} tickUnits least step between prices, a count of the price's last decimal
   */
  constructor(priceDecimals, quantityDecimals, tickUnits = 1) {
    /** @readonly */
    this.priceDecimals = priceDecimals;
    /** @readonly */
    this.quantityDecimals = quantityDecimals;
    this.tickUnits = tickUnits;
    this.#price = 10 ** priceDecimals;
    this.#quantity = 10 ** quantityDecimals;
  }

  /**
   * Returns what the server tells of an instrument.
   * @param {{ price_decimals: number, quantity_decimals: number, tick_size: number }} told
   */
  static of({ price_decimals: price, quantity_decimals: quantity, tick_size: tick }) {
    return new Scale(price, quantity, Math.max(1, Math.round(tick * 10 ** price)));
  }

  /**
   * Whether another one is the same.
   * @param {Scale | null} other
   */
  equals(other) {
    return this.hasDecimalsOf(other) && this.tickUnits === other?.tickUnits;
  }

  /**
   * Whether counts mean the same by another one.
   * @param {Scale | null} other
   */
  hasDecimalsOf(other) {
    return (
      this.priceDecimals === other?.priceDecimals &&
      this.quantityDecimals === other.quantityDecimals
    );
  }

  /**
   * Returns a price as a count of its last decimal: 102.45 with 2 decimals is 10245. Exact up
   * to 2^52, 15 digits.
   * @param {number} number
   */
  priceUnits(number) {
    return nearest(number, this.#price);
  }

  /**
   * Returns a quantity as a count of its last decimal.
   * @param {number} number
   */
  quantityUnits(number) {
    return nearest(number, this.#quantity);
  }

  /**
   * Returns a count of the last decimal as a price.
   * @param {number} units
   */
  price(units) {
    return units / this.#price;
  }

  /**
   * Returns a count of the last decimal as a quantity.
   * @param {number} units
   */
  quantity(units) {
    return units / this.#quantity;
  }
}

/**
 * Returns how many decimals a number of the wire has.
 * @param {number} number
 * @param {number} atLeast what others had already
 */
export function decimalsOf(number, atLeast) {
  for (let decimals = atLeast; decimals < 15; decimals += 1) {
    const factor = 10 ** decimals;
    if (nearest(number, factor) / factor === number) return decimals;
  }
  return atLeast;
}

/**
 * @param {number} number
 * @param {number} factor
 */
function nearest(number, factor) {
  const units = Math.round(number * factor);
  if (units < SURE && units > -SURE) return units;
  // The product has been rounded; the quotient of the right count is the number itself.
  if (units / factor === number) return units;
  if ((units - 1) / factor === number) return units - 1;
  return (units + 1) / factor === number ? units + 1 : units;
}

const ZERO = 48;
let knownDay = -1;
let knownDayMs = 0;

/**
 * Returns a time of the wire, `2025-09-16T04:18:26.806069Z` with up to nine digits of a second, as
 * milliseconds since 1970 (a double: exact to a quarter of a microsecond); NaN if it is none.
 * @param {string | null | undefined} text
 */
export function parseTime(text) {
  if (!text) return NaN;
  const length = text.length - 1;
  if (length < 19 || text.charCodeAt(length) !== 90) return Date.parse(text);
  const month = twoDigits(text, 5);
  const dayOfMonth = twoDigits(text, 8);
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const day = (year * 100 + month) * 100 + dayOfMonth;
  if (day !== knownDay) {
    knownDayMs = Date.UTC(year, month - 1, dayOfMonth);
    knownDay = day;
  }
  const minutes = twoDigits(text, 11) * 60 + twoDigits(text, 14);
  let fraction = 0;
  let divisor = 1;
  for (let at = 20; at < length; at += 1) {
    fraction = fraction * 10 + (text.charCodeAt(at) - ZERO);
    divisor *= 10;
  }
  const seconds = minutes * 60 + twoDigits(text, 17);
  return knownDayMs + seconds * 1000 + (fraction * 1000) / divisor;
}

/**
 * @param {string} text
 * @param {number} at
 */
function twoDigits(text, at) {
  return (text.charCodeAt(at) - ZERO) * 10 + (text.charCodeAt(at + 1) - ZERO);
}

const TABLE = new Uint32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  TABLE[byte] = rest;
}

const MINUS = 45;
const BILLION = 1e9;
const digits = new Uint8Array(32);
const DIGITS = digits.length;

/** CRC-32 as in zlib, of an ASCII text that is told bit by bit. */
export class Crc32 {
  #rest = -1;
  #isExact = true;

  /** Begins anew. */
  reset() {
    this.#rest = -1;
    this.#isExact = true;
  }

  /**
   * The checksum of all that has been told, an unsigned number of 32 bits; NaN if there was a number
   * of which doubles have lost the last digits.
   */
  get value() {
    return this.#isExact ? ~this.#rest >>> 0 : NaN;
  }

  /**
   * Adds one character.
   * @param {number} code
   */
  character(code) {
    const rest = this.#rest;
    this.#rest = (rest >>> 8) ^ TABLE[(rest ^ code) & 255];
  }

  /**
   * Adds a text.
   * @param {string} text
   */
  text(text) {
    let rest = this.#rest;
    for (let at = 0; at < text.length; at += 1) {
      rest = (rest >>> 8) ^ TABLE[(rest ^ text.charCodeAt(at)) & 255];
    }
    this.#rest = rest;
  }

  /**
   * Adds a whole number's decimal digits.
   * @param {number} number
   */
  number(number) {
    let size = number < 0 ? -number : number;
    if (!(size <= EXACT)) {
      this.#isExact = false;
      return;
    }
    let at = DIGITS;
    if (size >= BILLION) {
      let low = size % BILLION;
      size = (size - low) / BILLION;
      while (at > DIGITS - 9) {
        const tens = (low / 10) | 0;
        at -= 1;
        digits[at] = ZERO + low - tens * 10;
        low = tens;
      }
    }
    do {
      const tens = (size / 10) | 0;
      at -= 1;
      digits[at] = ZERO + size - tens * 10;
      size = tens;
    } while (size);
    if (number < 0) {
      at -= 1;
      digits[at] = MINUS;
    }
    let rest = this.#rest;
    for (; at < DIGITS; at += 1) rest = (rest >>> 8) ^ TABLE[(rest ^ digits[at]) & 255];
    this.#rest = rest;
  }
}
