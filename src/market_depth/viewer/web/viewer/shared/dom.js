// Elements made by hand: no markup is ever put together from text.

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | null>} [attributes] `text` is its text; false
 *   and null leave an attribute out
 * @param {(Node | string)[]} [children]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, children = []) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null) continue;
    if (name === 'text') made.textContent = String(value);
    else made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children);
  return made;
}

/** A text node that is written only when what it says has changed. */
export class Label {
  #node = document.createTextNode('');

  /** @param {HTMLElement} host */
  constructor(host) {
    host.append(this.#node);
  }

  /** @param {string} text */
  set(text) {
    if (this.#node.data !== text) this.#node.data = text;
  }
}

/**
 * Makes the options of a select what they should be, and keeps the chosen one.
 * @param {HTMLSelectElement} select
 * @param {{ value: string, label: string }[]} options
 * @param {string} chosen
 */
export function setOptions(select, options, chosen) {
  const isSame =
    select.options.length === options.length &&
    options.every(
      ({ value, label }, index) =>
        select.options[index].value === value && select.options[index].text === label,
    );
  if (!isSame)
    select.replaceChildren(...options.map(({ value, label }) => new Option(label, value)));
  if (select.value !== chosen) select.value = chosen;
}

/**
 * What the distances of a wheel are to be multiplied by to be pixels.
 * @param {WheelEvent} event
 * @param {number} linePixels what a line is taken to be, for browsers that tell lines
 */
export function wheelScale(event, linePixels) {
  return event.deltaMode === WheelEvent.DOM_DELTA_LINE ? linePixels : 1;
}
