"""Which cells of the viewer's ladder flash, seen from its pixels, frame by frame."""

from __future__ import annotations

__all__ = ["FLASHES"]

FLASHES = """() => {
  const ladder = document.querySelector('.ladder');
  const canvas = ladder.querySelector('canvas');
  const found = { frames: 0, changes: 0, lit: 0, unlit: [], wrong: [] };
  const before = { bid: [], ask: [] };
  const changedMs = { bid: [], ask: [] };
  const look = (side, nowMs) => {
    const origin = canvas.getBoundingClientRect();
    const head = ladder.querySelector(`th.${side}-size`).getBoundingClientRect();
    const scale = canvas.width / origin.width;
    const x = Math.round(((head.left + head.right) / 2 - origin.left) * scale);
    const pixels = canvas.getContext('2d').getImageData(x, 0, 1, canvas.height).data;
    ladder.querySelectorAll('tbody tr').forEach((row, index) => {
      const box = row.getBoundingClientRect();
      const y = Math.floor(((box.top + box.bottom) / 2 - origin.top) * scale);
      const isLit = pixels[4 * y + 3] > 0;
      const price = row.querySelector('.price').textContent;
      const size = row.querySelector(`.${side}-size`).textContent;
      const last = before[side][index];
      const isSame = last?.price === price && price !== '';
      const isChanged = isSame && last.size !== size;
      if (!isSame) changedMs[side][index] = last ? -Infinity : nowMs; // it may flash already
      if (isChanged) changedMs[side][index] = nowMs;
      before[side][index] = { price, size };
      const what = `${side} at ${price}: ${last?.size} to ${size}`;
      found.changes += isChanged;
      found.lit += isLit;
      if (isChanged && !isLit) found.unlit.push(what);
      if (isLit && nowMs - changedMs[side][index] > 600) found.wrong.push(what);
    });
  };
  const frame = (nowMs) => {
    look('bid', nowMs);
    look('ask', nowMs);
    found.frames++;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  window.flashes = found;
}"""
"""A script for a page: `window.flashes` has what was found since it was run. `unlit` are cells that
have changed and do not flash, `wrong` those that flash and have not."""
