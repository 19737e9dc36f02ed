"use strict";

// What the page shows now, how it changes, and how the address keeps it.

/**
 * @property {number} at - the cursor: an index into the moments
 * @property {string} scope - the path of the scope that the graph shows
 * @property {number} depth - how many levels down the reader wants to look as the cursor moves
 * @property {string} overlay - what colours the graph
 * @property {string} panel - "graph" or "flow"
 * @property {?number} tensor - the leaf whose card is shown, if not the op at the cursor
 * @property {?number} tour - the step of the tour, null if it is not being taken
 * @property {?string} theme - "light" or "dark" if chosen
 */
const state = {
  at: 0,
  scope: "",
  depth: 0,
  overlay: "none",
  panel: "graph",
  tensor: null,
  tour: null,
  theme: null,
  playing: false,
};

const views = [];

/** Have `draw` called after every change. */
const onChange = (draw) => views.push(draw);

function change(patch) {
  Object.assign(state, patch);
  for (const draw of views) draw();
  keepInAddress();
}

const here = () => moments[state.at];

/** Put the cursor somewhere; the graph follows it, as far down as the reader wants to look. */
function moveTo(at, depth = state.depth) {
  const place = clamp(at, 0, moments.length - 1);
  const around = chain(scopeOfOp[moments[place].op]);
  const scope = around[Math.min(depth, around.length - 1)];
  change({ at: place, depth, scope, tensor: null });
}

/** To an op, on the way that the cursor is on if it leads through there. */
function moveToOp(n, depth) {
  moveTo((here().back && backAt.get(n)) || forwardAt.get(n), depth);
}

const openScope = (path) =>
  change({ scope: path, depth: chain(path).length - 1, panel: "graph", tensor: null });

function goUp() {
  const { parent } = scopes.get(state.scope);
  if (parent !== null) openScope(parent);
}

/** The next stretch of ops in one scope, or the start of this one and then of the one before. */
function moveByScope(direction) {
  const next = stretches[countUpTo(stretches, state.at)] ?? moments.length - 1;
  const previous = stretches[countUpTo(stretches, state.at - 1) - 1] ?? 0;
  moveTo(direction > 0 ? next : previous);
}

function turnRound() {
  const { op, back } = here();
  if (back) return moveTo(forwardAt.get(op));
  if (!walked) return notify("There is no way back yet: call tape.backward(loss) first.");
  if (!backAt.has(op)) return notify("The walk back did not come through this op.");
  return moveTo(backAt.get(op));
}

function toNextNonfinite() {
  if (!traced) return notify("Values were not looked at: record with Tape(trace=True).");
  if (!nonfinite.length) return notify("Every value on this tape is finite.");
  return moveTo(nonfinite[countUpTo(nonfinite, state.at)] ?? nonfinite[0]);
}

let noticeTimer = 0;

/** Say something for a few seconds. */
function notify(text) {
  byId("notice").textContent = text;
  byId("notice").hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => (byId("notice").hidden = true), 5000);
}

const initial = { ...state };
const kept = ["at", "scope", "depth", "overlay", "panel", "tensor", "tour", "theme"];

let addressTimer = 0;

/** Browsers refuse an address that changes too often: wait until the reader pauses. */
function keepInAddress() {
  clearTimeout(addressTimer);
  if (location.protocol === "about:") return; // in a notebook's frame, which has no address
  addressTimer = setTimeout(() => {
    const differing = kept.filter((key) => state[key] !== initial[key]);
    const fields = new URLSearchParams(differing.map((key) => [key, state[key]]));
    history.replaceState(null, "", `#${fields}`);
  }, 250);
}

/** The state that the address holds; what makes no sense on this tape is left out. */
function readAddress() {
  const fields = new URLSearchParams(location.hash.slice(1));
  const below = (n) => (text) => (/^\d+$/.test(text) && Number(text) < n ? Number(text) : null);
  const among = (values) => (text) => (values.includes(text) ? text : null);
  const readers = {
    at: below(moments.length),
    scope: among([...scopes.keys()]),
    depth: (text) => (text === "Infinity" ? Infinity : below(Infinity)(text)),
    overlay: among(Object.keys(overlays)),
    panel: among(["graph", "flow"]),
    tensor: below(tensors.length),
    tour: below(lesson?.steps.length ?? 0),
    theme: among(["light", "dark"]),
  };
  const found = kept.map((key) => [key, fields.has(key) ? readers[key](fields.get(key)) : null]);
  return Object.fromEntries(found.filter(([, value]) => value !== null));
}
