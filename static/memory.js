// What the browser keeps for the learner, for this tab or for longer. In a frame of another site it may keep nothing: then what is
// said is remembered for as long as the page stands.
class Memory {
  constructor(name) {
    this.kept = new Map();
    try {
      this.storage = window[name];
    } catch {
      this.storage = null; // the browser denies it
    }
  }

  get(key) {
    return this.storage ? this.storage.getItem(key) : (this.kept.get(key) ?? null);
  }

  set(key, text) {
    if (this.storage) this.storage.setItem(key, text);
    else this.kept.set(key, text);
  }

  forget(key) {
    this.storage?.removeItem(key);
    this.kept.delete(key);
  }
}

export const tabMemory = new Memory("sessionStorage");
export const longMemory = new Memory("localStorage");
