// Axes that are calm: nice steps, and scales that follow the market slowly.

const NICE = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
const GLIDE_MS = 110;
/** A scale that is too wide waits this long before it gets narrower. */
const PATIENCE_MS = 1500;

/**
 * The smallest of 1, 2 and 5 times a power of ten that is at least `least`.
 * @param {number} least above zero
 */
export function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  for (const factor of [1, 2, 5]) if (factor * power >= least * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

/**
 * The smallest nice number that is at least `least`, to end an axis at.
 * @param {number} least above zero
 */
export function niceEnd(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return (NICE.find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10) * power;
}

/** A number that glides to where it should be. */
export class Glide {
  /** What it is now, NaN at first. */
  value = Number.NaN;
  /** What it will be. */
  target = Number.NaN;

  /** @param {number} target */
  aim(target) {
    this.target = target;
    if (Number.isNaN(this.value)) this.value = target;
  }

  /**
   * Moves on.
   * @param {number} elapsedMs since the last time; Infinity to be there at once
   * @param {number} close what is this close is there
   * @returns {boolean} whether it isn't there yet
   */
  move(elapsedMs, close) {
    const rest = (this.target - this.value) * Math.exp(-elapsedMs / GLIDE_MS);
    const isThere = !(Math.abs(rest) > close);
    this.value = isThere ? this.target : this.target - rest;
    return !isThere;
  }

  reset() {
    this.value = Number.NaN;
    this.target = Number.NaN;
  }
}

/** The end of an axis: nice numbers only, grown at once and shrunk late. */
export class SteadyEnd extends Glide {
  #lowSinceMs = Number.NaN;

  /**
   * @param {number} needed what must be shown, above zero
   * @param {number} nowMs
   */
  need(needed, nowMs) {
    if (!(needed <= this.target)) {
      this.#lowSinceMs = Number.NaN;
      this.aim(niceEnd(needed * 1.08));
    } else if (needed > 0.6 * this.target) {
      this.#lowSinceMs = Number.NaN;
    } else if (Number.isNaN(this.#lowSinceMs)) {
      this.#lowSinceMs = nowMs;
    } else if (nowMs - this.#lowSinceMs > PATIENCE_MS) {
      this.#lowSinceMs = Number.NaN;
      this.aim(niceEnd(needed * 1.08));
    }
  }
}

/** Where prices and sizes are on a canvas. */
export class Plot {
  left = 0;
  right = 0;
  top = 0;
  bottom = 0;
  /** The price in the middle, in units; need not be whole. */
  centre = 0;
  /** From the middle to either end, in price units. */
  span = 1;
  /** The size at the top, in units. */
  most = 1;

  /** @param {number} priceUnits */
  x(priceUnits) {
    const middle = (this.left + this.right) / 2;
    return middle + ((priceUnits - this.centre) / this.span) * (this.right - middle);
  }

  /** @param {number} x */
  price(x) {
    const middle = (this.left + this.right) / 2;
    return this.centre + ((x - middle) / (this.right - middle)) * this.span;
  }

  /** @param {number} quantityUnits */
  y(quantityUnits) {
    return this.bottom - (quantityUnits / this.most) * (this.bottom - this.top);
  }
}
