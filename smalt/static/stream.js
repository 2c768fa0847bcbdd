// Server-sent events over fetch (EventSource cannot POST).

/** The events of a stream, in order. Comments (heartbeats) are skipped. */
export async function* events(reply) {
  if (!reply.body) return;
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      held += value ?? "";
      let cut;
      while ((cut = /\r?\n\r?\n/.exec(held))) {
        const event = parsed(held.slice(0, cut.index));
        held = held.slice(cut.index + cut[0].length);
        if (event) yield event;
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parsed(block) {
  let event = "message";
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
  }
  return data.length ? { event, data: JSON.parse(data.join("\n")) } : null;
}
