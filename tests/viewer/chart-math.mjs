// Reads {task, given} from standard input, does the task with the modules in the directory that it
// is called with, and prints what comes out as JSON. Money is text: it is exact.
import { readFileSync } from 'node:fs';

const directory = process.argv[2];
const [cost, scales, { TradeRing }, { DepthCurve }] = await Promise.all(
  ['depth/cost.js', 'depth/scale.js', 'tape/trade-ring.js', 'depth/curve.js'].map(
    (name) => import(`${directory}/${name}`),
  ),
);

const side = ({ prices, quantities }) => ({
  length: prices.length,
  // Arrays of a book are longer than it is.
  prices: Float64Array.from([...prices, 0, 0]),
  quantities: Float64Array.from([...quantities, 7, 7]),
});

function fills(cases) {
  let totals = new Float64Array(2);
  return cases.map((one) => {
    const book = side(one);
    totals = cost.cumulate(book, totals);
    const fill = cost.costToFill(book, one.size);
    return {
      totals: [...totals.subarray(0, book.length)],
      levels: cost.levelsUpTo(book, one.is_bid, one.limit),
      filled: fill.quantityUnits,
      touched: fill.levels,
      worst: fill.worstUnits,
      money: String(fill.money),
      slippage: cost.slippageBps(fill, one.mid_twice, !one.is_bid),
      average: cost.averageText(fill, one.price_decimals, one.price_decimals + 1),
      total: cost.moneyText(fill.money, one.price_decimals + one.quantity_decimals, 2),
    };
  });
}

function ringAfter({ capacity, steps }) {
  const ring = new TradeRing(capacity);
  for (const { push, pass_to: timeMs, clear } of steps) {
    if (push) ring.push(push);
    else if (clear) ring.clear();
    else ring.passTo(timeMs);
  }
  const newest = [];
  for (let age = 0; age < ring.length; age++) {
    const slot = ring.slot(age);
    newest.push({
      number: ring.numbers[slot],
      priceUnits: ring.prices[slot],
      quantityUnits: ring.quantities[slot],
      timeMs: ring.times[slot],
      side: ring.sides[slot],
      continues: ring.continues[slot],
    });
  }
  const { total, missed, boughtUnits, soldUnits } = ring;
  const percentiles = [0, 0.5, 0.95, 1].map((fraction) => ring.percentile(fraction));
  return { newest, total, missed, boughtUnits, soldUnits, percentiles };
}

function ends({ needs }) {
  const end = new scales.SteadyEnd();
  return needs.map(([needed, nowMs]) => {
    end.need(needed, nowMs);
    return end.target;
  });
}

function glide({ from, to, frames }) {
  const moving = new scales.Glide();
  moving.aim(from);
  moving.aim(to);
  return frames.map((elapsedMs) => {
    const isMoving = moving.move(elapsedMs ?? Number.POSITIVE_INFINITY, 0.5);
    return [moving.value, isMoving];
  });
}

function walk({ side: levels, is_bid: isBid, from, directions }) {
  const curve = new DepthCurve(isBid);
  curve.take(side(levels));
  return directions.map((direction) => [curve.next(from, direction), curve.totalAt(from)]);
}

const tasks = {
  fills,
  ends,
  glide,
  walks: (given) => given.map(walk),
  rings: (given) => given.map(ringAfter),
  texts: (given) =>
    given.map(({ name, args }) =>
      cost[name](...args.map((one) => (typeof one === 'string' ? BigInt(one) : one))),
    ),
  steps: (given) => given.map((least) => [scales.niceStep(least), scales.niceEnd(least)]),
};
const { task, given } = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(tasks[task](given)));
