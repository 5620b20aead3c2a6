// Puts a stage on every card of the page and feeds them from the page's one stream, or from what the page brings with it.
//
// The stage is a module of its own, `stage.js`: the page names its address, so that its content's hash is part of it.

import { LiveSource } from "./stream.js";

const ANNOUNCEMENT_DELAY_MILLISECONDS = 400; // several steps come at once; the last one is read

export async function startStages() {
  const cards = [...document.querySelectorAll("[data-card]")];
  if (cards.length === 0) return;
  const { mountStage } = await import(document.querySelector("meta[name=stage]").content);
  const options = { words: document.getElementById("words").dataset, language: document.documentElement.lang, announce };
  const stages = new Map(cards.map((card) => [card.id, mountStage(card, options)]));
  for (const card of cards) {
    const brought = card.querySelector("script[data-frames]");
    if (brought) stages.get(card.id).take(JSON.parse(brought.textContent));
  }
  follow(document.querySelector("[data-stream]")?.dataset.stream, stages);
  showRecordings(cards, stages);
}

// A card that was never run shows its recording, fetched when the card comes into sight. A run of the learner's own takes its place.
function showRecordings(cards, stages) {
  const seen = new IntersectionObserver((entries) => {
    for (const { target } of entries.filter(({ isIntersecting }) => isIntersecting)) {
      seen.unobserve(target);
      fetch(target.dataset.recording)
        .then((answer) => (answer.ok ? answer.json() : null))
        .then((message) => message && "recording" in target.dataset && stages.get(target.id).take(message))
        .catch(() => seen.observe(target)); // offline: tried again when it comes into sight the next time
    }
  });
  for (const card of cards) if (card.dataset.recording) seen.observe(card);
}

function follow(url, stages) {
  if (!url) return;
  const source = new LiveSource(url);
  source.addEventListener("frames", ({ data }) => {
    const message = JSON.parse(data);
    delete document.getElementById(message.card)?.dataset.recording;
    stages.get(message.card)?.take(message);
  });
  source.addEventListener("end", () => source.close());
}

let announcement;

export function announce(text) {
  clearTimeout(announcement);
  if (text) announcement = setTimeout(() => (document.getElementById("announcer").textContent = text), ANNOUNCEMENT_DELAY_MILLISECONDS);
}
