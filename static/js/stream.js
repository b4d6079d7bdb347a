// Hears the server-sent events of a page. What was missed while it could not is asked for by the
// cursor, and what was heard already is not told again.

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 5_000;
/** The server pings every 5 s; after this long without a word the page may be old. */
const STALE_AFTER = 12_000;
/** A cut line may never tell: after this long we hang up and call again. */
const DEAD_AFTER = 30_000;
/** A page that nobody sees lets its line go: a browser has only six for a server. */
const HIDDEN_AFTER = 30_000;

export class Stream {
  /** `watcher` has onChange(data), onEnd(data, cursor), onStatus(word, detail). */
  constructor(url, cursor, watcher) {
    this.url = url;
    this.cursor = cursor;
    this.watcher = watcher;
    this.failures = 0;
    this.mode = "live";
    this.over = false;
    this.hiddenSince = null;
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
    addEventListener("online", () => this.source ?? this.open());
    document.addEventListener("visibilitychange", () => this.look());
    setInterval(() => this.look(), 1_000);
    this.open();
  }

  open() {
    this.close();
    if (this.over) return;
    const url = new URL(this.url, location.href);
    url.searchParams.set("after", this.cursor);
    const source = new EventSource(url);
    this.source = source;
    this.heardAt = performance.now();
    source.addEventListener("open", () => this.heard());
    source.addEventListener("ping", (event) => this.heard(JSON.parse(event.data)));
    source.addEventListener("change", (event) => this.change(JSON.parse(event.data)));
    source.addEventListener("end", (event) => this.end(JSON.parse(event.data)));
    source.addEventListener("error", () => this.retry());
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  heard(data) {
    this.heardAt = performance.now();
    if (data) this.failures = 0;
    this.mode = data?.mode ?? this.mode;
    this.watcher.onStatus(this.mode);
  }

  change(data) {
    this.heard(data);
    if (data.sequence !== undefined) {
      if (data.sequence <= this.cursor) return;
      this.cursor = data.sequence;
    }
    this.watcher.onChange(data);
  }

  end(data) {
    this.over = true;
    this.cursor = Math.max(this.cursor, data.sequence);
    this.close();
    this.watcher.onEnd(data, this.cursor);
  }

  retry() {
    this.close();
    this.failures += 1;
    this.mode = "live";
    this.watcher.onStatus("reconnecting", this.failures);
    const pause = Math.min(FIRST_PAUSE * 2 ** (this.failures - 1), LONGEST_PAUSE);
    this.timer = setTimeout(() => this.open(), pause);
  }

  /** Look whether the line still lives, and whether anybody looks at the page. */
  look() {
    if (this.over) return;
    if (document.hidden) {
      this.hiddenSince ??= performance.now();
      if (performance.now() - this.hiddenSince > HIDDEN_AFTER) this.close();
      return;
    }
    if (this.hiddenSince !== null) {
      const wasLong = performance.now() - this.hiddenSince > HIDDEN_AFTER;
      this.hiddenSince = null;
      if (wasLong) this.open();
    }
    const silent = performance.now() - this.heardAt;
    if (!this.source || silent < STALE_AFTER) return;
    if (silent > DEAD_AFTER) this.retry();
    else this.watcher.onStatus("stale", Math.floor(silent / 1_000));
  }
}
