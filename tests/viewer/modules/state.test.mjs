// What the page's address says, and how it is read.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import {
  formatState,
  INTERVALS,
  LEVELS,
  MAX_PANELS,
  newPanel,
  parseState,
  VIEWS,
} from '../../../src/market_depth/viewer/web/viewer/state.js';
import { chanceOf } from './chance.mjs';

const SYMBOLS = [
  'BTCUSD',
  'ESH4@mbp-1',
  'A&B=C',
  'İ',
  'a b+c',
  '100%',
  '?#/\\',
  '%41%26',
  '名前 😀',
  'symbol',
  '__proto__',
  '"\'<b>',
  '',
];

const plain = () => ({ panels: [newPanel('')], theme: 'auto', hidden: [], url: '' });

function randomState(chance) {
  const panels = Array.from({ length: chance.whole(1, MAX_PANELS) }, () => ({
    symbol: chance.one(SYMBOLS),
    type: chance.one(['MBP', 'MBO']),
    levels: chance.one([...LEVELS, 1, 37]),
    interval: chance.one([...INTERVALS, 1, 60_000]),
    group: chance.one(['', '0.50', '25', '0.00000001', '100000']),
    rows: chance.one(['auto', 'prices', 'levels']),
  }));
  return {
    panels,
    theme: chance.one(['auto', 'dark', 'light']),
    hidden: VIEWS.filter(() => chance.next() < 0.4).slice(0, VIEWS.length - 1),
    url: chance.one(['', 'ws://127.0.0.1:8080', 'wss://h.example/a?b=c&d=%20#e']),
  };
}

test('what is written is read back as it was', () => {
  const chance = chanceOf(1);
  for (let round = 0; round < 2000; round++) {
    const state = randomState(chance);
    assert.deepEqual(parseState(formatState(state)), state);
    assert.deepEqual(parseState(`?${formatState(state)}`), state);
  }
});

test('an odd symbol is read back as it was', () => {
  for (const symbol of SYMBOLS) {
    const state = { ...plain(), panels: [newPanel(symbol), newPanel('X')] };
    assert.deepEqual(parseState(formatState(state)), state);
  }
});

test('what is as ever is not written', () => {
  assert.equal(formatState({ ...plain(), panels: [newPanel('BTCUSD')] }), 'symbol=BTCUSD');
});

test('an address that says nothing is the plain page', () => {
  for (const query of ['', '?', '?token=secret', '?unknown=1&&=&=x']) {
    assert.deepEqual(parseState(query), plain());
  }
});

test('the documented example is read', () => {
  const query =
    '?symbol=BTCUSD&type=MBO&levels=50&interval=0&symbol=ETHUSD&group=0.50&theme=dark&hide=tape';
  assert.deepEqual(parseState(query), {
    panels: [
      { ...newPanel('BTCUSD'), type: 'MBO', levels: 50, interval: 0 },
      { ...newPanel('ETHUSD'), group: '0.50' },
    ],
    theme: 'dark',
    hidden: ['tape'],
    url: '',
  });
});

test('fields without a symbol are those of the one panel', () => {
  assert.deepEqual(parseState('?levels=20&type=MBO').panels, [
    { ...newPanel(''), levels: 20, type: 'MBO' },
  ]);
});

test('a field that is wrong is left at its default', () => {
  const wrong = [
    ...['0', '-1', '1001', '1e2', '0x10', ' 20', '20 ', '2.5', '', 'NaN', '99999999999'].map(
      (levels) => ({ levels }),
    ),
    ...['-1', '60001', '1e3', 'Infinity', '0.5', ''].map((interval) => ({ interval })),
    ...['0', '0.00', '-1', '1e3', '.5', '5.', 'abc', '1/2', '0,5', '1'.repeat(13)].map((group) => ({
      group,
    })),
    ...['mbp', 'BBO', 'TRADES', ''].map((type) => ({ type })),
    ...['all', 'Levels', ''].map((rows) => ({ rows })),
    ...['blue', 'DARK', ''].map((theme) => ({ theme })),
    ...['nothing', 'Tape', ''].map((hide) => ({ hide })),
    ...['http://h/', 'javascript:alert(1)', '//h', 'h', ' ws://h', 'ws://', 'ws://[', ''].map(
      (url) => ({ url }),
    ),
  ];
  for (const fields of wrong) {
    const query = new URLSearchParams({ symbol: 'X', ...fields });
    assert.deepEqual(parseState(String(query)), { ...plain(), panels: [newPanel('X')] }, query);
  }
});

test('nothing that an address can say throws, and all of it can be said again', () => {
  const chance = chanceOf(2);
  const names = ['symbol', 'type', 'levels', 'interval', 'group', 'rows', 'theme', 'hide', 'url'];
  const pieces = [
    ...names,
    '=',
    '&',
    '?',
    '%',
    '%zz',
    '+',
    '1',
    '-',
    ',',
    'İ',
    '\0',
    'ws://',
    '[',
    ' ',
  ];
  for (let round = 0; round < 5000; round++) {
    const query = Array.from({ length: chance.whole(0, 20) }, () => chance.one(pieces)).join('');
    const state = parseState(query);
    assert.deepEqual(parseState(formatState(state)), state, query);
    if (state.url) assert.match(new URL(state.url).protocol, /^wss?:$/);
  }
});

test('there are no more panels than the page has room for', () => {
  const query = Array.from({ length: 20 }, (_, index) => `symbol=S${index}&levels=${index + 1}`);
  const { panels } = parseState(query.join('&'));
  assert.equal(panels.length, MAX_PANELS);
  panels.forEach((panel, index) => {
    assert.deepEqual(panel, { ...newPanel(`S${index}`), levels: index + 1 });
  });
});

test('some view is always shown', () => {
  const all = parseState(`?hide=${VIEWS.join(',')}`);
  assert.ok(all.hidden.length < VIEWS.length);
  assert.deepEqual(parseState('?hide=tape,ladder,tape,x').hidden, ['ladder', 'tape']);
});

test('the document names all that an address may have, with its default', () => {
  const document = readFileSync(new URL('../../../docs/viewer.md', import.meta.url), 'utf8');
  const rows = [...document.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)];
  const told = new Map(rows.map(([, name, standard]) => [name, standard]));
  const { symbol: _, ...standards } = newPanel('');
  for (const [name, standard] of Object.entries(standards)) {
    const expected = standard === '' ? 'the tick' : `\`${standard}\``;
    assert.equal(told.get(name), expected, name);
  }
  const [, example] = /^http:\/\/127\.0\.0\.1:8080\/\?(.+)$/m.exec(document);
  const state = parseState(example);
  assert.equal(formatState(state), example);
  const others = Object.keys(state).filter((name) => !['panels', 'hidden'].includes(name));
  for (const name of ['symbol', 'hide', 'token', ...others]) assert.ok(told.has(name), name);
});
