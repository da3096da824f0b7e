// The viewer: panels of symbols over one connection, what is shown in the page's address.

import { DepthClient, Scale } from '../depth-client.js';
import { Keys } from './keys.js';
import { Panel } from './panel/panel.js';
import { Theme } from './shared/theme.js';
import {
  formatState,
  INTERVALS,
  LEVELS,
  MAX_PANELS,
  newPanel,
  parseState,
  VIEWS,
} from './state.js';
import { StatusBar } from './status-bar.js';

/** @typedef {import('./panel/panel.js').Instrument} Instrument */
/** @typedef {import('./state.js').ViewName} ViewName */

const STATUS_MS = 250;
const THEMES = /** @type {const} */ (['auto', 'dark', 'light']);
const TOKEN = 'market-depth-token ';

class Viewer {
  #state = parseState(location.search);
  #theme = new Theme();
  #client;
  #status;
  /** @type {Panel[]} */
  #panels = [];
  #selected = 0;
  #isPaused = false;
  /** @type {Instrument[] | null} null until the server has been asked */
  #instruments = null;
  #host = byId('panels');
  #speaker = byId('speaker');

  constructor() {
    const url = this.#url();
    this.#client = new DepthClient(url, { token: takeToken(url) });
    this.#status = new StatusBar(this.#client, (token) => {
      keepToken(url, token);
      location.reload();
    });
    this.#client.onstate = () => this.#onState();
    this.#setTheme();
    matchMedia('(prefers-color-scheme: dark)').onchange = () => this.#theme.read();
    for (const state of this.#state.panels) this.#addPanel(state);
    this.#arrange();
    this.#makeKeys();
    this.#makeButtons();
    this.#client.connect();
    setInterval(() => this.#tell(), STATUS_MS);
    requestAnimationFrame((nowMs) => this.#frame(nowMs));
  }

  #url() {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    return this.#state.url || `${scheme}://${location.host}/`;
  }

  /** @param {number} nowMs */
  #frame(nowMs) {
    requestAnimationFrame((next) => this.#frame(next));
    for (const panel of this.#panels) panel.draw(nowMs);
  }

  #tell() {
    this.#status.show();
    for (const panel of this.#panels) panel.showStatus();
  }

  #onState() {
    const { state } = this.#client;
    document.documentElement.dataset.connection = state;
    this.#tell();
    if (state === 'connected') this.#loadSymbols();
    if (state !== 'connecting') this.#say(state === 'waiting' ? 'disconnected' : state);
  }

  async #loadSymbols() {
    try {
      const symbols = await this.#client.listSymbols();
      this.#instruments = symbols.map((info) => {
        const hasOrders = info.data_types.includes('MBO');
        return { symbol: info.symbol, scale: Scale.of(info), hasOrders };
      });
    } catch {
      // A server of the original messages: the address has to say what is wanted.
      this.#instruments ??= [];
    }
    for (const panel of this.#panels) panel.setInstruments(this.#instruments);
  }

  /** @param {import('./state.js').PanelState} state */
  #addPanel(state) {
    const panel = new Panel(this.#client, this.#theme, state, {
      onchange: () => {
        this.#goOn();
        this.#save();
      },
      onclose: () => this.#removePanel(panel),
      onselect: () => this.#select(this.#panels.indexOf(panel)),
    });
    this.#panels.push(panel);
    this.#host.append(panel.element);
    if (this.#instruments) panel.setInstruments(this.#instruments);
  }

  #openAnother() {
    this.#goOn();
    if (this.#panels.length >= MAX_PANELS) {
      this.#say(`no more than ${MAX_PANELS} panels`);
      return;
    }
    const shown = this.#panels.map(({ state }) => state.symbol);
    const free = this.#instruments?.find(({ symbol }) => !shown.includes(symbol));
    this.#addPanel(newPanel(free?.symbol ?? shown[0]));
    this.#arrange();
    this.#select(this.#panels.length - 1);
    this.#panels[this.#selected].focusSymbol();
  }

  /** @param {Panel} panel */
  #removePanel(panel) {
    if (this.#panels.length === 1) return;
    this.#panels.splice(this.#panels.indexOf(panel), 1);
    panel.dispose();
    this.#arrange();
    this.#select(Math.min(this.#selected, this.#panels.length - 1));
  }

  #arrange() {
    this.#host.dataset.count = String(this.#panels.length);
    for (const panel of this.#panels) {
      panel.setCanClose(this.#panels.length > 1);
      panel.hide(this.#state.hidden);
    }
    this.#save();
    this.#select(this.#selected);
  }

  /** @param {number} index */
  #select(index) {
    this.#selected = (index + this.#panels.length) % this.#panels.length;
    for (const [place, { element }] of this.#panels.entries()) {
      element.classList.toggle('is-selected', place === this.#selected && this.#panels.length > 1);
    }
  }

  /** Selects a panel for the keyboard: Tab goes on from there.
   * @param {number} index */
  #goTo(index) {
    this.#select(index);
    this.#panels[this.#selected].element.focus();
  }

  #save() {
    this.#state.panels = this.#panels.map(({ state }) => state);
    const query = formatState(this.#state);
    history.replaceState(null, '', query ? `?${query}` : location.pathname);
    const symbols = this.#state.panels.map(({ symbol }) => symbol).filter(Boolean);
    document.title = symbols.length > 0 ? `${symbols.join(', ')} · Market depth` : 'Market depth';
  }

  #setTheme() {
    const { theme } = this.#state;
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    this.#theme.read();
    byId('theme').textContent = theme;
  }

  #nextTheme() {
    this.#state.theme = next(THEMES, this.#state.theme, 1);
    this.#setTheme();
    this.#save();
  }

  /** @param {ViewName} view */
  #toggleView(view) {
    const { hidden } = this.#state;
    const isHidden = hidden.includes(view);
    if (!isHidden && hidden.length === VIEWS.length - 1) return; // one stays
    this.#state.hidden = isHidden ? hidden.filter((name) => name !== view) : [...hidden, view];
    this.#arrange();
    this.#showViews();
  }

  #showViews() {
    for (const view of VIEWS) {
      const isShown = !this.#state.hidden.includes(view);
      byId(`show-${view}`).setAttribute('aria-pressed', String(isShown));
    }
  }

  /** Ends a pause, so that something else can be shown. */
  #goOn() {
    if (this.#isPaused) this.#togglePause();
  }

  #togglePause() {
    this.#isPaused = !this.#isPaused;
    for (const panel of this.#panels) panel.pause(this.#isPaused);
    document.documentElement.classList.toggle('is-paused', this.#isPaused);
    byId('pause').setAttribute('aria-pressed', String(this.#isPaused));
    this.#say(this.#isPaused ? 'paused' : 'goes on');
  }

  /** Tells something to those who listen.
   * @param {string} text */
  #say(text) {
    this.#speaker.textContent = '';
    requestAnimationFrame(() => {
      this.#speaker.textContent = text; // also if it is what was said before
    });
  }

  #makeButtons() {
    byId('add').onclick = () => this.#openAnother();
    byId('pause').onclick = () => this.#togglePause();
    byId('theme').onclick = () => this.#nextTheme();
    for (const view of VIEWS) byId(`show-${view}`).onclick = () => this.#toggleView(view);
    this.#showViews();
  }

  #makeKeys() {
    const panel = () => this.#panels[this.#selected];
    const digits = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
    const keys = new Keys([
      { keys: digits, what: 'the symbol of that number', run: (key) => this.#showSymbol(key) },
      {
        keys: ['n', 'p'],
        what: 'next, previous symbol',
        run: (k) => panel().shift(k === 'n' ? 1 : -1),
      },
      { keys: ['m'], what: 'by price or by order', run: () => this.#otherType() },
      { keys: ['+', '='], what: 'wider price step', run: () => panel().step(1) },
      { keys: ['-'], what: 'narrower price step', run: () => panel().step(-1) },
      { keys: ['c'], what: 'recentre', run: () => panel().recentre() },
      {
        keys: ['l', 'L'],
        what: 'more, fewer levels',
        run: (k) => this.#cycle('levels', LEVELS, k),
      },
      {
        keys: ['i', 'I'],
        what: 'longer, shorter interval',
        run: (k) => this.#cycle('interval', INTERVALS, k),
      },
      { keys: [' '], what: 'pause the display; the books go on', run: () => this.#togglePause() },
      { keys: ['a'], what: 'another panel', run: () => this.#openAnother() },
      { keys: ['x'], what: 'close the panel', run: () => this.#removePanel(panel()) },
      {
        keys: ['[', ']'],
        what: 'panel before, after',
        run: (k) => this.#goTo(this.#selected + (k === ']' ? 1 : -1)),
      },
      { keys: ['h'], what: 'heatmap', run: () => this.#toggleView('heatmap') },
      { keys: ['d'], what: 'depth chart', run: () => this.#toggleView('depth') },
      { keys: ['o'], what: 'imbalance and spread', run: () => this.#toggleView('timeline') },
      { keys: ['r'], what: 'trades', run: () => this.#toggleView('tape') },
      { keys: ['t'], what: 'dark, light, or as the system is', run: () => this.#nextTheme() },
      {
        keys: ['s'],
        what: 'say the best bid and ask (for screen readers)',
        run: () => this.#say(panel().describe()),
      },
    ]);
    byId('help').onclick = () => keys.toggleHelp();
  }

  /** @param {string} digit */
  #showSymbol(digit) {
    const found = this.#instruments?.[Number(digit) - 1];
    if (found) this.#panels[this.#selected].set({ symbol: found.symbol });
  }

  #otherType() {
    const panel = this.#panels[this.#selected];
    panel.set({ type: panel.state.type === 'MBP' ? 'MBO' : 'MBP' });
  }

  /**
   * @param {'levels' | 'interval'} field
   * @param {readonly number[]} values
   * @param {string} key in capitals for the one before
   */
  #cycle(field, values, key) {
    const panel = this.#panels[this.#selected];
    const direction = key === key.toLowerCase() ? 1 : -1;
    const now = panel.state[field];
    const listed = values.includes(now) ? values : [...values, now].sort((a, b) => a - b);
    panel.set({ [field]: next(listed, now, direction) });
  }
}

/**
 * @template T
 * @param {readonly T[]} values
 * @param {T} value
 * @param {number} direction
 */
function next(values, value, direction) {
  return values[(values.indexOf(value) + direction + values.length) % values.length];
}

/**
 * The token for a server: of the page's address, out of which it is taken (links are shared, tokens
 * are not), or the one that was given for that server before.
 * @param {string} url
 */
function takeToken(url) {
  const token = new URLSearchParams(location.search).get('token');
  if (token) keepToken(url, token);
  try {
    return token ?? sessionStorage.getItem(TOKEN + url) ?? undefined;
  } catch {
    return token ?? undefined; // no storage is allowed
  }
}

/**
 * Keeps a token as long as the tab is open.
 * @param {string} url
 * @param {string} token
 */
function keepToken(url, token) {
  try {
    sessionStorage.setItem(TOKEN + url, token);
  } catch {
    // no storage is allowed: it will be asked for again
  }
}

/** @param {string} id */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

new Viewer();
