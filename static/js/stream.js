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
/** When all is over there is little to wait for. */
const HIDDEN_AFTER_END = 2_000;

export class Stream {
  /**
   * `watcher` has onChange(data), onEnd(data, cursor), onGone(), onStatus(word, detail). With `over`
   * all had ended when the page was made; somebody may still begin it anew.
   */
  constructor(url, cursor, watcher, { over = false } = {}) {
    this.url = url;
    this.cursor = cursor;
    this.watcher = watcher;
    this.failures = 0;
    this.mode = "live";
    this.over = over;
    this.gone = false;
    this.hiddenSince = null;
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
    addEventListener("online", () => this.source ?? this.open());
    document.addEventListener("visibilitychange", () => this.look());
    setInterval(() => this.look(), 1_000);
    if (over && document.hidden) this.hiddenSince = performance.now() - HIDDEN_AFTER;
    else this.open();
  }

  open() {
    this.close();
    if (this.gone) return;
    const url = new URL(this.url, location.href);
    url.searchParams.set("after", this.cursor);
    const source = new EventSource(url);
    this.source = source;
    this.heardAt = performance.now();
    source.addEventListener("open", () => this.heard());
    source.addEventListener("ping", (event) => this.heard(JSON.parse(event.data)));
    source.addEventListener("change", (event) => this.change(JSON.parse(event.data)));
    source.addEventListener("end", (event) => this.end(JSON.parse(event.data)));
    source.addEventListener("gone", () => this.leave());
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
    if (!this.over) this.watcher.onStatus(this.mode);
  }

  change(data) {
    const isNew = data.sequence === undefined || data.sequence > this.cursor;
    // What ended goes on; or the change is the last one, and its end is told next.
    if (isNew) this.over = false;
    this.heard(data);
    if (!isNew) return;
    this.cursor = data.sequence ?? this.cursor;
    this.watcher.onChange(data);
  }

  end(data) {
    this.heard();
    this.over = true;
    this.cursor = Math.max(this.cursor, data.sequence);
    this.watcher.onEnd(data, this.cursor);
  }

  /** There is nothing to watch any more. */
  leave() {
    this.gone = true;
    this.close();
    this.watcher.onGone();
  }

  retry() {
    this.close();
    this.failures += 1;
    this.mode = "live";
    if (!this.over) this.watcher.onStatus("reconnecting", this.failures);
    const pause = Math.min(FIRST_PAUSE * 2 ** (this.failures - 1), LONGEST_PAUSE);
    this.timer = setTimeout(() => this.open(), pause);
  }

  /** Look whether the line still lives, and whether anybody looks at the page. */
  look() {
    if (this.gone) return;
    if (document.hidden) {
      this.hiddenSince ??= performance.now();
      const most = this.over ? HIDDEN_AFTER_END : HIDDEN_AFTER;
      if (performance.now() - this.hiddenSince > most) this.close();
      return;
    }
    if (this.hiddenSince !== null) {
      this.hiddenSince = null;
      if (!this.source) this.open();
    }
    const silent = performance.now() - this.heardAt;
    if (!this.source || silent < STALE_AFTER) return;
    if (silent > DEAD_AFTER) this.retry();
    else if (!this.over) this.watcher.onStatus("stale", Math.floor(silent / 1_000));
  }
}
