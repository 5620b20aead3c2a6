// Tells the lab where a learner of a class is, for the instructor's board: the lesson, the part of its text, the example in sight,
// and the step on its stage. Only what has changed is told, and never more often than every two seconds.
const PAUSE_MILLISECONDS = 2_000;
const meta = (name) => document.querySelector(`meta[name=${name}]`)?.content ?? "";

export function startPresence() {
  if (document.getElementById("class-banner")?.dataset.role !== "learner") return;
  const cards = [...document.querySelectorAll("[data-card]")];
  const parts = [...document.querySelectorAll("main [id^=part-], main h2[id], main h3[id], main [data-judgement]")];
  const steps = new Map(); // card → where its stage is
  const inSight = new Set();
  let told = "";
  let timer;

  const here = () => {
    const card = cards.filter((one) => inSight.has(one)).sort((a, b) => middle(a) - middle(b))[0];
    const part = parts.filter((one) => one.getBoundingClientRect().top < innerHeight / 2).at(-1);
    const { run = "", seq } = steps.get(card) ?? {};
    return new URLSearchParams({
      lesson: location.pathname.match(/^\/(?:lessons|challenges)\/([\w-]+)/)?.[1] ?? "",
      part: part?.id || part?.dataset.judgement || "",
      card: card?.id ?? "",
      run,
      seq: seq ?? "",
    });
  };
  const tell = async () => {
    timer = undefined;
    const place = here();
    if (document.hidden || String(place) === told) return;
    told = String(place);
    try {
      await fetch("/here", { method: "POST", headers: { "X-CSRF-Token": meta("csrf-token") }, body: place });
    } catch {
      told = ""; // told the next time that something changes
    }
  };
  const changed = () => (timer ??= setTimeout(tell, PAUSE_MILLISECONDS));

  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) inSight[isIntersecting ? "add" : "delete"](target);
    changed();
  });
  for (const card of cards) seen.observe(card);
  document.addEventListener("stage:moved", ({ target, detail }) => {
    steps.set(target, detail);
    changed();
  });
  document.addEventListener("visibilitychange", changed);
  addEventListener("scroll", changed, { passive: true });
  changed();
}

// How far a card is from where one looks.
function middle(card) {
  const { top, bottom } = card.getBoundingClientRect();
  const eye = innerHeight / 2;
  return top <= eye && bottom >= eye ? 0 : Math.min(Math.abs(top - eye), Math.abs(bottom - eye));
}
