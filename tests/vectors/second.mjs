// A second writing of smalt/trust/status.py, for comparison: node second.mjs < [{claim, events, now}, …] prints the verdicts.
const RANK = ["verified", "contract", "attested", "stale", "inconclusive", "expired", "failing"];
const rank = (part) => RANK.indexOf(part.state);
const says = (state, since = null, proved_at = null, good_until = null, reason = "", then = "") => ({ state, since, proved_at, good_until, reason, then });
const why = (state, reason, since) => says(state, since, null, null, reason);
const ended = (state, until, at) => says(state, until, at, until);
const least = (parts, key) => parts.reduce((one, part) => (key(part) < key(one) ? part : one));

function followed(before, { outcome, reason, about }, at) {
  const same = before?.outcome === outcome ? before : null;
  const trail = { outcome, at, reason, began: same?.began ?? at, failed: null, about: {}, gaps: [] };
  if (outcome === "passed") {
    for (const id in about) trail.about[id] = same?.about[id]?.[0] === about[id] ? same.about[id] : [about[id], at];
    if (same) trail.gaps = [...same.gaps.filter(([gap]) => gap > at - same.at), [at - same.at, at]];
  } else if (outcome === "failed") trail.failed = before?.failed ?? at;
  else if (before && before.failed !== null) Object.assign(trail, { failed: before.failed, reason: before.reason });
  return trail;
}

export function folded(events, now) {
  const checks = {}, answers = {}, gone = {};
  let features, bound = Infinity;
  const clock = ({ kind, at }) => (/result|run/.test(kind) ? (bound = Math.min(at, bound)) : at);
  const timed = [...events].sort((a, b) => b.index - a.index).map((event) => [event, clock(event)]).reverse();
  for (const [event, at] of timed) {
    const { kind, claim, check, version, until } = event, last = answers[claim];
    const proves = kind === "attestation" || event.outcome === "passed";
    if (proves && at > now + 300) continue;
    const seen = proves ? at : Math.min(at, now);
    if (kind === "result") checks[check] = followed(checks[check], event, seen);
    else if (kind === "deployment") features = event.features;
    else if (kind === "withdrawal" && !(version <= gone[claim]?.version)) gone[claim] = { ...event, at: seen };
    else if (kind === "attestation" && !(at < last?.at || (at === last?.at && until > last.until))) answers[claim] = event;
  }
  return { checks, answers, gone, features };
}

function ofCheck(name, { id, digest, fresh_for_s: fresh }, trail, now) {
  if (!trail) return why("inconclusive", `${name} has not run yet.`);
  const { at, reason, failed, outcome, began, gaps } = trail, until = at + fresh;
  if (failed !== null) return why("failing", reason, failed);
  if (outcome !== "passed") return why("inconclusive", reason, began);
  if (trail.about[id]?.[0] !== digest) return why("inconclusive", `${name} has not run since this claim was changed.`);
  if (now >= until) return ended("stale", until, at);
  const paused = gaps.filter(([gap]) => gap > fresh).map(([, end]) => end);
  return says("verified", Math.max(trail.about[id][1], ...paused), at, until, "", "stale");
}

function ofAnswer({ id, digest, kind }, made, now) {
  if (made?.about[id] !== digest) return why("inconclusive", `Nobody has answered for this ${made ? "since it was changed" : "yet"}.`);
  const { at, until } = made;
  return now >= until ? ended("expired", until, at) : says(kind, at, at, until, "", "expired");
}

export function verdict(claim, { checks, answers, gone, features }, now) {
  const left = gone[claim.id], { kind, planned_for: due } = claim;
  if (left?.version >= claim.version) return why("withdrawn", left.reason, left.at);
  if (claim.applies && features && !features.includes(claim.applies)) return why("not_applicable", "This installation has no such part.");
  if (kind === "planned") return now < due ? says("planned", null, null, due, "", "overdue") : says("overdue", due);
  const parts = claim.checks.map((name) => ofCheck(name, claim, checks[name], now));
  if (kind !== "verified") parts.push(ofAnswer(claim, answers[claim.id], now));
  if (!parts.length) return why("inconclusive", "Nothing proves this.");
  const worst = Math.max(...parts.map(rank)), proofs = parts.map((part) => part.proved_at).filter(Number);
  const proved_at = proofs.length ? Math.min(...proofs) : null;
  if (worst > 2) return { ...least(parts.filter((part) => rank(part) === worst), (part) => part.since ?? 0), proved_at };
  const end = least(parts, (part) => part.good_until - (part.then === "expired" ? 0.5 : 0));
  return { ...end, state: RANK[worst], since: Math.max(...parts.map((part) => part.since)), proved_at };
}

let text = "";
for await (const part of process.stdin) text += part;
const cases = JSON.parse(text);
process.stdout.write(JSON.stringify(cases.map(({ claim, events, now }) => verdict(claim, folded(events, now), now))));
