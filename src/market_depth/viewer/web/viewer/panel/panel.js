// A panel: one symbol, its controls, its views and how it is doing.

import { DepthChart } from '../depth/depth-chart.js';
import { Heatmap } from '../heatmap/heatmap.js';
import { Ladder } from '../ladder/ladder.js';
import { element, Label } from '../shared/dom.js';
import { groupOf, nextStep, stepOf } from '../shared/steps.js';
import { VIEWS } from '../state.js';
import { streamProblem, streamStatus } from '../status-text.js';
import { Tape } from '../tape/tape.js';
import { Timeline } from '../timeline/timeline.js';
import { PanelBar } from './bar.js';
import { MarketModel } from './model.js';
import { PanelStreams } from './streams.js';

/** @typedef {import('../../depth-client.js').DepthClient} DepthClient */
/** @typedef {import('../../depth-client.js').Scale} Scale */
/** @typedef {import('../state.js').PanelState} PanelState */
/** @typedef {import('../state.js').ViewName} ViewName */
/** @typedef {import('../shared/theme.js').Theme} Theme */
/** @typedef {{ symbol: string, scale: Scale, hasOrders: boolean }} Instrument */

/** @typedef {object} Hooks
 * @property {() => void} onchange the state is another
 * @property {() => void} onclose the panel is to be closed
 * @property {() => void} onselect the panel has been touched
 */

const TITLES = {
  ladder: 'Ladder',
  heatmap: 'Liquidity over time',
  depth: 'Depth',
  timeline: 'Imbalance and spread',
  tape: 'Trades',
};

export class Panel {
  element;
  /** @type {PanelState} */
  state;
  model = new MarketModel();
  #hooks;
  #bar;
  #streams;
  #sections;
  #charts;
  #beside;
  #views;
  #status = element('p', { class: 'panel-status' });
  #problem = element('p', { class: 'panel-problem', role: 'status', hidden: true });
  #statusText = new Label(this.#status);
  #problemText = new Label(this.#problem);
  /** @type {Instrument[]} */
  #instruments = [];

