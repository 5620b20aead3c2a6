// The front end of the static edition: the stage with its recordings, statements to judge, search. A classic script, because pages
// opened from a disk may load neither modules nor data by fetch: a recording is a script too, which hands over its message.
import { startCards } from "./cards.js";
import { startLesson } from "./lesson.js";
import { longMemory } from "./memory.js";
import { startPreferences } from "./preferences.js";
import { startSearch } from "./search.js";
import { mountStage } from "./stage.js";
import { announce } from "./stages.js";

const NEAR = "0px 0px 100%"; // a recording is fetched when its card is in sight, or a window below it

startPreferences({ keepTheme: (theme) => longMemory.set("theme", theme) });
startCards();
startLesson();
startSearch();
startRecordings();

function startRecordings() {
  const options = { words: document.getElementById("words").dataset, language: document.documentElement.lang, announce };
  const cards = document.querySelectorAll("[data-card][data-recording]");
  const stages = new Map([...cards].map((card) => [card.id, mountStage(card, options)]));
  self.recorded = (message) => keepingPlace(document.getElementById(message.card), () => stages.get(message.card).take(message));
  const seen = new IntersectionObserver((entries) => {
    for (const { target } of entries.filter(({ isIntersecting }) => isIntersecting)) {
      seen.unobserve(target);
      const script = document.createElement("script");
      script.src = target.dataset.recording;
      document.head.append(script);
    }
  }, { rootMargin: NEAR });
  for (const card of cards) seen.observe(card);
}

// What fills a card that the reader has passed must not push away what they read below it.
function keepingPlace(card, fill) {
  const { top, bottom } = card.getBoundingClientRect();
  fill();
  if (top < 0 && bottom < innerHeight) {
    requestAnimationFrame(() => scrollBy({ top: card.getBoundingClientRect().bottom - bottom, behavior: "instant" })); // once it is drawn
  }
}
