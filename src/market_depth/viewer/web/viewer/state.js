// What is shown, as the page's address tells it: a view is shared by its link.
//
// Each `symbol` begins a panel; what follows it is that panel's:
//   ?symbol=BTCUSD&type=MBO&levels=50&interval=0&symbol=ETHUSD&group=0.50&theme=dark

/** @typedef {'MBP' | 'MBO'} DataType */
/** @typedef {'ladder' | 'heatmap' | 'depth' | 'timeline' | 'tape'} ViewName */
/** @typedef {'auto' | 'prices' | 'levels'} RowsMode */

/**
 * @typedef {object} PanelState
 * @property {string} symbol
 * @property {DataType} type
 * @property {number} levels price levels a side
 * @property {number} interval least milliseconds between two updates; 0: every change
 * @property {string} group step that price levels are merged into, '' for the tick
 * @property {RowsMode} rows whether the ladder has a row for each price, or for each level
 */

/**
 * @typedef {object} ViewerState
 * @property {PanelState[]} panels
 * @property {'auto' | 'dark' | 'light'} theme
 * @property {ViewName[]} hidden views that are not shown
 * @property {string} url of the server; '' is the one that the page came from
 */

/** @type {readonly ViewName[]} */
export const VIEWS = ['ladder', 'heatmap', 'depth', 'timeline', 'tape'];
export const LEVELS = [10, 20, 50, 100, 200, 500, 1000];
export const INTERVALS = [0, 50, 100, 300, 1000];
export const MAX_PANELS = 6;

const DEFAULT_LEVELS = 50;
const DEFAULT_INTERVAL = 100;
const GROUP = /^\d{1,12}(\.\d{1,12})?$/;

/**
 * A panel as it is unless the address says otherwise.
 * @param {string} symbol '' is the server's first
 * @returns {PanelState}
 */
export function newPanel(symbol) {
  return {
    symbol,
    type: 'MBP',
    levels: DEFAULT_LEVELS,
    interval: DEFAULT_INTERVAL,
    group: '',
    rows: 'auto',
  };
}

/**
 * Reads an address's query. What it has wrong is left at its default.
 * @param {string} query
 * @returns {ViewerState}
 */
export function parseState(query) {
  /** @type {ViewerState} */
  const state = { panels: [], theme: 'auto', hidden: [], url: '' };
  let panel = newPanel('');
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === 'symbol') {
      panel = newPanel(value);
      if (state.panels.length < MAX_PANELS) state.panels.push(panel);
    } else if (name === 'theme') {
      if (value === 'dark' || value === 'light') state.theme = value;
    } else if (name === 'hide') {
      const hidden = VIEWS.filter((view) => value.split(',').includes(view));
      if (hidden.length < VIEWS.length) state.hidden = hidden; // one stays
    } else if (name === 'url') {
      if (/^wss?:\/\//.test(value) && URL.canParse(value)) state.url = value;
    } else {
      setField(panel, name, value);
    }
  }
  if (state.panels.length === 0) state.panels.push(panel);
  return state;
}

/**
 * Writes the query that says what is shown; defaults are left out.
 * @param {ViewerState} state
 */
export function formatState(state) {
  const query = new URLSearchParams();
  for (const panel of state.panels) {
    const plain = newPanel(panel.symbol);
    query.append('symbol', panel.symbol);
    for (const name of /** @type {const} */ (['type', 'levels', 'interval', 'group', 'rows'])) {
      if (panel[name] !== plain[name]) query.append(name, String(panel[name]));
    }
  }
  const hidden = VIEWS.filter((view) => state.hidden.includes(view));
  if (hidden.length > 0) query.append('hide', hidden.join(','));
  if (state.theme !== 'auto') query.append('theme', state.theme);
  if (state.url !== '') query.append('url', state.url);
  return query.toString();
}

/**
 * @param {PanelState} panel
 * @param {string} name
 * @param {string} value
 */
function setField(panel, name, value) {
  const number = /^\d{1,7}$/.test(value) ? Number(value) : Number.NaN;
  if (name === 'type' && (value === 'MBP' || value === 'MBO')) panel.type = value;
  if (name === 'levels' && number >= 1 && number <= 1000) panel.levels = number;
  if (name === 'interval' && number <= 60_000) panel.interval = number;
  if (name === 'group' && GROUP.test(value) && Number(value) > 0) panel.group = value;
  if (name === 'rows' && (value === 'prices' || value === 'levels')) panel.rows = value;
}
