// The line at the foot of the page: how the connection is doing.

import { element, Label } from './shared/dom.js';
import { compact } from './shared/format.js';
import { connectionText } from './status-text.js';

/** @typedef {import('../depth-client.js').DepthClient} DepthClient */

const RATE_MS = 1000;

export class StatusBar {
  #client;
  #host = /** @type {HTMLElement} */ (document.getElementById('status'));
  #connection = element('b', { class: 'connection' });
  #connectionText = new Label(this.#connection);
  #numbers = element('span', { class: 'numbers' });
  #numbersText = new Label(this.#numbers);
  #retry = element('button', { type: 'button', text: 'Retry now', hidden: true });
  #login = element('form', { class: 'login', hidden: true }, [
    element('input', {
      type: 'password',
      name: 'token',
      required: true,
      autocomplete: 'off',
      placeholder: 'token',
      'aria-label': 'Token',
    }),
    element('button', { text: 'Connect' }),
  ]);
  #last = { atMs: 0, messages: 0, bytes: 0 };
  #rates = '0 messages/s · 0.0 kB/s';

  /**
   * @param {DepthClient} client
   * @param {(token: string) => void} useToken
   */
  constructor(client, useToken) {
    this.#client = client;
    this.#host.append(this.#connection, this.#retry, this.#login, this.#numbers);
    this.#retry.onclick = () => client.retry();
    this.#login.onsubmit = (event) => {
      event.preventDefault();
      useToken(String(new FormData(this.#login).get('token')));
    };
  }

  /** Tells how the connection is now. */
  show() {
    const nowMs = performance.now();
    const { state, reason, stats } = this.#client;
    this.#connectionText.set(connectionText(this.#client, nowMs));
    this.#host.dataset.state = state;
    this.#retry.hidden = state !== 'waiting';
    this.#login.hidden = state !== 'refused';
    this.#measure(nowMs);
    const parts = [
      state === 'waiting' && reason ? reason : '',
      stats.roundTripMs === null ? '' : `round trip ${stats.roundTripMs.toFixed(1)} ms`,
      this.#rates,
      stats.reconnects > 0 ? `${stats.reconnects} reconnects` : '',
    ];
    this.#numbersText.set(parts.filter(Boolean).join(' · '));
  }

  /** @param {number} nowMs */
  #measure(nowMs) {
    const seconds = (nowMs - this.#last.atMs) / 1000;
    if (seconds * 1000 < RATE_MS) return;
    const { messages, bytes } = this.#client.stats;
    const perSecond = compact(Math.round((messages - this.#last.messages) / seconds));
    const kilobytes = (bytes - this.#last.bytes) / seconds / 1000;
    this.#rates = `${perSecond} messages/s · ${kilobytes.toFixed(1)} kB/s`;
    this.#last = { atMs: nowMs, messages, bytes };
  }
}
