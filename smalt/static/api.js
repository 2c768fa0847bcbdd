// Calls to the server. Every failure is a Problem with the three sentences: happened, kept, todo.

export class Problem extends Error {
  constructor(facts) {
    super(facts.code ?? "unknown");
    /** @type {ProblemFacts} */
    this.facts = {
      status: facts.status ?? 0,
      code: facts.code ?? "unknown",
      happened: facts.happened || "Something went wrong.",
      kept: facts.kept ?? "",
      todo: facts.todo ?? "",
    };
  }
}

const UNREACHABLE = {
  code: "network.unreachable",
  happened: "The server cannot be reached.",
  kept: "What you typed is still here.",
  todo: "Check the connection and try again.",
};

/** A problem out of a parsed problem+json body. */
export function problemOf(body, status) {
  const said = body && typeof body === "object" ? body : {};
  return new Problem({ ...said, status, happened: said.happened || said.detail || said.title || `The server answered ${status}.` });
}

/** A request to the own origin; throws Problem for anything but success. `once` sends an Idempotency-Key */
export async function send(method, path, how = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: how.accept ?? "application/json" };
  if (how.json !== undefined) headers["Content-Type"] = "application/json";
  if (how.once) headers["Idempotency-Key"] = crypto.randomUUID();
  /** @type {Response} */
  let reply;
  try {
    const body = how.json === undefined ? undefined : JSON.stringify(how.json);
    reply = await fetch(path, { method, headers, body, signal: how.signal, keepalive: how.keepalive, credentials: "same-origin" });
  } catch (error) {
    if (how.signal?.aborted) throw error;
    throw new Problem(UNREACHABLE);
  }
  if (reply.ok) return reply;
  throw problemOf(await reply.json().catch(() => null), reply.status);
}

/** The JSON that a call answers, null for an empty body. */
export async function call(method, path, how) {
  const text = await (await send(method, path, how)).text();
  return text ? JSON.parse(text) : null;
}

const seg = (id) => encodeURIComponent(id);

/** Pages are counted from 0. */
export const paths = {
  conversations: "/api/v1/conversations",
  conversation: (id) => `/api/v1/conversations/${seg(id)}`,
  messages: (id) => `/api/v1/conversations/${seg(id)}/messages`,
  cancel: (id, turn) => `/api/v1/conversations/${seg(id)}/messages/${seg(turn)}/cancel`,
  documents: "/api/v1/documents",
  document: (id) => `/api/v1/documents/${seg(id)}`,
  events: (id) => `/api/v1/documents/${seg(id)}/events`,
  page: (id, n) => `/api/v1/documents/${seg(id)}/pages/${n}`,
  image: (id, n) => `/api/v1/documents/${seg(id)}/pages/${n}.png`,
};
