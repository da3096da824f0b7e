// How the depth chart is used: the crosshair by pointer and by keys, the span by wheel, pinch, keys
// and buttons.

import { element, wheelScale } from '../shared/dom.js';

/**
 * What the chart does when it is used.
 * @typedef {object} Actions
 * @property {(x: number, y: number) => void} point the pointer is here, in CSS pixels of the host
 * @property {(direction: number, levels: number) => void} step on by so many levels
 * @property {(isBid: boolean) => void} touch to a side's best level
 * @property {() => void} hide the crosshair is no longer wanted
 * @property {(factor: number) => void} widen the span by a factor
 * @property {() => void} fit the span is the chart's own choice again
 */

const WHEEL_RATE = 0.0015;
const STEP = 1.25;
const SHIFT_LEVELS = 10;
const LINE_PIXELS = 16;

/** Listens to one chart's host. */
export class DepthControls {
  #host;
  #actions;
  #listening = new AbortController();
  #tools = element('div', { class: 'depth-tools' });
  #fit = element('button', {
    type: 'button',
    text: 'auto',
    title: 'Automatic span (0)',
    hidden: true,
  });
  /** @type {Map<number, { x: number, y: number }>} */
  #fingers = new Map();

  /**
   * @param {HTMLElement} host
   * @param {Actions} actions
   */
  constructor(host, actions) {
    this.#host = host;
    this.#actions = actions;
    host.tabIndex = 0;
    const narrow = element('button', { type: 'button', text: '+', title: 'Narrower span (+)' });
    const wide = element('button', { type: 'button', text: '−', title: 'Wider span (−)' });
    narrow.setAttribute('aria-label', 'Narrower price span');
    wide.setAttribute('aria-label', 'Wider price span');
    this.#fit.setAttribute('aria-label', 'Automatic price span');
    this.#tools.append(this.#fit, wide, narrow);
    host.append(this.#tools);
    const { signal } = this.#listening;
    narrow.addEventListener('click', () => actions.widen(1 / STEP), { signal });
    wide.addEventListener('click', () => actions.widen(STEP), { signal });
    this.#fit.addEventListener('click', () => actions.fit(), { signal });
    host.addEventListener('pointermove', (event) => this.#move(event), { signal });
    host.addEventListener('pointerdown', (event) => this.#press(event), { signal });
    for (const kind of /** @type {const} */ (['pointerup', 'pointercancel', 'pointerleave'])) {
      host.addEventListener(kind, (event) => this.#leave(event), { signal });
    }
    host.addEventListener('dblclick', (event) => this.#isOnTools(event) || actions.fit(), {
      signal,
    });
    host.addEventListener('blur', () => actions.hide(), { signal });
    host.addEventListener('keydown', (event) => this.#key(event), { signal });
    host.addEventListener('wheel', (event) => this.#wheel(event), { signal, passive: false });
  }

  /** @param {boolean} isAutomatic whether the span is the chart's own choice */
  showSpan(isAutomatic) {
    this.#fit.hidden = isAutomatic;
  }

  dispose() {
    this.#listening.abort();
    this.#tools.remove();
    this.#host.removeAttribute('tabindex');
  }

  /** @param {Event} event */
  #isOnTools(event) {
    return event.target instanceof Node && this.#tools.contains(event.target);
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (this.#isOnTools(event)) return;
    if (event.pointerType === 'touch') this.#fingers.set(event.pointerId, this.#place(event));
    this.#move(event);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const place = this.#place(event);
    if (this.#fingers.has(event.pointerId) && this.#fingers.size === 2) {
      const before = this.#gap();
      this.#fingers.set(event.pointerId, place);
      const after = this.#gap();
      if (before > 0 && after > 0) this.#actions.widen(before / after);
    } else if (this.#isOnTools(event)) {
      this.#actions.hide();
    } else {
      if (this.#fingers.has(event.pointerId)) this.#fingers.set(event.pointerId, place);
      this.#actions.point(place.x, place.y);
    }
  }

  /** @param {PointerEvent} event */
  #leave(event) {
    const wasFinger = this.#fingers.delete(event.pointerId);
    // A finger that is lifted leaves the crosshair where it was, to be read.
    if (event.type === 'pointerleave' && event.pointerType !== 'touch' && !wasFinger) {
      this.#actions.hide();
    }
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (event.ctrlKey || event.deltaY === 0) return; // the browser's own zoom
    event.preventDefault();
    const pixels = event.deltaY * wheelScale(event, LINE_PIXELS);
    this.#actions.widen(Math.exp(Math.max(-300, Math.min(300, pixels)) * WHEEL_RATE));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target !== this.#host) return;
    const levels = event.shiftKey ? SHIFT_LEVELS : 1;
    const actions = this.#actions;
    if (event.key === 'ArrowLeft') actions.step(-1, levels);
    else if (event.key === 'ArrowRight') actions.step(1, levels);
    else if (event.key === 'Home') actions.touch(true);
    else if (event.key === 'End') actions.touch(false);
    else if (event.key === 'Escape') actions.hide();
    else if (event.key === '+' || event.key === '=') actions.widen(1 / STEP);
    else if (event.key === '-') actions.widen(STEP);
    else if (event.key === '0') actions.fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {MouseEvent} event */
  #place(event) {
    const host = this.#host;
    const box = host.getBoundingClientRect();
    const x = event.clientX - box.left - host.clientLeft;
    return { x, y: event.clientY - box.top - host.clientTop };
  }

  #gap() {
    const [one, other] = this.#fingers.values();
    return Math.abs(one.x - other.x) + Math.abs(one.y - other.y);
  }
}
