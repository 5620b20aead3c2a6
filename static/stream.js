// The page's one stream of server-sent events: an EventSource that never gives up.
//
// It resumes after the last event it saw, so that nothing is lost; it reconnects when nothing, not even a heartbeat, has come for
// a while; and it lets go while the page is hidden, because a browser has only six connections for all its pages of the lab.
const SILENCE_MILLISECONDS = 25_000; // the server's heartbeat comes every 10 s
const FIRST_RETRY_MILLISECONDS = 500;
const LONGEST_RETRY_MILLISECONDS = 8_000;
const UNNOTICED_MILLISECONDS = 1_500; // an interruption that is over sooner is nobody's concern

export class LiveSource extends EventTarget {
  // Resumes after an event that another source of the same address has seen.
  constructor(url, lastEventId = "") {
    super();
    this.url = url;
    this.readyState = EventSource.CONNECTING;
    this.lastEventId = lastEventId;
    this.retry = FIRST_RETRY_MILLISECONDS;
    this.names = new Set();
    this.forward = (event) => this.receive(event);
    this.onVisibility = () => (document.hidden ? this.suspend() : this.connect());
    document.addEventListener("visibilitychange", this.onVisibility);
    window.addEventListener("online", this.onVisibility);
    if (!document.hidden) queueMicrotask(() => this.connect());
  }

  addEventListener(name, listener, options) {
    super.addEventListener(name, listener, options);
    if (this.names.has(name)) return;
    this.names.add(name);
    this.source?.addEventListener(name, this.forward);
  }

  connect() {
    if (this.readyState === EventSource.CLOSED || this.source) return;
    clearTimeout(this.timer);
    const url = new URL(this.url, location.href);
    if (this.lastEventId) url.searchParams.set("after", this.lastEventId);
    this.source = new EventSource(url);
    this.source.onopen = () => this.opened();
    this.source.onerror = () => this.lost();
    for (const name of new Set([...this.names, "heartbeat", "ready", "stopping", "full"])) this.source.addEventListener(name, this.forward);
    this.watch();
  }

  opened() {
    this.readyState = EventSource.OPEN;
    this.watch();
    this.onconnected?.();
  }

  receive(event) {
    this.watch();
    const words = document.getElementById("words")?.dataset;
    this.why = event.type === "stopping" ? words?.stopping : event.type === "full" ? JSON.parse(event.data) : "";
    if (event.type === "full") this.retry = LONGEST_RETRY_MILLISECONDS;
    else {
      this.retry = FIRST_RETRY_MILLISECONDS;
      announceConnection(true);
    }
    if (event.lastEventId) this.lastEventId = event.lastEventId;
    this.dispatchEvent(new MessageEvent(event.type, { data: event.data, lastEventId: event.lastEventId }));
  }

  lost() {
    this.suspend();
    if (this.readyState === EventSource.CLOSED) return;
    this.readyState = EventSource.CONNECTING;
    announceConnection(false, this.why);
    if (document.hidden) return;
    this.timer = setTimeout(() => this.connect(), this.retry * (0.75 + Math.random() / 2));
    this.retry = Math.min(this.retry * 2, LONGEST_RETRY_MILLISECONDS);
  }

  suspend() {
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.source?.close();
    this.source = null;
  }

  watch() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lost(), SILENCE_MILLISECONDS);
  }

  close() {
    this.suspend();
    this.readyState = EventSource.CLOSED;
    document.removeEventListener("visibilitychange", this.onVisibility);
    window.removeEventListener("online", this.onVisibility);
  }
}

let notice;

// Says below the page that the connection is lost, or why there is none, until it is back.
function announceConnection(connected, why) {
  document.documentElement.toggleAttribute("data-offline", !connected);
  const words = document.getElementById("words")?.dataset;
  const bar = document.getElementById("connection");
  if (!bar || !words) return;
  clearTimeout(notice);
  if (connected) bar.textContent = "";
  else notice = setTimeout(() => (bar.textContent = why || bar.textContent || words.offline), UNNOTICED_MILLISECONDS);
}
