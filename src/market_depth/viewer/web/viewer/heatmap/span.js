// The span of time that charts show, shared by those that stand above one another.

const SHORTEST_MS = 60_000;
const LONGEST_MS = 3_600_000;
/** What is shown one after the other while there is more and more to show. */
const GROWING_MS = [60_000, 120_000, 300_000];
/** Part of the span that is left free at the right, so that the newest is not at the very edge. */
const LEAD = 0.02;
const CLOCK_JUMP_MS = 2000;
const CATCH_UP = 0.15;
const FALL_BACK = 0.01;

/** From when to when is shown: the last minutes, or a time that was gone back to. */
export class TimeSpan {
  /** Milliseconds shown. */
  spanMs = GROWING_MS[0];
  /** Whether the newest is shown, and time goes on. */
  isFollowing = true;
  /** The server's clock now, as far as it can be told. */
  nowMs = Number.NaN;
  /** What a pointer points at in any of the charts; NaN if at nothing. */
  hoverMs = Number.NaN;
  /** CSS pixels that the charts leave for the axis at the right, at least `leastAxis`. */
  axisWidth = 60;
  leastAxis = 0;
  /** Grows when something but the clock changes. */
  revision = 0;
  #rightMs = 0;
  #offsetMs = Number.NaN;
  #newestMs = Number.NaN;
  /** Whether nobody has chosen a span. */
  #isGrowing = true;

  /** The time at the right edge. */
  get rightMs() {
    return this.isFollowing ? this.nowMs + LEAD * this.spanMs : this.#rightMs;
  }

  /**
   * Lets time pass. The server's clock is followed smoothly, so that nothing jerks.
   * @param {number} frameMs the frame's time, as of performance.now()
   * @param {number} timeMs the server's clock at the newest message; 0 if there is none
   */
  tick(frameMs, timeMs) {
    if (!(timeMs > 0)) return;
    if (timeMs !== this.#newestMs) {
      this.#newestMs = timeMs;
      const seen = timeMs - frameMs;
      const behind = seen - this.#offsetMs;
      if (!(Math.abs(behind) < CLOCK_JUMP_MS)) this.#offsetMs = seen;
      else this.#offsetMs += behind * (behind > 0 ? CATCH_UP : FALL_BACK);
    }
    this.nowMs = Math.max(timeMs, frameMs + this.#offsetMs);
  }

  /**
   * Shows more when there is more, until somebody chooses.
   * @param {number} recordedMs how much there is to show
   */
  grow(recordedMs) {
    if (!this.#isGrowing || recordedMs < this.spanMs) return;
    const next = GROWING_MS.find((spanMs) => spanMs > this.spanMs);
    if (next === undefined) return;
    this.spanMs = next;
    this.revision++;
  }

  /**
   * Shows more time (factor above 1) or less.
   * @param {number} factor
   * @param {number} [aroundMs] what stays where it is; the right edge while the newest is shown
   */
  zoom(factor, aroundMs = this.rightMs) {
    this.#isGrowing = false;
    const before = this.spanMs;
    const spanMs = Math.min(Math.max(before * factor, SHORTEST_MS), LONGEST_MS);
    if (!this.isFollowing) {
      this.#rightMs = aroundMs + (this.#rightMs - aroundMs) * (spanMs / before);
    }
    this.spanMs = spanMs;
    this.revision++;
  }

  /**
   * Goes back in time (below 0) or forward; the end of it is following again.
   * @param {number} milliseconds
   * @param {number} firstMs the oldest that there is
   */
  pan(milliseconds, firstMs) {
    const newest = this.nowMs + LEAD * this.spanMs;
    const oldest = Math.min(newest, firstMs + this.spanMs / 2);
    this.#rightMs = Math.max(this.rightMs + milliseconds, oldest);
    this.isFollowing = this.#rightMs >= newest;
    this.revision++;
  }

  /** Shows the newest again. */
  follow() {
    this.isFollowing = true;
    this.revision++;
  }

  /** Forgets the clock: another server or symbol. */
  reset() {
    this.#offsetMs = Number.NaN;
    this.#newestMs = Number.NaN;
    if (this.#isGrowing) this.spanMs = GROWING_MS[0];
    this.nowMs = Number.NaN;
    this.hoverMs = Number.NaN;
    this.follow();
  }

  /** @param {number} timeMs undefined: of nothing */
  hover(timeMs) {
    if (Object.is(timeMs, this.hoverMs)) return;
    this.hoverMs = timeMs;
    this.revision++;
  }
}

/** Where times lie on a chart: whole device pixels, so that what scrolls does not shimmer. */
export class TimeScale {
  /** Left edge of the plot in CSS pixels. */
  left = 0;
  /** CSS pixels. */
  width = 0;
  /** CSS pixels a millisecond. */
  perMs = 0;
  /** Device pixels that have gone by at the plot's left edge. */
  scroll = 0;
  ratio = 1;

  /** @param {TimeSpan} span @param {number} left @param {number} width @param {number} ratio */
  set(span, left, width, ratio) {
    this.left = left;
    this.width = width;
    this.ratio = ratio;
    this.perMs = width / span.spanMs;
    this.scroll = Math.round(span.rightMs * this.perMs * ratio) - Math.round(width * ratio);
  }

  /** Where a time lies. @param {number} timeMs */
  x(timeMs) {
    return this.left + timeMs * this.perMs - this.scroll / this.ratio;
  }

  /** What time lies there. @param {number} x */
  time(x) {
    return (x - this.left + this.scroll / this.ratio) / this.perMs;
  }
}
