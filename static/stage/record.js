// A run as frames tell it: every version of everything, and what stood as of a frame. Nothing here touches the page.
//
// Versions are only ever appended, in the order of their seq; a look-up is a binary search. Frames that have been taken are ignored.

export class Record {
  constructor() {
    this.clear();
  }

  clear() {
    this.run = "";
    this.live = false;
    this.seq = 0;
    this.end = 0; // seconds since Run of the newest frame
    this.deleted = null; // and of the first deletion
    this.frames = []; // {seq, t} of every frame
    this.steps = []; // {seq, t, index, html, actor, family, say}
    this.parts = new Map(); // name → versions {seq, value}
    this.texts = new Map(); // name → Text
    this.lists = new Map(); // name → List
    this.lanes = new Map(); // lane → {lane, title, order, family}
    this.bars = []; // {lane, id, t, seq, tone, label, to, endSeq, endTone, endLabel}
    this.points = []; // {lane, t, seq, kind, tone, label}
    this.arrows = []; // {lane, t, seq, name, tone, label, from}
    this.rulers = new Map(); // pod/container → versions {seq, value}
    this.open = new Map(); // bar id → the bar that has not ended
  }

  // Returns the steps that are new, or null when the message says nothing new.
  take({ run, reset, live, frames }) {
    const newRun = run !== this.run;
    if (reset || newRun) this.clear();
    const changed = reset || newRun || live !== this.live;
    this.run = run;
    this.live = live;
    const known = this.steps.length;
    const before = this.seq;
    for (const frame of frames) if (frame.seq > this.seq) this.add(frame);
    return changed || this.seq !== before ? this.steps.slice(known) : null;
  }

  add({ seq, t, step, deletes, marks, ruler, parts, texts, rows }) {
    this.seq = seq;
    this.end = Math.max(this.end, t);
    if (deletes) this.deleted ??= this.end;
    this.frames.push({ seq, t: this.end });
    if (step) this.steps.push({ ...step, seq, t: this.end, index: this.steps.length });
    for (const mark of marks ?? []) this.mark(mark, seq, this.end);
    for (const state of ruler ?? []) append(this.rulers, `${state.pod}/${state.container}`, seq, state);
    for (const [name, html] of Object.entries(parts ?? {})) append(this.parts, name, seq, html);
    for (const [name, patch] of Object.entries(texts ?? {})) kept(this.texts, name, () => new Text()).add(seq, patch);
    for (const row of rows ?? []) kept(this.lists, row.list, () => new List()).add(seq, row);
  }

  mark(mark, seq, t) {
    if (mark.close !== undefined) this.close(mark, seq, t);
    else if (mark.open !== undefined) {
      const bar = { lane: mark.lane, id: mark.open, t, seq, tone: mark.tone, label: mark.label ?? "", to: null, endSeq: Infinity };
      this.open.set(mark.open, bar);
      this.bars.push(bar);
    } else if (mark.point !== undefined) {
      this.points.push({ lane: mark.lane, t, seq, kind: mark.point, tone: mark.tone ?? "", label: mark.label ?? "" });
    } else if (mark.arrow !== undefined) {
      const { lane, arrow, tone = "default", label = "", from = "" } = mark;
      this.arrows.push({ lane, t, seq, name: arrow, tone, label, from });
    } else if (!this.lanes.has(mark.lane)) this.lanes.set(mark.lane, mark);
  }

  close(mark, seq, t) {
    const bar = this.open.get(mark.close);
    if (!bar) return;
    this.open.delete(mark.close);
    Object.assign(bar, { to: t, endSeq: seq, endTone: mark.tone ?? bar.tone, endLabel: mark.label ?? bar.label });
  }

  // The step that a frame belongs to: its own or the nearest before it.
  stepOf(seq) {
    return this.steps[lastAtMost(this.steps, seq)] ?? this.steps[0];
  }

  seqAt(t) {
    let low = 0;
    let high = this.frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.frames[middle].t <= t) low = middle + 1;
      else high = middle;
    }
    return this.frames[low - 1]?.seq ?? 0;
  }

  part(name, seq) {
    return valueAt(this.parts.get(name), seq);
  }

  rulersAt(seq) {
    return [...this.rulers].map(([key, versions]) => ({ key, state: valueAt(versions, seq), last: versions.at(-1).value }));
  }
}

const SNAPSHOT_EVERY = 32; // versions; between two of them a text is put together from its patches

// A text whose versions are patches of the one before: hunks of how many lines to keep, how many to drop, and what to put there.
// What follows the last hunk is kept.
export class Text {
  constructor() {
    this.versions = [];
    this.snapshots = new Map();
    this.current = -1;
    this.lines = [];
  }

  add(seq, hunks) {
    this.versions.push({ seq, hunks });
  }

  indexAt(seq) {
    return lastAtMost(this.versions, seq);
  }

  // The text of one version; "" before the first.
  text(index) {
    if (index < 0) return "";
    if (index < this.current || this.current < 0) this.returnTo(index);
    while (this.current < index) this.forward();
    return this.lines.join("\n");
  }

  returnTo(index) {
    const from = index - (index % SNAPSHOT_EVERY);
    const snapshot = this.snapshots.get(from);
    this.current = snapshot ? from : -1;
    this.lines = snapshot ?? [];
  }

  forward() {
    const old = this.lines;
    const lines = [];
    let at = 0;
    for (const [keep, drop, put] of this.versions[++this.current].hunks) {
      lines.push(...old.slice(at, at + keep), ...put);
      at += keep + drop;
    }
    this.lines = lines.concat(old.slice(at));
    if (this.current % SNAPSHOT_EVERY === 0) this.snapshots.set(this.current, this.lines);
  }
}

// Rows in the order in which they first appeared; a row may have later versions.
export class List {
  constructor() {
    this.rows = [];
    this.byKey = new Map();
    this.changing = []; // the rows with more than one version
  }

  add(seq, { key, html }) {
    const row = this.byKey.get(key);
    if (!row) {
      const first = { key, seq, versions: [{ seq, value: html }] };
      this.byKey.set(key, first);
      this.rows.push(first);
      return;
    }
    row.versions.push({ seq, value: html });
    if (row.versions.length === 2) this.changing.push(row);
  }

  countAt(seq) {
    return lastAtMost(this.rows, seq) + 1;
  }
}

// The index of the last item whose seq is at most `seq`; -1 when there is none.
export function lastAtMost(items, seq) {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].seq <= seq) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function valueAt(versions, seq) {
  return versions?.[lastAtMost(versions, seq)]?.value;
}

function append(map, name, seq, value) {
  kept(map, name, () => []).push({ seq, value });
}

function kept(map, key, make) {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
