// htmx with two swap styles of our own, for parts of a page that a learner is reading while they change.
//
// `morph` turns the old content of an element into the new one and leaves alone what has not changed: open details, selections,
// scroll positions. `append` adds rows, but never one that is already there: after a reconnect a row may come twice.
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";

window.htmx = htmx; // extensions look for it there

const keepOpen = (name, node) => !(name === "open" && node.localName === "details");

function morph(target, fragment) {
  const callbacks = { beforeAttributeUpdated: keepOpen };
  Idiomorph.morph(target, [...fragment.childNodes], { morphStyle: "innerHTML", callbacks });
}

function append(target, fragment) {
  for (const node of [...fragment.childNodes]) {
    if (node.id && document.getElementById(node.id)) node.remove();
  }
  target.append(...fragment.childNodes);
}

htmx.defineExtension("parts", {
  isInlineSwap: () => false, // a fragment is the content of the element it names, not the element itself
  handleSwap(style, target, fragment) {
    if (style === "morph") morph(target, fragment);
    else if (style === "append") append(target, fragment);
    else return false;
    return [target];
  },
});
