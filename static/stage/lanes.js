// The layout of the lifelines: which lane stands where, which row a label gets, which bars lie above one another. No drawing.

import { cut, widthOf } from "./text.js";

export const BAR_PIXELS = 20;
export const ROW_PIXELS = 14; // a row of labels
const LANE_GAP_PIXELS = 13;
const MOST_ROWS = 4; // of labels above a lane; what finds no room is read in the list
const LABEL_GAP_PIXELS = 8;
const FARTHEST_PIXELS = 150; // from a label to what it names
const EDGE_PIXELS = 12; // a label may reach so far beyond the axis
const SHORT_BAR_PIXELS = 4;
const POINT_GRID_PIXELS = 3; // points nearer to each other are drawn as one

export class Layout {
  constructor(record, axis, view, top) {
    this.axis = axis;
    const shown = [...record.lanes.values()].filter((lane) => view === "truth" || lane.family !== "node");
    const by = (items) => Map.groupBy?.(items, (item) => item.lane) ?? grouped(items);
    const [bars, points, arrows] = [by(record.bars), by(record.points), by(record.arrows)];
    let y = top;
    this.lanes = shown
      .sort((a, b) => a.order - b.order)
      .map((lane) => {
        const placed = this.lane(lane, bars.get(lane.lane) ?? [], points.get(lane.lane) ?? [], arrows.get(lane.lane) ?? [], y);
        y = placed.bottom + LANE_GAP_PIXELS;
        return placed;
      });
    this.bottom = y;
  }

  lane(lane, bars, points, arrows, top) {
    const rows = new Rows(this.axis.width);
    const placedBars = this.bars(bars);
    const height = BAR_PIXELS * Math.max(1, ...placedBars.map((bar) => bar.row + 1));
    const beside = this.beside(points, placedBars);
    // Arrows from right to left: the shaft of one then never crosses the words of another.
    const signals = this.thinned(arrows).map(({ point: arrow, x }) => ({ item: arrow, x, text: arrowText(arrow), arrow: true }));
    for (const label of [...signals].reverse()) rows.place(label);
    const labels = points.filter((point) => point.label && point.kind !== "log" && !beside.has(point)).map((point) => this.label(point));
    for (const label of labels) rows.place(label);
    const above = rows.used * ROW_PIXELS + (rows.used ? 3 : 0) + (arrows.length ? 7 : 0);
    return {
      ...lane,
      top,
      y: top + above + BAR_PIXELS / 2,
      bottom: top + above + height,
      bars: visible(placedBars),
      points: this.thinned(points),
      beside,
      arrows: signals,
      labels: labels.filter((label) => label.row !== null),
      rowY: (row) => top + above - (arrows.length ? 10 : 3) - row * ROW_PIXELS,
    };
  }

  label(point) {
    return { item: point, x: this.axis.x(point.t), text: cut(point.label, 260), arrow: false };
  }

  // Bars in the order of their beginning, each in the first row in which nothing else is at that time.
  bars(bars) {
    const ends = [];
    return bars.map((bar) => {
      const x = this.axis.x(bar.t);
      const end = bar.to === null ? this.axis.width : this.axis.x(bar.to);
      let row = ends.findIndex((taken) => taken <= x + 0.5);
      if (row < 0) row = ends.length;
      ends[row] = Math.max(end, x);
      return { bar, x, width: Math.max(3, end - x), row };
    });
  }

  // An exit is written beside the end of its bar where there is room for it.
  beside(points, bars) {
    const found = new Map();
    for (const point of points) {
      if (point.kind !== "exit") continue;
      const x = this.axis.x(point.t) + 7;
      const width = widthOf(point.label);
      const next = bars.filter((bar) => bar.x > x - 7).reduce((least, bar) => Math.min(least, bar.x), this.axis.width + 10);
      if (x + width <= next) found.set(point, x);
    }
    return found;
  }

  thinned(points) {
    const seen = new Set();
    return points
      .map((point) => ({ point, x: this.axis.x(point.t) }))
      .filter(({ point, x }) => {
        const cell = `${point.kind ?? point.name} ${point.tone} ${Math.round(x / POINT_GRID_PIXELS)}`;
        return !seen.has(cell) && seen.add(cell);
      });
  }
}

// Of bars that are too short to be told apart, the first of each place.
function visible(bars) {
  const seen = new Set();
  return bars.filter(({ bar, x, width, row }) => {
    if (width > SHORT_BAR_PIXELS) return true;
    const cell = `${row} ${bar.endTone ?? bar.tone} ${Math.round(x / POINT_GRID_PIXELS)}`;
    return !seen.has(cell) && seen.add(cell);
  });
}

export const arrowText = ({ name, label }) => [name, label].filter(Boolean).join(" · ");

// Rows of labels above a lane. A label stands to the right of what it names, as near as it finds room, and to the left at the edge.
class Rows {
  constructor(width) {
    this.right = width + EDGE_PIXELS;
    this.rows = []; // of each row what is taken: {from, to}
  }

  get used() {
    return this.rows.length;
  }

  place(label) {
    const width = widthOf(label.text);
    let best = null;
    for (let row = 0; row < MOST_ROWS; row++) {
      const left = this.leftIn(this.rows[row] ?? [], label, width);
      if (left === null) continue;
      const cost = Math.abs(left - label.x) + row * 40;
      if (best === null || cost < best.cost) best = { row, left, cost };
    }
    Object.assign(label, { row: best?.row ?? null, left: best?.left ?? 0 });
    if (!best) return;
    while (this.rows.length <= best.row) this.rows.push([]);
    this.rows[best.row].push({ from: best.left, to: best.left + width });
  }

  leftIn(taken, { x, arrow }, width) {
    const blocking = (left) => taken.find(({ from, to }) => left < to + LABEL_GAP_PIXELS && left + width > from - LABEL_GAP_PIXELS);
    let right = arrow ? x + 7 : x - 3;
    for (let other = blocking(right); other && !arrow; other = blocking(right)) right = other.to + LABEL_GAP_PIXELS;
    if (!blocking(right) && right + width <= this.right && right - x <= FARTHEST_PIXELS) return right;
    const left = Math.min(arrow ? x - 7 - width : x + 3 - width, this.right - width);
    return left >= -EDGE_PIXELS && !blocking(left) ? left : null;
  }
}

function grouped(items) {
  const groups = new Map();
  for (const item of items) {
    const group = groups.get(item.lane);
    if (group) group.push(item);
    else groups.set(item.lane, [item]);
  }
  return groups;
}