  /**
   * @param {DepthClient} client
   * @param {Theme} theme
   * @param {PanelState} state
   * @param {Hooks} hooks
   */
  constructor(client, theme, state, hooks) {
    this.state = state;
    this.#hooks = hooks;
    this.#streams = new PanelStreams(client, this.model);
    this.#streams.onstatus = () => this.showStatus();
    this.#streams.onbook = () => this.#showControls();
    this.#streams.onscale = () => this.#rescale();
    this.#bar = new PanelBar({
      set: (change) => this.set(change),
      step: (direction) => this.step(direction),
      recentre: () => this.recentre(),
      close: () => hooks.onclose(),
    });
    this.#sections = Object.fromEntries(
      VIEWS.map((name) => [
        name,
        element('div', { class: `view view-${name}`, role: 'group', 'aria-label': TITLES[name] }, [
          element('h2', { text: TITLES[name] }),
        ]),
      ]),
    );
    const { ladder, heatmap, depth, timeline, tape } = this.#sections;
    this.#charts = element('div', { class: 'views-charts' }, [heatmap, timeline, depth]);
    this.#beside = element('div', { class: 'views-beside' }, [this.#charts, tape]);
    const views = element('div', { class: 'views' }, [ladder, this.#beside]);
    this.element = element('article', { class: 'panel', tabindex: -1 }, [
      this.#bar.element,
      element('div', { class: 'panel-frame' }, [views, this.#problem]),
      this.#status,
    ]);
    this.element.addEventListener('pointerdown', () => hooks.onselect());
    this.element.addEventListener('focusin', () => hooks.onselect());
    this.#views = this.#makeViews(theme);
  }

  /** Begins, or goes on with what the server has now.
   * @param {Instrument[]} instruments */
  setInstruments(instruments) {
    this.#instruments = instruments;
    const isBegun = this.model.symbol !== '';
    if (!isBegun && this.state.symbol === '' && instruments.length > 0) {
      this.state.symbol = instruments[0].symbol;
      this.#hooks.onchange();
    }
    if (!isBegun && this.state.symbol !== '') this.#open();
    if (this.state.symbol === '') {
      this.#problem.hidden = false;
      this.#problemText.set('The server lists no symbols: name one in the address, ?symbol=…');
    }
    this.#showControls();
  }

  /** Shows something else.
   * @param {Partial<PanelState>} change */
  set(change) {
    const before = this.state;
    this.state = { ...before, ...change };
    const fields = /** @type {(keyof PanelState)[]} */ (Object.keys(change));
    if (fields.every((field) => change[field] === before[field])) return;
    if (this.state.symbol !== before.symbol) {
      this.state.group = '';
      this.#open();
    } else if (change.rows !== undefined) this.#views.ladder.setMode(this.state.rows);
    else this.#openBook();
    this.#showControls();
    this.#hooks.onchange();
  }

  /** Takes the next wider (1) or narrower (-1) price step.
   * @param {number} direction */
  step(direction) {
    const { scale, stepUnits } = this.model;
    if (!scale) return;
    const next = nextStep(stepUnits, direction, scale);
    if (next !== stepUnits) this.set({ group: groupOf(next, scale) });
  }

  /** Shows the symbol that stands so far from this one in the list.
   * @param {number} places */
  shift(places) {
    const symbols = this.#instruments.map(({ symbol }) => symbol);
    if (symbols.length === 0) return;
    const index = symbols.indexOf(this.state.symbol) + places;
    this.set({ symbol: symbols[(index + symbols.length) % symbols.length] });
  }

  /** Lets the views stand still, as they are now: what comes is recorded, and shown afterwards.
   * @param {boolean} isPaused */
  pause(isPaused) {
    if (isPaused) this.model.pause();
    else {
      this.model.goOn();
      this.#streams.catchUp();
    }
    this.#views.tape.pause(isPaused);
  }

  recentre() {
    this.#views.ladder.recentre();
    this.#views.heatmap.recentre();
  }

  /** @param {readonly ViewName[]} hidden */
  hide(hidden) {
    for (const name of VIEWS) this.#sections[name].hidden = hidden.includes(name);
    const { heatmap, timeline, depth, tape } = this.#sections;
    this.#charts.hidden = heatmap.hidden && timeline.hidden && depth.hidden;
    this.#beside.hidden = this.#charts.hidden && tape.hidden;
    this.element.dataset.shown = VIEWS.filter((name) => !hidden.includes(name)).join(' ');
  }

  /** @param {boolean} can */
  setCanClose(can) {
    this.#bar.setCanClose(can);
  }

  /** @param {number} nowMs */
  draw(nowMs) {
    const { isPaused, timeMs, history } = this.model;
    // The timeline's span is the heatmap's.
    if (!isPaused) this.#views.heatmap.span.tick(nowMs, Math.max(timeMs, history.timeMs || 0));
    for (const name of VIEWS) if (!this.#sections[name].hidden) this.#views[name].draw(nowMs);
  }

  /** The best bid and ask in words. */
  describe() {
    const { touch, symbol } = this.model;
    if (!touch?.bids.length || !touch.asks.length) return `${symbol}: no prices`;
    const side = (/** @type {import('../../depth-book.js').Side} */ { prices, quantities }) =>
      `${this.model.formatQuantity(quantities[0])} at ${this.model.formatPrice(prices[0])}`;
    return `${symbol}: bid ${side(touch.bids)}, ask ${side(touch.asks)}`;
  }

  /** Tells how the panel's stream is doing. */
  showStatus() {
    const stream = this.#streams.book;
    if (!stream) return;
    const problem = streamProblem(stream);
    this.#problem.hidden = problem === '';
    this.#problemText.set(problem);
    this.element.classList.toggle('is-stale', !this.model.isGood);
    this.#statusText.set(streamStatus(stream, this.#streams.totals()));
  }

  focusSymbol() {
    this.#bar.focusSymbol();
  }

  dispose() {
    this.#streams.close();
    for (const view of Object.values(this.#views)) view.dispose();
    this.element.remove();
  }

  /** @param {Theme} theme */
  #makeViews(theme) {
    const { model } = this;
    const ladder = new Ladder(this.#sections.ladder, model, theme);
    ladder.onstep = (direction) => this.step(direction);
    ladder.setMode(this.state.rows);
    const heatmap = new Heatmap(this.#sections.heatmap, model, theme);
    const timeline = new Timeline(this.#sections.timeline, model, theme);
    timeline.follow(heatmap);
    return {
      ladder,
      heatmap,
      depth: new DepthChart(this.#sections.depth, model, theme),
      timeline,
      tape: new Tape(this.#sections.tape, model, theme),
    };
  }

  #open() {
    const { model } = this;
    this.#streams.forget();
    model.symbol = this.state.symbol;
    model.book = null;
    model.best = null;
    model.scale = null;
    model.sequence = 0;
    model.trades.clear();
    model.recording.reset();
    model.revision++;
    model.tradeRevision++;
    this.element.setAttribute('aria-label', model.symbol);
    this.#openBook();
    this.#streams.openHistory(model.symbol);
  }

  #openBook() {
    const known = this.#instruments.find(({ symbol }) => symbol === this.state.symbol);
    if (known && this.model.scale === null) this.model.scale = known.scale;
    if (this.model.scale) this.model.stepUnits = stepOf(this.state.group, this.model.scale);
    this.#streams.openBook(this.state);
    for (const view of Object.values(this.#views)) view.reset();
  }

  /** The decimals or the tick are others than were believed when the book was asked for. */
  #rescale() {
    const { model } = this;
    if (!model.scale) return;
    const step = stepOf(this.state.group, model.scale);
    if (step === model.stepUnits) return;
    model.stepUnits = step;
    for (const view of Object.values(this.#views)) view.reset();
    if (this.state.group !== '') queueMicrotask(() => this.#openBook());
  }

  #showControls() {
    const { scale, stepUnits } = this.model;
    const symbols = this.#instruments.map(({ symbol }) => symbol);
    const known = this.#instruments.find(({ symbol }) => symbol === this.state.symbol);
    this.#bar.setHasOrders(known?.hasOrders ?? true);
    this.#bar.show(this.state, symbols, scale ? this.model.formatPrice(stepUnits) : '–');
    this.showStatus();
  }
}
