// Files on their way into the library: two at a time, each with its row, each cancellable.
import { follow, upload } from "./upload.js";
import { call, paths } from "./api.js";

const AT_ONCE = 2;
let running = 0;
/** @type {(() => Promise<void>)[]} */
const waiting = [];

async function next() {
  if (running >= AT_ONCE) return;
  const work = waiting.shift();
  if (!work) return;
  running += 1;
  await work().finally(() => (running -= 1));
  next();
}

/** Sends files and shows each one's way. */
export function take(files, rowFor) {
  for (const file of files) {
    const control = new AbortController();
    /** @type {Doc | null} */
    let stored = null;
    const row = rowFor(file, async () => {
      control.abort();
      if (stored) await call("DELETE", paths.document(stored.id)).catch(() => null);
      row.gone();
    });
    waiting.push(async () => {
      if (control.signal.aborted) return;
      try {
        const doc = await upload(file, row.sent, control.signal);
        stored = doc;
        row.doc(doc);
        follow(doc, row.doc, control.signal);
      } catch (error) {
        if (!control.signal.aborted) row.broke(error);
      }
    });
    next();
  }
}
addEventListener("beforeunload", (event) => {
  if (running) event.preventDefault();
});
