// Trades as marks on a heatmap: those that would lie on one another are one mark.

/** @typedef {import('../history/history.js').DepthHistory} DepthHistory */
/** @typedef {import('../shared/theme.js').Theme} Theme */
/** @typedef {import('./span.js').TimeScale} TimeScale */
/** @typedef {import('./prices.js').PriceScale} PriceScale */

const CAPACITY = 4096;
/** Size of the cells in which trades are one mark, in CSS pixels. */
const CELL = 9;
const SMALLEST = 1.9;
/** Marks of a side that are drawn at once. */
const TOGETHER = 12;
const LARGEST = 11;
/** How many marks back one of the same cell and side is looked for. */
const LOOK_BACK = 64;
/** A mark of this many times the usual size is the largest. */
const USUAL_TO_LARGEST = 30;

/** A bounded ring of marks; the oldest give way. */
export class TradeMarks {
  /** Number of the next mark; number n lies in slot n % CAPACITY. */
  #next = 0;
  #first = 0;
  #cells = new Float64Array(CAPACITY);
  #rows = new Float64Array(CAPACITY);
  /** Means weighted by quantity. */
  #columns = new Float64Array(CAPACITY);
  #ticks = new Float64Array(CAPACITY);
  #sums = new Float64Array(CAPACITY);
  #sides = new Int8Array(CAPACITY);
  #cellColumns = 1;
  #cellTicks = 1;
  #epoch = -1;
  #revision = -1;
  /** Number of the history's entry from which on marks may still change, and its mark. */
  #openEntry = 0;
  #openMark = 0;
  #from = 0;
  #usual = 0;

