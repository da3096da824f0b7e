// The colours and the font of the canvases, as the style sheet has them.

const NAMES = /** @type {const} */ ([
  'background',
  'panel',
  'line',
  'text',
  'text-dim',
  'accent',
  'bid',
  'bid-dim',
  'bid-soft',
  'ask',
  'ask-dim',
  'ask-soft',
  'mid',
  'warning',
]);

/** @typedef {typeof NAMES[number]} ColourName */

/** What the canvases are painted with; follows the style sheet's custom properties. */
export class Theme {
  /** Grows whenever a colour may have changed: canvases are to be painted anew. */
  revision = 0;
  /** @type {Record<ColourName, string>} */
  colours = /** @type {any} */ ({});
  /** Whether the background is dark. */
  isDark = true;
  /** CSS font of canvas text, without its size: `${size}px ${theme.font}`. */
  font = 'monospace';

  constructor() {
    this.read();
  }

  /** Takes the colours as they are now. */
  read() {
    const style = getComputedStyle(document.documentElement);
    for (const name of NAMES) {
      this.colours[name] = style.getPropertyValue(`--${name}`).trim() || '#888';
    }
    this.font = style.getPropertyValue('--mono').trim() || 'monospace';
    this.isDark = style.colorScheme.includes('dark');
    this.revision++;
  }
}

/**
 * The red, green and blue (0 to 255) of a `#rrggbb` colour.
 * @param {string} colour
 * @returns {[number, number, number]}
 */
export function channels(colour) {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}
