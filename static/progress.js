// Progress: an answer to a statement is remembered, and what a page shows of the progress is asked for again when it has changed.
// Without this module pages show it as of when they were loaded.
import { fetchAgain } from "./again.js";

const meta = (name) => document.querySelector(`meta[name=${name}]`)?.content ?? "";

export function startProgress() {
  document.addEventListener("judged", ({ detail }) => remember(detail));
  document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
    if (detail.successful && target.matches?.("form.editor")) renew();
  });
  for (const card of document.querySelectorAll("[data-card]")) {
    let live = null;
    card.addEventListener("stage:taken", ({ detail }) => {
      if (live === true && !detail.live) renew(); // a run has ended: it can be judged now
      live = detail.live;
    });
  }
}

async function remember({ id, answer }) {
  try {
    await fetchAgain("/progress/judged", {
      method: "POST",
      headers: { "X-CSRF-Token": meta("csrf-token") },
      body: new URLSearchParams({ id, answer }),
    });
    await renew();
  } catch {
    // without the lab the answer is still shown; only its mark is lost
  }
}

async function renew() {
  for (const place of document.querySelectorAll("[data-progress]")) {
    if (place.contains(document.activeElement)) continue;
    const response = await fetchAgain(place.dataset.progress);
    if (!response.ok) continue;
    const html = await response.text();
    if (place.matches("form")) {
      const made = document.createRange().createContextualFragment(html);
      place.replaceWith(made);
      for (const form of document.querySelectorAll("form[data-progress]")) window.htmx.process(form);
    } else place.innerHTML = html;
  }
}
