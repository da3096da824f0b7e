// Reads checksum-vectors.json from standard input, and prints the text and the checksum of each
// vector, made from its rows alone. Numbers are taken as they are written: with all their decimals,
// so a count of the last one is their digits without the point.
import { readFileSync } from 'node:fs';

const LEVELS = 10;
const POLYNOMIAL = 0xedb88320;

function crc32(text) {
  let crc = ~0;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  }
  return ~crc >>> 0;
}

const asWritten = (_name, value, { source }) => (typeof value === 'number' ? source : value);

const units = (number) => BigInt(number.replace('.', ''));

function covered(rows) {
  const prices = [...new Set(rows.map((row) => row.price))].slice(0, LEVELS);
  return rows.filter((row) => prices.includes(row.price));
}

function side(rows) {
  return covered(rows)
    .map((row) => {
      const level = `${units(row.price)}:${units(row.quantity)}`;
      return row.order_id === undefined ? level : `${row.order_id}:${level}`;
    })
    .join(',');
}

const { vectors } = JSON.parse(readFileSync(0, 'utf8'), asWritten);
const found = vectors.map(({ data }) => {
  const text = `${side(data.bids)}|${side(data.asks)}`;
  return { text, checksum: crc32(text) };
});
console.log(JSON.stringify(found));
