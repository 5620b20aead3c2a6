// Words and figures in the picture: filled-in sentences, seconds, and how wide a text will be.

export const escape = (text) =>
  String(text).replace(/[&<>"']/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c]);

export const fill = (sentence, values) => String(sentence ?? "").replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

const DECIMAL_BELOW_SECONDS = 60;

export class Figures {
  constructor(language) {
    this.unit = language.startsWith("zh") ? "秒" : "s";
  }

  // 3.0 s; 75 s from a minute on.
  seconds(value) {
    return `${value < DECIMAL_BELOW_SECONDS ? value.toFixed(1) : value.toFixed(0)} ${this.unit}`;
  }

  // As it stands in a manifest: 30 s.
  whole(value) {
    return `${Number.isInteger(value) ? value : value.toFixed(1)} ${this.unit}`;
  }

  offset(value) {
    return `${value < 0 ? "−" : "+"}${this.seconds(Math.abs(value))}`;
  }

  tick(value) {
    if (value >= 60 && value % 60 === 0) return `+${value / 60} ${this.unit === "s" ? "min" : "分"}`;
    return `${value < 0 ? "−" : "+"}${Math.abs(Number(value.toFixed(1)))} ${this.unit}`;
  }
}

export const LABEL_PIXELS = 11;
const NARROW = 0.602; // of the monospaced face, in ems
const WIDE = 1;

export function widthOf(text, pixels = LABEL_PIXELS) {
  let ems = 0;
  for (const character of text) ems += character.codePointAt(0) > 0x2e7f ? WIDE : NARROW;
  return ems * pixels;
}

// The text cut to a width, "" when nothing worth reading would be left.
export function cut(text, width, pixels = LABEL_PIXELS) {
  if (widthOf(text, pixels) <= width) return text;
  let room = width - widthOf("…", pixels);
  let kept = "";
  for (const character of text) {
    room -= widthOf(character, pixels);
    if (room < 0) break;
    kept += character;
  }
  return kept.length > 3 ? `${kept.trimEnd()}…` : "";
}
