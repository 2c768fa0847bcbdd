// How a state ends by itself, as smalt/trust/status.py says it; both are held to tests/vectors/status.json.
export const aged = ({ state, good_until, then }, now) => (then && now >= good_until ? then : state);
