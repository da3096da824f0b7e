// Keyboard shortcuts, and the sheet that lists them.

import { element } from './shared/dom.js';

/** @typedef {{ keys: string[], what: string, run: (key: string) => void }} Shortcut */

/** What the mouse does, and keys do in the view that has the focus. */
const MOUSE = [
  'Ladder: the wheel scrolls; over the prices, or with Alt, it changes the price step. Arrow keys ' +
    'scroll, Home or a double click recentres.',
  'Heatmap: the wheel changes the time shown, with Shift the prices; drag to move, double click to ' +
    'come back.',
  'Depth chart: the wheel, + and − change the span, 0 or a double click fits it. Arrow keys move ' +
    'the crosshair (with Shift by ten levels), Home and End go to the best bid and ask, Escape ' +
    'hides it.',
  'Trades: hovering or focus holds them still.',
];

const TYPING = 'input:not([type="checkbox"]), select, textarea';
const PRESSED_BY_SPACE = 'button, summary, input';
const OFF = 'market-depth-keys-off';

export class Keys {
  #shortcuts;
  #sheet;
  #switch = element('input', { type: 'checkbox', id: 'keys-on' });

  /** @param {Shortcut[]} shortcuts */
  constructor(shortcuts) {
    this.#shortcuts = [
      ...shortcuts,
      { keys: ['?'], what: 'this help', run: () => this.toggleHelp() },
    ];
    this.#sheet = this.#makeSheet();
    this.#switch.checked = !isSwitchedOff();
    this.#switch.onchange = () => keepSwitch(this.#switch.checked);
    document.body.append(this.#sheet);
    document.addEventListener('keydown', (event) => this.#onKey(event));
  }

  /** Shows the help sheet, or takes it away. */
  toggleHelp() {
    if (this.#sheet.open) this.#sheet.close();
    else this.#sheet.showModal();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {Element} */ (event.target);
    if (target.matches(TYPING) || (event.key === ' ' && target.matches(PRESSED_BY_SPACE))) return;
    if (!this.#switch.checked || (this.#sheet.open && event.key !== '?')) return;
    const found = this.#shortcuts.find(({ keys }) => keys.includes(event.key));
    if (!found) return;
    event.preventDefault();
    found.run(event.key);
  }

  #makeSheet() {
    const close = element('button', { type: 'submit', text: 'Close' });
    const rows = this.#shortcuts.map(({ keys, what }) =>
      element('tr', {}, [
        element(
          'th',
          { scope: 'row' },
          keys.map((key) => element('kbd', { text: shown(key) })),
        ),
        element('td', { text: what }),
      ]),
    );
    const hints = MOUSE.map((text) => element('p', { text }));
    return element('dialog', { class: 'help', 'aria-labelledby': 'help-title' }, [
      element('form', { method: 'dialog' }, [
        element('h2', { id: 'help-title', text: 'Keyboard and mouse' }),
        element('table', {}, [element('tbody', {}, rows)]),
        ...hints,
        element('p', {}, [
          this.#switch,
          element('label', {
            for: 'keys-on',
            text: ' single keys do all that (dictation may not like it)',
          }),
        ]),
        close,
      ]),
    ]);
  }
}

/** @param {string} key */
function shown(key) {
  return key === ' ' ? 'Space' : key;
}

/** Whether shortcuts of one key have been switched off: who dictates must be able to (WCAG 2.1.4). */
function isSwitchedOff() {
  try {
    return localStorage.getItem(OFF) === 'yes';
  } catch {
    return false; // no storage is allowed
  }
}

/** @param {boolean} isOn */
function keepSwitch(isOn) {
  try {
    if (isOn) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, 'yes');
  } catch {
    // no storage is allowed: it holds as long as the page is open
  }
}
