// @ts-check
/**
 * The types that the client's modules share. There is nothing here to run.
 * @module
 */

/** @typedef {'MBP' | 'MBO' | 'BBO' | 'TRADES'} DataType */
/** @typedef {'snapshot' | 'delta'} Mode */
/** @typedef {'asked' | 'open' | 'waiting' | 'refused' | 'closed'} StreamState */
/** @typedef {'Live' | 'Stale' | 'Halted' | 'Recovered'} Status */

/**
 * @typedef {object} Subscription What is asked for.
 * @property {string} symbol
 * @property {DataType} dataType
 * @property {number} [levels] price levels a side, 20 if left out
 * @property {number} [intervalMs] least time between two updates, 0 for every change; the server's
 *   own if left out
 * @property {string | number} [group] MBP: the step that price levels are merged into, such as
 *   '0.50'
 * @property {boolean} [checksum] whether each update is verified; true if left out
 * @property {Mode} [mode] 'delta' if left out
 */

/**
 * @typedef {object} Trade
 * @property {number} priceUnits
 * @property {number} quantityUnits
 * @property {'Bid' | 'Ask' | null} side the aggressor's, null if unknown
 * @property {number} timeMs the venue's time, milliseconds since 1970; the server's if unknown
 * @property {number} number counts the symbol's trades without a gap
 */

/**
 * @typedef {object} SymbolInfo One of `listSymbols`.
 * @property {string} symbol
 * @property {number} tick_size
 * @property {number} price_decimals
 * @property {number} quantity_decimals
 * @property {DataType[]} data_types
 * @property {string} status
 * @property {string} [reason]
 */

export {};
