// The lifelines of two runs on one time axis, so that what happened at the same time after the anchor stands at the same place.

export async function startComparison() {
  const sides = [...document.querySelectorAll("[data-compared]")];
  if (sides.length === 0) return;
  const { Axis, mountStage } = await import(document.querySelector("meta[name=stage]").content);
  const known = new Map(); // what each side asks of the axis, in the shared time: seconds since the anchor
  const stages = sides.map((side) => {
    const makeAxis = (own) => {
      const anchor = side.dataset.anchor === "delete" ? (own.deleted ?? 0) : 0;
      known.set(side, shifted(own, -anchor));
      return new AnchoredAxis(new Axis(united([...known.values()])), anchor);
    };
    const options = { words: document.getElementById("words").dataset, language: document.documentElement.lang, makeAxis };
    return mountStage(side, options);
  });
  sides.forEach((side, at) => stages[at].take(JSON.parse(side.querySelector("[data-compared-frames]").textContent)));
  // The first was drawn before the second was known.
  requestAnimationFrame(() => requestAnimationFrame(() => stages[0].redraw()));
}

function shifted({ times, graces, unused, idle, width }, by) {
  const pair = ([from, to]) => [from + by, to + by];
  return {
    times: times.map((t) => t + by),
    graces: graces.map(pair),
    unused: unused.map((left) => ({ ...left, from: left.from + by, to: left.to + by })),
    idle: idle.map(pair),
    width,
  };
}

function united(all) {
  return {
    times: [...new Set(all.flatMap(({ times }) => times))].sort((a, b) => a - b),
    graces: all.flatMap(({ graces }) => graces),
    unused: all.flatMap(({ unused }) => unused),
    idle: all.flatMap(({ idle }) => idle),
    width: all.at(-1).width,
  };
}

// One run's view of the shared axis: its own seconds since Run.
class AnchoredAxis {
  constructor(shared, anchor) {
    this.shared = shared;
    this.anchor = anchor;
  }

  get width() {
    return this.shared.width;
  }

  get folds() {
    return this.shared.folds.map((fold) => ({ ...fold, from: fold.from + this.anchor, to: fold.to + this.anchor }));
  }

  x(t) {
    return this.shared.x(t - this.anchor);
  }

  t(x) {
    return this.shared.t(x) + this.anchor;
  }

  foldAt(t) {
    return this.folds.find((fold) => t >= fold.from && t < fold.to);
  }

  ticks(origin) {
    return this.shared.ticks(origin - this.anchor).map((tick) => ({ ...tick, t: tick.t + this.anchor }));
  }
}
