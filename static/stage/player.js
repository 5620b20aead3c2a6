// Time that passes on the page: a run played at its real speed, and a countdown that is on screen. Nothing ticks otherwise.

const TICK_MILLISECONDS = 100; // of a countdown
const FOLD_SECONDS = 0.7; // a folded stretch is passed in so long

export class Player {
  // frame(seconds since the last one) is called while playing; tick() while counting.
  constructor({ frame, tick }) {
    this.frame = frame;
    this.tick = tick;
    this.playing = false;
    this.counting = false;
    this.visible = true;
    document.addEventListener("visibilitychange", () => this.arm());
  }

  watch(element) {
    new IntersectionObserver((entries) => {
      this.visible = entries.at(-1).isIntersecting;
      this.arm();
    }).observe(element);
  }

  play() {
    this.playing = true;
    this.last = performance.now();
    requestAnimationFrame((now) => this.animate(now));
  }

  pause() {
    this.playing = false;
  }

  animate(now) {
    if (!this.playing) return;
    const passed = Math.min(0.25, (now - this.last) / 1000);
    this.last = now;
    this.frame(passed);
    requestAnimationFrame((next) => this.animate(next));
  }

  count(counting) {
    this.counting = counting;
    this.arm();
  }

  arm() {
    const wanted = this.counting && this.visible && !document.hidden;
    if (!wanted) {
      clearTimeout(this.timer);
      this.timer = undefined;
    } else {
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.tick();
        this.arm();
      }, TICK_MILLISECONDS);
    }
  }
}

// How far a moment moves in some seconds of playing: as far as in life, but quickly over what the picture folds.
export function advanced(axis, t, seconds) {
  const fold = axis.foldAt(t);
  return fold ? t + (seconds * (fold.to - fold.from)) / FOLD_SECONDS : t + seconds;
}
