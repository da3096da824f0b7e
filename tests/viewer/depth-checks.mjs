/** What a test may have a DepthClient do, and how its books are held against the server's rows. */

const KEPT = 4000;

/** What a timer was set to last, milliseconds. */
let timerMs = Number.NaN;
const { setTimeout: setTimer } = globalThis;
globalThis.setTimeout = (then, ms, ...more) => {
  timerMs = ms;
  return setTimer(then, ms, ...more);
};

/** Returns the commands of the driver. */
export function driven({ DepthClient, OrderBook }, say, target) {
  let client = null;
  let httpUrl = '';
  const streams = [];

  function stateOf(stream) {
    const { state, error, status, statusReason, mode, intervalMs, epoch, sequence } = stream;
    const { counters, isGood, timeMs, eventTimeMs, scale } = stream;
    const decimals = scale && [scale.priceDecimals, scale.quantityDecimals, scale.tickUnits];
    return {
      stream: streams.indexOf(stream),
      ...{ state, error, status, statusReason, mode, intervalMs, epoch, sequence },
      ...{ counters: { ...counters }, isGood, timeMs, eventTimeMs, decimals },
    };
  }

  return {
    connect({ url, options = {} }) {
      client = new DepthClient(url, options);
      httpUrl = url.replace(/^ws/, 'http');
      client.onstate = ({ state, reason, retryAtMs }) => {
        const inMs = retryAtMs === null ? null : timerMs; // the clock may have gone on since
        say({ event: 'state', state, reason, inMs });
      };
      client.connect();
    },

    subscribe({ tellsUpdates = false, keeps = false, ...fields }) {
      const stream = client.subscribe(fields);
      stream.kept = keeps ? new Map() : null;
      stream.trades = [];
      streams.push(stream);
      stream.onstatus = () => say({ event: 'status', ...stateOf(stream) });
      stream.ontrade = (_, trade) => {
        stream.trades.push(trade);
        if (tellsUpdates) say({ event: 'trade', ...trade });
      };
      stream.onupdate = (_, message) => {
        if (stream.sequence !== message.sequence) throw new Error('not at the message');
        if (!stream.isGood) throw new Error('an update of a book that is not good');
        if (tellsUpdates) say({ event: 'update', ...stateOf(stream), rows: rowsOf(stream.book) });
        if (keeps) keep(stream, message);
      };
      return streams.length - 1;
    },

    look({ stream }) {
      const { book } = streams[stream];
      const { marketTimeMs = null } = book;
      const figures = [book.best('bids'), book.best('asks'), book.spread(), book.mid()];
      return { ...stateOf(streams[stream]), rows: rowsOf(book), marketTimeMs, figures };
    },

    trades({ stream }) {
      return streams[stream].trades;
    },

    stats() {
      return { ...client.stats, state: client.state, reason: client.reason };
    },

    closeStream({ stream }) {
      streams[stream].close();
    },

    close() {
      client.close();
    },

    retry() {
      client.retry();
    },

    online() {
      target.dispatchEvent(new Event('online'));
    },

    symbols() {
      return client.listSymbols();
    },

    /** Blocks the program, as a tab that has too much to do. */
    block({ ms }) {
      const end = performance.now() + ms;
      while (performance.now() < end);
    },

    /** Waits until a stream has had so many more updates. */
    async until({ stream, updates = 1 }) {
      const { counters } = streams[stream];
      const wanted = counters.updates + updates;
      while (counters.updates < wanted) await soon();
    },

    /** Holds the books of a stream that gets every change against the server's pages of them. */
    async exact({ stream: number, times }) {
      const stream = streams[number];
      const { symbol, dataType, levels, kept } = stream;
      const url = `${httpUrl}api/depth/${symbol}?data_type=${dataType}&max_levels=${levels}`;
      let compared = 0;
      while (compared < times) {
        const page = await (await fetch(url)).json();
        while (!(stream.sequence > page.sequence) || !stream.isGood) await soon();
        const before = [...kept.keys()].filter((sequence) => sequence <= page.sequence);
        if (!before.length) continue;
        same(kept.get(Math.max(...before)), wireRows(page.data), page.sequence);
        compared += 1;
      }
      return compared;
    },

    /** Holds two streams of the same options against each other wherever both have a sequence. */
    async alike({ one, other, times }) {
      const seen = new Set();
      while (seen.size < times) {
        await soon();
        const [first, second] = [streams[one].kept, streams[other].kept];
        for (const [sequence, rows] of first) {
          if (!second.has(sequence) || seen.has(sequence)) continue;
          same(rows, second.get(sequence), sequence);
          seen.add(sequence);
        }
      }
      return seen.size >= times;
    },
  };

  function keep(stream, message) {
    const { kept, book, epoch } = stream;
    if (epoch !== stream.keptEpoch) kept.clear();
    stream.keptEpoch = epoch;
    kept.set(stream.sequence, JSON.stringify(rowsOf(book)));
    if (message.type === 'MarketData') {
      same(kept.get(stream.sequence), wireRows(message.data), stream.sequence);
    }
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    if (book instanceof OrderBook) consistent(book);
  }
}

/** Returns a book as the wire has it: numbers, best first; of orders also when each was queued. */
export function rowsOf(book) {
  return ['bids', 'asks'].map((name) => {
    const side = book[name];
    const rows = [];
    for (let at = 0; at < side.length; at += 1) {
      const price = book.scale.price(side.prices[at]);
      if (book.queues === undefined) {
        const count = side.orderCounts[at];
        rows.push([price, book.scale.quantity(side.quantities[at]), count < 0 ? null : count]);
        continue;
      }
      for (const order of book.queues(name)[at]) {
        rows.push([order.id, price, book.scale.quantity(order.quantity), order.timeMs]);
      }
    }
    return rows;
  });
}

function wireRows(data) {
  const rowOf = (row) =>
    row.order_id === undefined
      ? [row.price, row.quantity, row.order_count]
      : [row.order_id, row.price, row.quantity, preciseMs(row.timestamp)];
  return JSON.stringify([data.bids.map(rowOf), data.asks.map(rowOf)]);
}

function preciseMs(text) {
  const [seconds, fraction] = text.slice(0, -1).split('.');
  return Date.parse(`${seconds}Z`) + (Number(fraction) * 1000) / 10 ** fraction.length;
}

/** Sums and counts of a book by order are those of its queues, and the queues those of its prices. */
function consistent(book) {
  for (const name of ['bids', 'asks']) {
    const side = book[name];
    const queues = book.queues(name);
    if (queues.length !== side.length) throw new Error('not a queue for each level');
    queues.forEach((queue, at) => {
      const sum = queue.reduce((total, order) => total + order.quantity, 0);
      const isAtPrice = queue.every((order) => order.price === side.prices[at]);
      const isCounted = queue.length === side.orderCounts[at] && queue.length > 0;
      if (sum !== side.quantities[at] || !isAtPrice || !isCounted) {
        throw new Error(`${name} ${at}: the level is not its queue`);
      }
      const isYoung = queue.every((order) => book.marketTimeMs - order.timeMs > -1);
      if (!isYoung) throw new Error('an order is from the future');
    });
  }
}

function same(rows, expected, sequence) {
  if (rows !== expected) throw new Error(`at ${sequence}: ${rows} is not ${expected}`);
}

function soon() {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
