// @ts-check
/**
 * A WebSocket that is made anew when it is lost: after growing pauses, when the server said it may,
 * as soon as the browser is online again.
 * @module
 */

/**
 * @typedef {'idle' | 'connecting' | 'connected' | 'waiting' | 'closed' | 'refused'} State
 * 'waiting' for the next try; 'refused' by the server, which must not be tried again.
 */

/**
 * @typedef {object} Options
 * @property {string | null} token credentials, null for none
 * @property {number} minDelayMs pause before the first try
 * @property {number} maxDelayMs longest pause; a connection that lasts less was in vain too
 * @property {number} silenceMs a connection that is silent for longer is given up
 * @property {number} pulseMs time between two Pings
 */

/**
 * @typedef {object} Owner
 * @property {() => void} opened there is a connection
 * @property {(text: string) => void} received a text has come
 * @property {() => void} pulse the connection is open: every so often
 * @property {(reason: string) => void} lost the connection is gone, or none could be made
 * @property {() => void} changed `state`, `retryAtMs` or `reason` has
 */

const OPEN_MS = 10_000;
const LONGEST_SHUTDOWN_MS = 600_000;
const NORMAL = 1000;
const REFUSED_FROM = 4500;
const REFUSED_TO = 4599;

/** @type {Record<number, string>} */
const REASONS = {
  1001: 'the server has gone away',
  1006: 'the connection was lost',
  1008: 'too many requests',
  1009: 'a message was too large',
  4408: 'too slow: messages were left unread',
  4429: 'too many connections',
  4501: 'bad credentials',
  4503: 'forbidden',
};

/** Keeps a connection, and hands over what comes. */
export class Connection {
  /** @type {State} */
  state = 'idle';
  /** @type {number | null} `performance.now()` of the next try */
  retryAtMs = null;
  /** Why the connection was lost or refused, one line. */
  reason = '';
  stats = {
    /** Messages received. */
    messages: 0,
    /** Bytes of text received. */
    bytes: 0,
    /** Times that a lost connection has been made anew. */
    reconnects: 0,
    /** @type {number | null} of the last Ping */
    roundTripMs: null,
  };

