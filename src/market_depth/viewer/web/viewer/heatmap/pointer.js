// What a pointer does to a heatmap: wheel, drag, pinch and double click, by mouse, touch or pen.

import { wheelScale } from '../shared/dom.js';

/**
 * What is done; positions in CSS pixels of the canvas.
 * @typedef {object} Gestures
 * @property {(x: number, y: number) => boolean} isOnAxis whether that is on the price axis
 * @property {(dx: number, dy: number) => void} pan
 * @property {(factor: number, x: number) => void} zoomTime
 * @property {(factor: number, y: number) => void} zoomPrice
 * @property {(x: number, y: number) => void} hover NaN: nowhere
 * @property {() => void} recentre
 */

const WHEEL = 0.0016;
const LINE_PIXELS = 24;
const DRAG = 0.006;
const FAR = 3;

/** Listens on one element. */
export class PointerGestures {
  #element;
  #gestures;
  #abort = new AbortController();
  /** Pointers that are down: at most two. @type {Map<number, { x: number, y: number }>} */
  #down = new Map();
  #isAxis = false;
  #isMoved = false;
  #startY = 0;

  /** @param {HTMLElement} element @param {Gestures} gestures */
  constructor(element, gestures) {
    this.#element = element;
    this.#gestures = gestures;
    // A finger that moves up or down scrolls the page; across, it goes through time.
    element.style.touchAction = 'pan-y';
    const { signal } = this.#abort;
    element.addEventListener('wheel', (event) => this.#wheel(event), { signal, passive: false });
    element.addEventListener('pointerdown', (event) => this.#press(event), { signal });
    element.addEventListener('pointermove', (event) => this.#move(event), { signal });
    element.addEventListener('pointerup', (event) => this.#release(event), { signal });
    element.addEventListener('pointercancel', (event) => this.#release(event), { signal });
    element.addEventListener('pointerleave', (event) => this.#leave(event), { signal });
    element.addEventListener('dblclick', () => gestures.recentre(), { signal });
  }

  dispose() {
    this.#abort.abort();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (event.ctrlKey || event.metaKey) return; // the browser's own zoom
    event.preventDefault();
    const lines = wheelScale(event, LINE_PIXELS);
    if (!event.shiftKey && Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.#gestures.pan(-event.deltaX * lines, 0);
      return;
    }
    const delta = (event.deltaY || event.deltaX) * lines;
    const factor = Math.exp(Math.min(Math.max(delta, -240), 240) * WHEEL);
    const isPrice = event.shiftKey || this.#gestures.isOnAxis(event.offsetX, event.offsetY);
    if (isPrice) this.#gestures.zoomPrice(factor, event.offsetY);
    else this.#gestures.zoomTime(factor, event.offsetX);
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0 || this.#down.size >= 2) return;
    this.#down.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    this.#isAxis = this.#gestures.isOnAxis(event.offsetX, event.offsetY);
    this.#isMoved = false;
    this.#startY = event.offsetY;
    this.#element.setPointerCapture(event.pointerId);
    this.#gestures.hover(event.offsetX, event.offsetY);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const last = this.#down.get(event.pointerId);
    const { offsetX: x, offsetY: y } = event;
    this.#element.style.cursor = this.#gestures.isOnAxis(x, y) ? 'ns-resize' : 'crosshair';
    if (!last) {
      this.#gestures.hover(x, y);
      return;
    }
    if (this.#down.size === 2) {
      this.#pinch(event.pointerId, last, x, y);
      return;
    }
    const dx = x - last.x;
    const dy = y - last.y;
    if (!this.#isMoved && Math.hypot(dx, dy) < FAR) return;
    this.#isMoved = true;
    last.x = x;
    last.y = y;
    if (this.#isAxis) this.#gestures.zoomPrice(Math.exp(dy * DRAG), this.#startY);
    else this.#gestures.pan(dx, event.pointerType === 'touch' ? 0 : dy);
    this.#gestures.hover(x, y);
  }

  /**
   * @param {number} id @param {{ x: number, y: number }} last @param {number} x @param {number} y
   */
  #pinch(id, last, x, y) {
    for (const [other, there] of this.#down) {
      if (other === id) continue;
      const before = Math.max(24, Math.abs(last.x - there.x));
      const after = Math.max(24, Math.abs(x - there.x));
      this.#gestures.zoomTime(before / after, (x + there.x) / 2);
    }
    last.x = x;
    last.y = y;
  }

  /** @param {PointerEvent} event */
  #release(event) {
    this.#down.delete(event.pointerId);
    if (event.pointerType === 'touch' && this.#isMoved)
      this.#gestures.hover(Number.NaN, Number.NaN);
  }

  /** What a finger has tapped stays told. @param {PointerEvent} event */
  #leave(event) {
    if (event.pointerType !== 'touch') this.#gestures.hover(Number.NaN, Number.NaN);
  }
}
