// Puts a stage on every card of the page and feeds them from the page's one stream, or from what the page brings with it.
//
// The stage is a module of its own, `stage.js`: the page names its address, so that its content's hash is part of it. In a classroom
// the stream also tells what the class does, which `follow.js` shows; pages without a card have a stream there too.

import { fetchAgain } from "./again.js";
import { LiveSource } from "./stream.js";

const ANNOUNCEMENT_DELAY_MILLISECONDS = 400; // several steps come at once; the last one is read

let source = null; // the page's stream
let stages = new Map(); // card id → stage

export async function startStages() {
  const cards = [...document.querySelectorAll("[data-card]")];
  stages = new Map();
  for (const card of cards) stages.set(card.id, await mount(card));
  for (const card of cards) {
    const brought = card.querySelector("script[data-frames]");
    if (brought) stages.get(card.id).take(JSON.parse(brought.textContent));
  }
  follow(streamOfPage());
  showRecordings(cards, stages);
}

// The address of the page's stream: that of what is in it, or the one that tells of the class alone.
function streamOfPage() {
  return document.querySelector("[data-stream]")?.dataset.stream ?? document.querySelector("meta[name=class-stream]")?.content;
}

async function mount(card) {
  const { mountStage } = await import(document.querySelector("meta[name=stage]").content);
  return mountStage(card, { words: document.getElementById("words").dataset, language: document.documentElement.lang, announce });
}

// Follows what was put into the page instead of its own, with one card or none. `aside()` before that is what the page follows
// itself; `goOn` with it afterwards, after what it has seen.
export async function followInstead(card) {
  stages = new Map(card ? [[card.id, await mount(card)]] : []);
  follow(streamOfPage());
}

export const aside = () => ({ url: source?.url, seen: source?.lastEventId, stages });

export function goOn(own) {
  stages = own.stages;
  follow(own.url, own.seen);
}

export const stageOf = (card) => stages.get(card.id);
export const stageOn = (run) => [...stages.values()].find(({ record }) => record.run === run && record.frames.length > 0);

// A card that was never run shows its recording, fetched when the card comes into sight. A run of the learner's own takes its place.
function showRecordings(cards, stages) {
  const seen = new IntersectionObserver((entries) => {
    for (const { target } of entries.filter(({ isIntersecting }) => isIntersecting)) {
      seen.unobserve(target);
      fetchAgain(target.dataset.recording)
        .then((answer) => (answer.ok ? answer.json() : null))
        .then((message) => message && "recording" in target.dataset && stages.get(target.id).take(message))
        .catch(() => seen.observe(target)); // offline: tried again when it comes into sight the next time
    }
  });
  for (const card of cards) if (card.dataset.recording) seen.observe(card);
}

function follow(url, seen) {
  source?.close();
  source = null;
  if (!url) return;
  const opened = (source = new LiveSource(url, seen));
  opened.addEventListener("frames", ({ data }) => {
    const message = JSON.parse(data);
    delete document.getElementById(message.card)?.dataset.recording;
    (stages.get(message.card) ?? stages.get(`shown--${message.card}`))?.take(message);
  });
  let told = false; // by this connection: a trouble comes before everything else, and there is none where it does not come
  opened.onconnected = () => (told = false);
  opened.addEventListener("trouble", ({ data }) => sayTrouble(JSON.parse(data), (told = true)));
  for (const name of ["frames", "ready", "heartbeat"]) opened.addEventListener(name, () => told || sayTrouble("", (told = true)));
  opened.addEventListener("class", ({ data }) => document.dispatchEvent(new CustomEvent("class:told", { detail: JSON.parse(data) })));
  opened.addEventListener("board", ({ data }) => document.dispatchEvent(new CustomEvent("board:told", { detail: JSON.parse(data) })));
  opened.addEventListener("end", () => opened.close());
}

// Says what keeps the lab from running anything, or nothing any more. A class that is paused has its reason in the button's title.
function sayTrouble(html) {
  const place = document.getElementById("trouble");
  if (!place || place.innerHTML.trim() === html) return;
  place.innerHTML = html;
  for (const button of document.querySelectorAll("[data-starts]")) {
    button.dataset.starts = html ? "never" : "";
    button.disabled = Boolean(html || button.title);
  }
}

let announcement;

export function announce(text) {
  clearTimeout(announcement);
  if (text) announcement = setTimeout(() => (document.getElementById("announcer").textContent = text), ANNOUNCEMENT_DELAY_MILLISECONDS);
}