  #url;
  #options;
  #owner;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} until the next try, or until one is given up */
  #timer;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #pulse;
  #pauseMs;
  #connectedMs = 0;
  #heardMs = 0;
  #pulsedMs = 0;
  /** How long the server has asked to be left alone. */
  #leaveAloneMs = 0;
  #hasConnected = false;
  #online = () => {
    if (this.state === 'waiting') this.retry();
  };

  /**
   * @param {string | URL} url `ws:`, `wss:`, or the `http:` or `https:` of the same
   * @param {Options} options
   * @param {Owner} owner
   */
  constructor(url, options, owner) {
    this.#url = new URL(url);
    this.#url.protocol = this.#url.protocol.replace(/^http/, 'ws');
    if (!/^wss?:$/.test(this.#url.protocol)) throw new TypeError(`not a WebSocket URL: ${url}`);
    this.#url.hash = '';
    if (options.token) this.#url.searchParams.set('token', options.token);
    this.#options = options;
    this.#owner = owner;
    this.#pauseMs = options.minDelayMs;
  }

  /** Connects, if that has not been begun. */
  connect() {
    if (this.state === 'idle' || this.state === 'closed') this.retry();
  }

  /** Connects now, whatever is being waited for. */
  retry() {
    if (this.state === 'connecting' || this.state === 'connected') return;
    if (this.state !== 'waiting') globalThis.addEventListener?.('online', this.#online);
    clearTimeout(this.#timer);
    this.#open();
  }

  /** Closes the connection for good. */
  close() {
    if (this.state === 'closed') return;
    this.#end()?.close(NORMAL);
    globalThis.removeEventListener?.('online', this.#online);
    this.#leaveAloneMs = 0;
    this.#pauseMs = this.#options.minDelayMs;
    this.#set('closed', '');
    this.#owner.changed();
  }

  /**
   * Sends a message, if there is a connection.
   * @param {object} message
   */
  send(message) {
    if (this.state === 'connected') this.#socket?.send(JSON.stringify(message));
  }

  /**
   * Makes no new connection for a while.
   * @param {number} delayMs
   */
  leaveAlone(delayMs) {
    this.#leaveAloneMs = Math.min(Math.max(Number(delayMs) || 0, 0), LONGEST_SHUTDOWN_MS);
  }

  #open() {
    try {
      this.#socket = new WebSocket(this.#url);
    } catch (error) {
      this.#lose(0, String(error));
      return;
    }
    const socket = this.#socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => this.#lose(event.code, event.reason);
    this.#timer = setTimeout(() => this.#giveUp('no answer from the server'), OPEN_MS);
    this.#set('connecting', this.reason);
    this.#owner.changed();
  }

  #opened() {
    const now = performance.now();
    clearTimeout(this.#timer);
    this.#connectedMs = now;
    this.#heardMs = now;
    this.#pulsedMs = now;
    this.#pulse = setInterval(() => this.#beat(), this.#options.pulseMs);
    if (this.#hasConnected) this.stats.reconnects += 1;
    this.#hasConnected = true;
    this.#leaveAloneMs = 0;
    this.#set('connected', '');
    this.#owner.changed();
    if (this.state === 'connected') this.#owner.opened();
  }

  /** @param {unknown} text */
  #received(text) {
    this.#heardMs = performance.now();
    this.stats.messages += 1;
    if (typeof text !== 'string') return;
    this.stats.bytes += text.length;
    this.#owner.received(text);
  }

  #beat() {
    const now = performance.now();
    const { pulseMs, silenceMs } = this.#options;
    // After a long sleep of this program what has come meanwhile is yet to be read.
    const hasSlept = now - this.#pulsedMs > 3 * pulseMs;
    this.#pulsedMs = now;
    if (!hasSlept && now - this.#heardMs > silenceMs) {
      this.#giveUp('the connection has fallen silent');
    } else {
      this.#owner.pulse();
    }
  }

  /** @param {string} reason */
  #giveUp(reason) {
    this.#end()?.close();
    this.#lose(0, reason);
  }

  /**
   * @param {number} code
   * @param {string} text
   */
  #lose(code, text) {
    const hadOpened = this.state === 'connected';
    this.#end();
    const told = text || REASONS[code] || 'the connection was closed';
    const noted = code && code !== 1006 ? `${told} (${code})` : told;
    const reason = hadOpened || code !== 1006 ? noted : 'the server can’t be reached';
    if (code >= REFUSED_FROM && code <= REFUSED_TO) {
      globalThis.removeEventListener?.('online', this.#online);
      this.#set('refused', reason);
    } else {
      const delayMs = this.#delayMs(hadOpened);
      this.#timer = setTimeout(() => this.#open(), delayMs);
      this.#set('waiting', reason, performance.now() + delayMs);
    }
    this.#owner.lost(reason);
    this.#owner.changed();
  }

  /**
   * Returns how long to wait before the next try.
   * @param {boolean} hadOpened
   */
  #delayMs(hadOpened) {
    const { minDelayMs, maxDelayMs } = this.#options;
    const lastedMs = performance.now() - this.#connectedMs;
    if (hadOpened && lastedMs >= maxDelayMs) this.#pauseMs = minDelayMs;
    // Of many clients that lose a server at once not all may come back at once.
    const delayMs = this.#leaveAloneMs + this.#pauseMs * (0.5 + Math.random() / 2);
    this.#leaveAloneMs = 0;
    this.#pauseMs = Math.min(2 * this.#pauseMs, maxDelayMs);
    return delayMs;
  }

  /** Leaves the socket, and returns it. */
  #end() {
    clearTimeout(this.#timer);
    clearInterval(this.#pulse);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    return socket;
  }

  /**
   * @param {State} state
   * @param {string} reason
   * @param {number | null} [retryAtMs]
   */
  #set(state, reason, retryAtMs = null) {
    this.state = state;
    this.reason = reason;
    this.retryAtMs = retryAtMs;
  }
}
