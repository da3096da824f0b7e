// The lines of best bid and best ask over a heatmap.

/** @typedef {import('../history/history.js').DepthHistory} DepthHistory */
/** @typedef {import('./span.js').TimeScale} TimeScale */
/** @typedef {import('./prices.js').PriceScale} PriceScale */

/**
 * Draws a best price as a stepped line; it breaks where there is none.
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {DepthHistory} history
 * @param {Float64Array} prices history.bestBids or history.bestAsks
 * @param {number} from @param {number} to groups
 * @param {number} group columns each
 * @param {TimeScale} times
 * @param {PriceScale} scale
 * @param {number} right how far the newest goes on, in CSS pixels
 */
export function traceTouch(context, history, prices, from, to, group, times, scale, right) {
  const groupMs = group * history.columnMs;
  let last = Number.NaN;
  for (let at = from; at <= to; at++) {
    const number = Math.min((at + 1) * group - 1, history.last);
    const price = history.has(number) ? prices[history.slot(number)] : Number.NaN;
    if (price === last) continue;
    const x = times.x(at * groupMs);
    if (!Number.isNaN(last)) context.lineTo(x, scale.y(last));
    if (!Number.isNaN(price)) {
      const y = scale.y(price);
      if (Number.isNaN(last)) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    last = price;
  }
  if (!Number.isNaN(last)) context.lineTo(right, scale.y(last));
}
