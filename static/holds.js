// The choice of hold points: one box for all of them, a count, and a memory for the page's visit. Everything else of a held run is
// a form, and its stream.
import { tabMemory } from "./memory.js";

export function startHolds() {
  for (const place of document.querySelectorAll("[data-hold-points]")) {
    const all = place.querySelector("[data-hold-all]");
    const points = [...place.querySelectorAll("input[name=hold]")];
    const count = place.querySelector("[data-hold-count]");
    const key = `holds:${place.closest("[data-card]").id}`;

    const show = () => {
      const chosen = points.filter((point) => point.checked).length;
      all.checked = chosen === points.length;
      all.indeterminate = chosen > 0 && chosen < points.length;
      count.hidden = chosen === 0;
      count.textContent = String(chosen);
    };
    const remember = () => {
      const chosen = points.filter((point) => point.checked).map((point) => point.value);
      tabMemory.set(key, JSON.stringify(chosen));
      show();
    };

    all.addEventListener("change", () => {
      for (const point of points) point.checked = all.checked;
      remember();
    });
    for (const point of points) point.addEventListener("change", remember);
    points[0].form.addEventListener("submit", () => (place.open = false)); // what is held comes in its place
    const remembered = JSON.parse(tabMemory.get(key) ?? "[]");
    for (const point of points) point.checked = remembered.includes(point.value);
    show();
  }
}
