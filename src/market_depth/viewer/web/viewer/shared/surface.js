// A canvas that is as sharp as the screen: its bitmap has the device's own pixels.

/** A canvas kept at the size of its box, drawn on in CSS pixels. */
export class Surface {
  /** @type {HTMLCanvasElement} */
  canvas;
  /** @type {CanvasRenderingContext2D} */
  context;
  /** Width in CSS pixels. */
  width = 0;
  /** Height in CSS pixels. */
  height = 0;
  /** Device pixels a CSS pixel. */
  ratio = 1;
  /** Whether the bitmap was cleared by a new size since `take` was called last. */
  #isStale = true;
  /** @type {ResizeObserver} */
  #observer;

  /**
   * @param {HTMLElement} host what the canvas fills; its position must not be static
   * @param {{ isOpaque?: boolean }} [options] isOpaque: whether every pixel is painted, each time
   */
  constructor(host, { isOpaque = false } = {}) {
    this.canvas = document.createElement('canvas');
    this.canvas.className = 'surface';
    host.append(this.canvas);
    const context = this.canvas.getContext('2d', { alpha: !isOpaque });
    if (context === null) throw new Error('this browser has no 2D canvas');
    this.context = context;
    this.#observer = new ResizeObserver((entries) => this.#resize(entries[entries.length - 1]));
    try {
      this.#observer.observe(this.canvas, { box: 'device-pixel-content-box' });
    } catch {
      this.#observer.observe(this.canvas); // Safari rounds by the ratio itself
    }
  }

  /** @returns {boolean} whether everything must be painted anew: the size has changed */
  take() {
    const isStale = this.#isStale;
    this.#isStale = false;
    return isStale;
  }

  /** A CSS length brought to whole device pixels, so that edges are sharp.
   * @param {number} length */
  snap(length) {
    return Math.round(length * this.ratio) / this.ratio;
  }

  /** Empties the canvas. */
  clear() {
    this.context.clearRect(0, 0, this.width, this.height);
  }

  dispose() {
    this.#observer.disconnect();
    this.canvas.remove();
  }

  /** @param {ResizeObserverEntry} entry */
  #resize(entry) {
    const ratio = globalThis.devicePixelRatio || 1;
    const box = entry.devicePixelContentBoxSize?.[0];
    const width = inDevicePixels(entry.contentRect.width * ratio, box?.inlineSize);
    const height = inDevicePixels(entry.contentRect.height * ratio, box?.blockSize);
    if (width === this.canvas.width && height === this.canvas.height && ratio === this.ratio) {
      return;
    }
    this.canvas.width = width;
    this.canvas.height = height;
    this.ratio = ratio;
    this.width = width / ratio;
    this.height = height / ratio;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#isStale = true;
  }
}

/**
 * A length in whole device pixels: what the browser measured, where that can be.
 * @param {number} reckoned by the ratio of the pixels
 * @param {number} [measured] off by more than a pixel where a ratio is only emulated
 */
function inDevicePixels(reckoned, measured = Number.NaN) {
  return Math.abs(measured - reckoned) <= 1 ? measured : Math.round(reckoned);
}
