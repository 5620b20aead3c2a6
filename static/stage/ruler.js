// The grace ruler: how the time between the order to stop a container and its SIGKILL is spent, as of one moment.
//
// From left to right: the hook's slice, the process's slice, what is left (or was left unused), the two seconds that nobody goes
// without, and SIGKILL. One ruler per container, on the time axis of the lifelines above.

import { cut, escape, fill, widthOf } from "./text.js";

export const RULER_PIXELS = 60;
const BAR_TOP_PIXELS = 11;
const BAR_PIXELS = 32;
const TEXT_PIXELS = 12;
const NOTHING_SECONDS = 0.05; // shorter slices are not drawn

// Returns {svg, titles, words, left, counting}: `words` say the same as the picture, `left` is what the deletion has left in seconds
// (null when it has not begun or nothing waits for it any more), `counting` whether it changes with time.
export function drawRulers({ record, seq, t, axis, words, figures, view, top }) {
  const context = { axis, words, figures, t, cluster: view === "cluster" };
  const drawn = { svg: "", titles: "", words: [], left: null, counting: false };
  const rulers = record.rulersAt(seq);
  const several = rulers.length > 1;
  rulers.forEach(({ key, state }, index) => drawOne(drawn, context, state, top + index * RULER_PIXELS, several ? key.split("/").pop() : ""));
  if (rulers.length === 0 || rulers.every(({ state }) => !state)) {
    drawn.svg += `<line class="lane" x1="0" x2="${px(axis.width)}" y1="${top + 27}" y2="${top + 27}"/>`;
    drawn.titles += rulers.length === 0 ? title(words.stageGraceTitle, top) : "";
    drawn.words = [words.stageNotBegun];
  }
  return { ...drawn, words: drawn.words.join(words.stageBetween) };
}

function drawOne(drawn, context, state, top, container) {
  const { words, figures } = context;
  drawn.titles += title(state ? [container, fill(words.stageGrace, { n: figures.whole(state.grace) })].filter(Boolean).join(" · ") : container || words.stageGraceTitle, top);
  if (!state) return;
  const facts = read(state, context.t);
  const body = context.cluster ? plain(state, facts, context, top) : slices(state, facts, context, top);
  drawn.svg += `<g class="ruler">${body}</g>`;
  drawn.words.push(context.cluster ? words.stageRulerHidden : sentence(state, facts, context, container));
  if (facts.ended === null && facts.due !== null) {
    drawn.left = Math.max(drawn.left ?? 0, facts.left);
    drawn.counting ||= !facts.held;
  }
}

// What stands as of `t`, with the times that lie after it left out. While the lab holds the kubelet no grace period runs.
function read(state, t) {
  const past = (moment) => (moment != null && moment <= t + 1e-6 ? moment : null);
  const exited = past(state.exited);
  const killed = past(state.killed);
  const [begun = null, finished = null] = state.hook ?? [];
  const hook = begun === null ? null : { from: state.deleted, to: past(finished) ?? Math.min(t, exited ?? t), running: past(finished) === null && exited === null };
  const holds = (state.holds ?? []).filter(([from]) => from <= t).map(([from, to]) => ({ from, to: past(to) ?? Math.min(t, exited ?? t), open: past(to) === null }));
  const open = exited === null ? holds.find((hold) => hold.open) : undefined;
  const due = state.kill_due == null ? null : state.kill_due + (open ? t - open.from : 0);
  const used = exited ?? killed ?? t;
  const net = (from, to) => to - from - holds.reduce((sum, hold) => sum + Math.max(0, Math.min(to, hold.to) - Math.max(from, hold.from)), 0);
  return {
    hook, holds, net, killed, exited, due, used,
    signal: past(state.signal),
    ended: exited,
    held: open !== undefined,
    left: Math.max(0, (due ?? t) - t),
  };
}

function slices(state, facts, { axis, words, figures, t }, top) {
  const parts = [];
  const { hook, holds, net, signal, killed, exited, due } = facts;
  const end = killed === null ? null : killWords(axis.x(killed));
  let taken = -Infinity; // where the words above the bar end
  const slice = (kind, from, to, text) => {
    if (to - from < NOTHING_SECONDS) return;
    const x = axis.x(from);
    const width = Math.max(2, axis.x(to) - x);
    parts.push(`<g class="slice ${kind}"><rect x="${px(x)}" y="${top + BAR_TOP_PIXELS}" width="${px(width)}" height="${BAR_PIXELS}" rx="6"/>`);
    const inside = widthOf(text, TEXT_PIXELS) < width - 10;
    const at = inside ? x + 9 : Math.max(0, Math.min(Math.max(x, taken + 10), axis.width - widthOf(text, 11)));
    const until = at + widthOf(text, 11);
    const free = inside || (at >= taken && (end === null || until < end.from || at > end.to));
    if (!inside && free) taken = until;
    // Where there is no room the words below the picture say it.
    if (free) parts.push(`<text${inside ? "" : ' class="above"'} x="${px(at)}" y="${inside ? top + BAR_TOP_PIXELS + 21 : top + 4}">${escape(text)}</text>`);
    parts.push("</g>");
  };
  const whole = Math.max(due ?? facts.used, facts.used);
  parts.push(frame(axis, state.deleted, whole, top));
  if (due !== null && state.floor) parts.push(floor(axis, due, words, top));
  if (hook) {
    const took = figures.seconds(net(hook.from, hook.to));
    slice(state.hook_timed_out && !hook.running ? "hook over" : "hook", hook.from, hook.to, fill(hook.running ? words.stageHookRuns : words.stageHookTook, { n: took }));
  }
  const start = signal ?? (hook ? hook.to : null);
  if (start !== null && !(hook && hook.running)) {
    const took = figures.seconds(net(start, facts.used));
    slice("process", start, facts.used, fill(words.stageProcess, { n: took, signal: state.signal_name ?? "" }));
  }
  const spare = (due ?? 0) - facts.used;
  if (killed === null && spare > NOTHING_SECONDS) {
    const text = fill(exited === null ? words.stageLeft : words.stageUnused, { n: figures.seconds(spare) });
    slice(exited === null ? "rest left" : "rest unused", facts.used, due, text);
  }
  for (const hold of holds) slice("held", hold.from, hold.to, fill(words.stageHeld, { n: figures.seconds(hold.to - hold.from) }));
  if (killed !== null) parts.push(kill(axis.x(killed), "done", top, end));
  else if (due !== null && exited === null) parts.push(kill(axis.x(due), "due", top, null));
  if (t >= state.deleted) parts.push(`<line class="begin" x1="${px(axis.x(state.deleted))}" x2="${px(axis.x(state.deleted))}" y1="${top + 3}" y2="${top + 47}"/>`);
  return parts.join("");
}

