// Where a moment stands in the picture: seconds since Run → pixels, and back.
//
// Stretches in which something happens are drawn to scale; long quiet ones between them are folded into a visible break of fixed
// width. The scale may differ from stretch to stretch and changes nowhere but at a break. Within a grace period time stays to scale.

const FOLD_PIXELS = 40;
const SHORTEST_FOLD_SECONDS = 2.5;
const SHORTEST_IDLE_SECONDS = 1; // before somebody stops the container
const SHORTEST_FOLD_SHARE = 0.1; // of the whole time
const LONGEST_QUIET_GRACE_SECONDS = 45; // of a grace period that is being used; longer ones are folded too
const UNUSED_FOLD_RATIO = 1.6; // unused grace is folded when it is so many times longer than what was used
const TICK_PIXELS = 58; // from tick to tick at least
const NICE_SECONDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const POINT_PIXELS = 8; // for a single moment between folds
const GRACE_EMPHASIS = 1.8;
const STRETCH_PIXELS = 64; // what a stretch needs at least
const MOST_FOLDS = 24; // of a pod that crashes all day only the longest quiet stretches are folded

export class Axis {
  // times: ascending, in seconds; graces: [from, to] in which time is to scale; unused: {from, to, used} left over of one; idle:
  // [from, to] in which a grace period stands still.
  constructor({ times, graces = [], unused = [], idle = [], width }) {
    this.pieces = pieces(times, { graces, unused, idle });
    const folds = this.pieces.filter((piece) => piece.folded).length;
    const stretches = this.pieces.length - folds;
    this.width = Math.max(width, stretches * STRETCH_PIXELS + folds * FOLD_PIXELS);
    const points = this.pieces.filter(isPoint).length;
    const room = this.width - folds * FOLD_PIXELS - points * POINT_PIXELS;
    const weights = this.pieces.map((piece) => weight(piece, graces));
    const total = weights.reduce((sum, part) => sum + part, 0) || 1;
    let x = 0;
    this.pieces.forEach((piece, index) => {
      piece.x = x;
      piece.width = piece.folded ? FOLD_PIXELS : isPoint(piece) ? POINT_PIXELS : (room * weights[index]) / total;
      x += piece.width;
    });
  }

  x(t) {
    const piece = this.pieces.find((candidate) => t <= candidate.to) ?? this.pieces.at(-1);
    const length = piece.to - piece.from;
    const share = length > 0 ? (t - piece.from) / length : 0;
    return piece.x + piece.width * Math.min(1, Math.max(0, share));
  }

  t(x) {
    const piece = this.pieces.find((candidate) => x <= candidate.x + candidate.width) ?? this.pieces.at(-1);
    return piece.from + ((x - piece.x) / (piece.width || 1)) * (piece.to - piece.from);
  }

  get folds() {
    return this.pieces.filter((piece) => piece.folded);
  }

  foldAt(t) {
    return this.folds.find((fold) => t >= fold.from && t < fold.to);
  }

  // Round moments to write below the picture, counted from `origin`, as far as they have room.
  ticks(origin) {
    return this.pieces.filter((piece) => !piece.folded).flatMap((piece) => ticksOf(piece, origin));
  }
}

const isPoint = (piece) => !piece.folded && piece.to - piece.from < 0.001;

// How much room a stretch asks for: a long one less than its share, one in which a grace period is spent more.
function weight(piece, graces) {
  if (piece.folded || isPoint(piece)) return 0;
  const graceful = graces.some(([from, to]) => from < piece.to && to > piece.from);
  return Math.sqrt(piece.to - piece.from + 0.15) * (graceful ? GRACE_EMPHASIS : 1);
}

function pieces(times, kinds) {
  const from = times[0] ?? 0;
  const to = Math.max(times.at(-1) ?? 0, from + 0.5);
  const gaps = times.slice(1).map((time, index) => ({ from: times[index], to: time }));
  const spent = gaps.filter((gap) => !leftover(gap, kinds.unused)).reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const shortest = spent * SHORTEST_FOLD_SHARE;
  const quiet = gaps.filter((gap) => isFolded(gap, shortest, kinds));
  const longest = [...quiet].sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, MOST_FOLDS);
  const all = [];
  let start = from;
  for (const gap of longest.sort((a, b) => a.from - b.from)) {
    if (gap.from > start || all.length === 0) all.push({ from: start, to: gap.from });
    all.push({ ...gap, folded: true });
    start = gap.to;
  }
  all.push({ from: start, to });
  return all;
}

function isFolded(gap, shortest, { graces, unused, idle }) {
  const length = gap.to - gap.from;
  const left = leftover(gap, unused);
  if (left) return length > left.used * UNUSED_FOLD_RATIO && length > 2;
  const within = ([from, to]) => gap.from >= from - 0.001 && gap.to <= to + 0.001;
  const waits = graces.some(([from]) => Math.abs(gap.to - from) < 0.1);
  if (length < Math.max(shortest, waits ? SHORTEST_IDLE_SECONDS : SHORTEST_FOLD_SECONDS)) return false;
  return !graces.some(within) || idle.some(within) || length > LONGEST_QUIET_GRACE_SECONDS;
}

const leftover = (gap, unused) => unused.find(({ from, to }) => gap.from >= from && gap.to <= to);

function ticksOf({ from, to, x, width }, origin) {
  const scale = width / (to - from || 1);
  const step = NICE_SECONDS.find((seconds) => seconds * scale >= TICK_PIXELS);
  if (!step || to - from < 0.001) return [];
  const ticks = [];
  for (let n = Math.ceil((from - origin) / step - 1e-6); origin + n * step <= to + 1e-6; n++) {
    ticks.push({ t: origin + n * step, offset: n * step, x: x + (origin + n * step - from) * scale });
  }
  return ticks;
}
