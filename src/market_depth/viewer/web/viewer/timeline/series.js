// A history's values brought to the columns of a chart: a bounded number of them.

/** @typedef {import('../history/rings.js').RunningValue} RunningValue */
/** @typedef {import('../history/history.js').DepthHistory} DepthHistory */

const MOST = 4096;

/** Mean, least and greatest of a value, one a group of columns, oldest first. */
export class Series {
  length = 0;
  /** Group that the first is of. */
  from = 0;
  /** Columns of the history in a group. */
  group = 1;
  means = new Float32Array(MOST);
  /** NaN where nothing is known, as all three. */
  least = new Float32Array(MOST);
  greatest = new Float32Array(MOST);
  /** Mean of the means, and the greatest of all; NaN if there is none. */
  mean = Number.NaN;
  most = Number.NaN;

  /**
   * @param {DepthHistory} history
   * @param {RunningValue} value one of its
   * @param {number} from @param {number} to columns shown
   * @param {number} group columns that become one
   */
  read(history, value, from, to, group) {
    this.group = group;
    this.from = Math.floor(Math.max(from, history.first) / group);
    const last = Math.floor(Math.min(to, history.last) / group);
    this.length = Math.min(Math.max(0, last - this.from + 1), MOST);
    let total = 0;
    let count = 0;
    this.most = Number.NaN;
    for (let at = 0; at < this.length; at++) {
      this.#gather(history, value, at);
      if (Number.isNaN(this.means[at])) continue;
      total += this.means[at];
      count++;
      if (!(this.most >= this.greatest[at])) this.most = this.greatest[at];
    }
    this.mean = count > 0 ? total / count : Number.NaN;
  }

  /** @param {DepthHistory} history @param {RunningValue} value @param {number} at */
  #gather(history, value, at) {
    const first = Math.max((this.from + at) * this.group, history.first);
    const last = Math.min((this.from + at + 1) * this.group - 1, history.last);
    let sum = 0;
    let known = 0;
    let least = Number.NaN;
    let greatest = Number.NaN;
    for (let number = first; number <= last; number++) {
      const slot = history.slot(number);
      const mean = value.means[slot];
      if (history.isKnown[slot] === 0 || Number.isNaN(mean)) continue;
      sum += mean;
      known++;
      if (!(least <= value.least[slot])) least = value.least[slot];
      if (!(greatest >= value.greatest[slot])) greatest = value.greatest[slot];
    }
    this.means[at] = known > 0 ? sum / known : Number.NaN;
    this.least[at] = least;
    this.greatest[at] = greatest;
  }
}