// What kubectl knows of it: when it began, and how long it is.
function plain(state, facts, { axis, words, figures }, top) {
  const to = state.deleted + Math.max(state.grace, 0.3);
  const x = axis.x(state.deleted);
  const text = cut(fill(words.stageGrace, { n: figures.whole(state.grace) }), axis.x(to) - x - 14, TEXT_PIXELS);
  return `${frame(axis, state.deleted, to, top)}<text class="plain" x="${px(x + 9)}" y="${top + BAR_TOP_PIXELS + 21}">${escape(text)}</text>`;
}

function frame(axis, from, to, top) {
  const x = axis.x(from);
  return `<rect class="frame" x="${px(x)}" y="${top + BAR_TOP_PIXELS}" width="${px(Math.max(2, axis.x(to) - x))}" height="${BAR_PIXELS}" rx="6"/>`;
}

// The two seconds that nobody goes without, as a brace below the bar.
function floor(axis, to, words, top) {
  const x = axis.x(to - 2);
  const end = axis.x(to);
  const y = top + BAR_TOP_PIXELS + BAR_PIXELS + 3;
  const room = widthOf(words.stageFloor, 10.5) / 2;
  const middle = Math.min((x + end) / 2, axis.width - room + 8);
  return (
    `<path class="floor" d="M${px(x + 1)} ${y}v4H${px(end - 1)}v-4"/>` +
    `<text class="floor-words" x="${px(middle)}" y="${y + 14}" text-anchor="middle">${escape(words.stageFloor)}</text>`
  );
}

function killWords(x) {
  const width = widthOf("SIGKILL", 10.5);
  return x > width + 8 ? { from: x - 5 - width, to: x } : { from: x, to: x + 5 + width };
}

function kill(x, state, top, place) {
  const before = place?.to === x;
  const words = place ? `<text x="${px(before ? x - 5 : x + 5)}" y="${top + 6}" text-anchor="${before ? "end" : "start"}">SIGKILL</text>` : "";
  return `<g class="kill ${state}"><path d="M${px(x)} ${top + 5}v44"/>${words}</g>`;
}

function title(text, top) {
  return `<text class="ruler-title" y="${top + BAR_TOP_PIXELS + 21}">${escape(cut(text, 114, 10.4))}<title>${escape(text)}</title></text>`;
}

// The same in words, for whoever does not see the picture.
function sentence(state, facts, { words, figures }, container) {
  const { hook, signal, killed, exited, due } = facts;
  const said = [fill(container ? words.stageSayGraceOf : words.stageSayGrace, { n: figures.whole(state.grace), container })];
  const after = (moment) => figures.offset(moment - state.deleted);
  if (hook) {
    const n = figures.seconds(facts.net(hook.from, hook.to));
    said.push(fill(hook.running ? words.stageSayHookRuns : state.hook_timed_out ? words.stageSayHookOver : words.stageSayHook, { n }));
  }
  if (signal !== null) said.push(fill(words.stageSaySignal, { signal: state.signal_name, at: after(signal) }));
  if (killed !== null) said.push(fill(words.stageSayKilled, { at: after(killed) }));
  if (due !== null && state.floor) said.push(words.stageSayFloor);
  if (due !== null && state.counted !== null && !hook?.running) said.push(fill(words.stageSayCounted, { n: figures.whole(state.counted), left: figures.whole(state.grace - state.counted) }));
  const held = facts.holds.reduce((sum, hold) => sum + hold.to - hold.from, 0);
  if (held > NOTHING_SECONDS) said.push(fill(words.stageSayHeld, { n: figures.seconds(held) }));
  if (exited !== null) {
    said.push(fill(words.stageSayExited, { at: after(exited) }));
    if (killed === null && due !== null && due - exited > NOTHING_SECONDS) said.push(fill(words.stageSayUnused, { n: figures.seconds(due - exited) }));
  } else if (due !== null && killed === null) said.push(fill(words.stageSayLeft, { n: figures.seconds(facts.left) }));
  return said.join(words.stageBetween);
}

const px = (number) => Math.round(number * 10) / 10;
