// A panel's controls: which symbol, by price or by order, how deep, how often, how coarse.

import { element, setOptions } from '../shared/dom.js';
import { INTERVALS, LEVELS } from '../state.js';

/** @typedef {import('../state.js').PanelState} PanelState */

/** @typedef {object} Actions
 * @property {(change: Partial<PanelState>) => void} set
 * @property {(direction: number) => void} step
 * @property {() => void} recentre
 * @property {() => void} close
 */

const ROWS = [
  { value: 'auto', label: 'auto' },
  { value: 'prices', label: 'all prices' },
  { value: 'levels', label: 'levels' },
];

/** @param {number} interval */
const intervalLabel = (interval) => (interval === 0 ? 'every change' : `${interval} ms`);

export class PanelBar {
  element;
  #symbol = element('select', { class: 'symbol', 'aria-label': 'Symbol' });
  #levels = element('select', { 'aria-label': 'Price levels a side' });
  #interval = element('select', { 'aria-label': 'Least time between updates' });
  #rows = element('select', { 'aria-label': 'Rows of the ladder' });
  #types = {
    MBP: element('button', { type: 'button', text: 'MBP', title: 'Market by price (m)' }),
    MBO: element('button', { type: 'button', text: 'MBO', title: 'Market by order (m)' }),
  };
  #group = element('output', { class: 'group', 'aria-label': 'Price step' });
  #close = element('button', {
    type: 'button',
    class: 'close',
    text: '×',
    title: 'Close this panel (x)',
    'aria-label': 'Close this panel',
  });

  /** @param {Actions} actions */
  constructor(actions) {
    const narrower = button('−', 'Narrower price step (-)', () => actions.step(-1));
    const wider = button('+', 'Wider price step (+)', () => actions.step(1));
    const recentre = button('Centre', 'Recentre (c)', () => actions.recentre());
    this.element = element('div', { class: 'panel-bar' }, [
      this.#symbol,
      element('div', { class: 'joined', role: 'group', 'aria-label': 'Kind of book' }, [
        this.#types.MBP,
        this.#types.MBO,
      ]),
      labelled('levels', this.#levels),
      labelled('each', this.#interval),
      element('div', { class: 'joined', role: 'group', 'aria-label': 'Price step' }, [
        narrower,
        this.#group,
        wider,
      ]),
      labelled('rows', this.#rows),
      recentre,
      this.#close,
    ]);
    this.#symbol.onchange = () => actions.set({ symbol: this.#symbol.value });
    this.#levels.onchange = () => actions.set({ levels: Number(this.#levels.value) });
    this.#interval.onchange = () => actions.set({ interval: Number(this.#interval.value) });
    this.#rows.onchange = () => {
      actions.set({ rows: /** @type {PanelState['rows']} */ (this.#rows.value) });
    };
    this.#types.MBP.onclick = () => actions.set({ type: 'MBP' });
    this.#types.MBO.onclick = () => actions.set({ type: 'MBO' });
    this.#close.onclick = () => actions.close();
  }

  /**
   * Shows a state.
   * @param {PanelState} state
   * @param {string[]} symbols to choose from
   * @param {string} step the price step in force
   */
  show(state, symbols, step) {
    const known = symbols.includes(state.symbol) ? symbols : [state.symbol, ...symbols];
    setOptions(this.#symbol, known.map(plain), state.symbol);
    setOptions(this.#levels, withChosen(LEVELS, state.levels).map(plain), String(state.levels));
    setOptions(
      this.#interval,
      withChosen(INTERVALS, state.interval).map((interval) => ({
        value: String(interval),
        label: intervalLabel(interval),
      })),
      String(state.interval),
    );
    setOptions(this.#rows, ROWS, state.rows);
    for (const [type, chooser] of Object.entries(this.#types)) {
      chooser.setAttribute('aria-pressed', String(type === state.type));
    }
    this.#group.textContent = step;
  }

  /** @param {boolean} has whether the symbol's feed tells orders */
  setHasOrders(has) {
    this.#types.MBO.disabled = !has;
  }

  /** @param {boolean} can */
  setCanClose(can) {
    this.#close.hidden = !can;
  }

  focusSymbol() {
    this.#symbol.focus();
  }
}

/** @param {string | number} value */
const plain = (value) => ({ value: String(value), label: String(value) });

/**
 * @param {number[]} numbers
 * @param {number} chosen
 */
function withChosen(numbers, chosen) {
  return numbers.includes(chosen) ? numbers : [...numbers, chosen].sort((a, b) => a - b);
}

/**
 * @param {string} text
 * @param {string} title
 * @param {() => void} onclick
 */
function button(text, title, onclick) {
  const label = text.length > 1 ? null : title;
  const made = element('button', { type: 'button', text, title, 'aria-label': label });
  made.onclick = onclick;
  return made;
}

/**
 * @param {string} text
 * @param {HTMLElement} control
 */
function labelled(text, control) {
  return element('label', {}, [element('span', { text, 'aria-hidden': 'true' }), control]);
}
