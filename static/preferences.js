// Light or dark, and the place on the page when the language is changed.
import { tabMemory } from "./memory.js";

const YEAR_SECONDS = 365 * 24 * 3600;
const PLACE = "place";

// keepTheme keeps the choice of light or dark for the next page.
export function startPreferences({ keepTheme = keepInCookie } = {}) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const current = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");

  document.querySelector("[data-theme-toggle]")?.addEventListener("click", () => {
    const theme = current() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    keepTheme(theme);
  });
  for (const link of document.querySelectorAll("[data-language-switch]")) {
    link.addEventListener("click", () => rememberPlace(link));
  }
  returnToPlace();
}

function keepInCookie(theme) {
  document.cookie = `theme=${theme}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
}

// Both languages have the same parts in the same order, but not of the same height: remember the part at the top of the window.
function rememberPlace(link) {
  link.hash = "";
  const parts = [...document.querySelectorAll("main [id^=part-], main [data-card], main h2[id], main h3[id]")];
  const at = parts.filter((part) => part.getClientRects().length > 0 && part.getBoundingClientRect().top < innerHeight / 3).at(-1);
  if (!at || scrollY === 0) return;
  tabMemory.set(PLACE, JSON.stringify({ path: link.pathname, id: at.id, top: at.getBoundingClientRect().top }));
}

function returnToPlace() {
  const saved = tabMemory.get(PLACE);
  tabMemory.forget(PLACE);
  if (!saved) return;
  const { path, id, top } = JSON.parse(saved);
  const part = path === location.pathname && document.getElementById(id);
  if (part) scrollTo({ top: scrollY + part.getBoundingClientRect().top - top, behavior: "instant" });
}