  /**
   * Takes in what is new; begins anew if the scales have changed.
   * @param {DepthHistory} history
   * @param {number} from first column shown
   * @param {number} pxPerColumn @param {number} pxPerTick CSS pixels
   */
  update(history, from, pxPerColumn, pxPerTick) {
    const cellColumns = powerOfTwo(CELL / pxPerColumn);
    const cellTicks = powerOfTwo(CELL / pxPerTick);
    const { trades } = history;
    const isSame = cellColumns === this.#cellColumns && cellTicks === this.#cellTicks;
    if (!isSame || history.epoch !== this.#epoch || from < this.#from) {
      this.#cellColumns = cellColumns;
      this.#cellTicks = cellTicks;
      this.#epoch = history.epoch;
      this.#from = from;
      this.#first = this.#next = this.#openMark = 0;
      this.#usual = 0;
      this.#openEntry = trades.find(from);
    } else if (trades.revision === this.#revision) {
      return;
    }
    this.#revision = trades.revision;
    this.#next = this.#openMark;
    this.#first = Math.min(this.#first, this.#next);
    let cell = Number.NaN;
    for (let entry = Math.max(this.#openEntry, trades.first); entry < trades.next; entry++) {
      const slot = entry % trades.capacity;
      const at = Math.floor(trades.columns[slot] / cellColumns);
      if (at !== cell) {
        cell = at;
        this.#openEntry = entry;
        this.#openMark = this.#next;
      }
      this.#add(
        at,
        trades.columns[slot] + 0.5,
        trades.ticks[slot],
        trades.quantities[slot],
        trades.sides[slot],
      );
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context in CSS pixels
   * @param {Theme} theme
   * @param {TimeScale} times
   * @param {PriceScale} prices
   * @param {number} columnMs
   */
  draw(context, theme, times, prices, columnMs) {
    const left = times.time(times.left) / columnMs - this.#cellColumns;
    let oldest = this.#next;
    while (oldest > this.#first && this.#columns[(oldest - 1) % CAPACITY] > left) oldest--;
    if (oldest === this.#next) return;
    this.#adapt(oldest);
    context.lineWidth = 1;
    // Some at a time, so that neither side covers all of the other's.
    for (let from = oldest; from < this.#next; from += TOGETHER) {
      const to = Math.min(from + TOGETHER, this.#next);
      for (let side = -1; side <= 1; side++)
        this.#drawSide(context, theme, times, prices, columnMs, side, from, to);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context @param {Theme} theme
   * @param {TimeScale} times @param {PriceScale} prices @param {number} columnMs
   * @param {number} side @param {number} from @param {number} to marks, the last not included
   */
  #drawSide(context, theme, times, prices, columnMs, side, from, to) {
    const { colours } = theme;
    let isAny = false;
    context.beginPath();
    for (let number = from; number < to; number++) {
      const slot = number % CAPACITY;
      if (this.#sides[slot] !== side) continue;
      const x = times.x(this.#columns[slot] * columnMs);
      const y = prices.y(this.#ticks[slot]);
      trace(context, side, x, y, this.#radius(this.#sums[slot]));
      isAny = true;
    }
    if (!isAny) return;
    context.fillStyle = side > 0 ? colours.bid : side < 0 ? colours.ask : colours['text-dim'];
    context.strokeStyle = theme.isDark ? colours.background : colours.panel;
    context.fill();
    context.stroke();
  }

  /** Follows what is usual, slowly. @param {number} oldest */
  #adapt(oldest) {
    let sum = 0;
    for (let number = oldest; number < this.#next; number++) sum += this.#sums[number % CAPACITY];
    const mean = sum / (this.#next - oldest);
    if (this.#usual === 0) this.#usual = mean;
    else if (mean > this.#usual * 1.25 || mean < this.#usual / 1.25) {
      this.#usual += (mean - this.#usual) * 0.05;
    }
  }

  /** @param {number} quantity */
  #radius(quantity) {
    const part = Math.sqrt(quantity / (this.#usual * USUAL_TO_LARGEST));
    return SMALLEST + (LARGEST - SMALLEST) * Math.min(part, 1);
  }

  /**
   * @param {number} cell @param {number} column @param {number} ticks
   * @param {number} quantity @param {number} side
   */
  #add(cell, column, ticks, quantity, side) {
    const row = Math.floor(ticks / this.#cellTicks);
    const oldest = Math.max(this.#first, this.#next - LOOK_BACK);
    for (let number = this.#next - 1; number >= oldest; number--) {
      const slot = number % CAPACITY;
      if (this.#cells[slot] !== cell) break;
      if (this.#rows[slot] !== row || this.#sides[slot] !== side) continue;
      const sum = this.#sums[slot] + quantity;
      this.#columns[slot] += (column - this.#columns[slot]) * (quantity / sum);
      this.#ticks[slot] += (ticks - this.#ticks[slot]) * (quantity / sum);
      this.#sums[slot] = sum;
      return;
    }
    const slot = this.#next % CAPACITY;
    this.#cells[slot] = cell;
    this.#rows[slot] = row;
    this.#columns[slot] = column;
    this.#ticks[slot] = ticks;
    this.#sums[slot] = quantity;
    this.#sides[slot] = side;
    this.#next++;
    if (this.#next - this.#first > CAPACITY) this.#first = this.#next - CAPACITY;
  }
}

/**
 * A circle for a buyer, a diamond for a seller, a square for who is unknown.
 * @param {CanvasRenderingContext2D} context @param {number} side
 * @param {number} x @param {number} y @param {number} radius
 */
function trace(context, side, x, y, radius) {
  if (side > 0) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  } else if (side < 0) {
    const reach = radius * 1.2;
    context.moveTo(x, y - reach);
    context.lineTo(x + reach, y);
    context.lineTo(x, y + reach);
    context.lineTo(x - reach, y);
    context.closePath();
  } else {
    context.rect(x - radius * 0.8, y - radius * 0.8, radius * 1.6, radius * 1.6);
  }
}

/** The least power of two that is not below, at least 1. @param {number} least */
function powerOfTwo(least) {
  let power = 1;
  while (power < least) power *= 2;
  return power;
}
