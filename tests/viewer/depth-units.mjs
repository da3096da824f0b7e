/** Small parts of the browser's client: reads a task as JSON, and prints what comes of it. */

import { readFileSync } from 'node:fs';

import { rowsOf } from './depth-checks.mjs';

const [library] = process.argv.slice(2);
const { LevelBook, OrderBook, Scale } = await import(new URL('depth-client.js', library).href);
const { Crc32, decimalsOf, parseTime } = await import(new URL('depth-wire.js', library).href);

function bookOf({ data_type: dataType, price_decimals: price, quantity_decimals: quantity }) {
  const scale = new Scale(price, quantity, 1);
  return dataType === 'MBO' ? new OrderBook(scale) : new LevelBook(scale);
}

const tasks = {
  vectors(vectors) {
    return vectors.map((vector) => {
      const book = bookOf(vector);
      return [book.replace(vector.data), book.checksum()];
    });
  },

  /** Applies messages one after the other, and shows the book after each. */
  messages({ messages, ...kind }) {
    const book = bookOf(kind);
    return messages.map(({ type, data, event_timestamp: event }) => ({
      fits: type === 'MarketData' ? book.replace(data, parseTime(event)) : book.change(data),
      rows: rowsOf(book),
      checksum: book.checksum(),
      figures: [book.best('bids'), book.best('asks'), book.spread(), book.mid()],
      sums: ['bids', 'asks'].map((name) => {
        const { length, quantities, orderCounts } = book[name];
        return [[...quantities.subarray(0, length)], [...orderCounts.subarray(0, length)]];
      }),
      marketTimeMs: book.marketTimeMs ?? null,
    }));
  },

  /** Shows book and copy when it has been copied, and once the book has changed and the copy too. */
  copies({ first, second, third, ...kind }) {
    const book = bookOf(kind);
    const stateOf = (one) => [rowsOf(one), one.checksum(), one.marketTimeMs ?? null];
    book.replace(first);
    const copied = book.copy();
    const states = [stateOf(book), stateOf(copied)];
    book.change(second);
    states.push(stateOf(book), stateOf(copied));
    copied.change(third);
    return [...states, stateOf(book), stateOf(copied)];
  },

  times(texts) {
    return texts.map((text) => parseTime(text));
  },

  crcs(parts) {
    return parts.map((part) => {
      const crc = new Crc32();
      if (typeof part === 'number') crc.number(part);
      else crc.text(part);
      return crc.value;
    });
  },

  /** Returns [units, number again] of numbers as JSON has them. */
  units({ decimals, texts }) {
    const scale = new Scale(decimals, decimals, 1);
    return texts.map((text) => {
      const units = scale.priceUnits(JSON.parse(text));
      return [
        units,
        scale.price(units) === JSON.parse(text),
        scale.quantityUnits(JSON.parse(text)),
      ];
    });
  },

  decimals(numbers) {
    return numbers.map((number) => decimalsOf(number, 0));
  },
};

const { task, given } = JSON.parse(readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(tasks[task](given)));
