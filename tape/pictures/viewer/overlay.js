"use strict";

// What colours the graph: a number for each box, from nothing to the most in the picture.

const sumOf = (key) => (boxOps) => boxOps.reduce((sum, op) => sum + (op[key] ?? 0), 0);
const root = (portraits) => Math.sqrt(portraits.reduce((sum, { norm }) => sum + norm * norm, 0));

/** The parameters that ops read, each once. */
const parametersOf = (boxOps) =>
  [...new Set(boxOps.flatMap((op) => op.operands.map((operand) => operand.tensor)))]
    .filter((tensor) => tensor !== null && tensors[tensor].role === "parameter")
    .map((tensor) => tensors[tensor]);

/** Of a scope, the norm of all its parameters' gradients; of an op, that of the cotangent. */
function gradientOf(boxOps, leaf) {
  if (leaf) return leaf.gradient && leaf.gradient.norm;
  if (boxOps.length === 1) return tensors[boxOps[0].output].gradient?.norm ?? null;
  const gradients = parametersOf(boxOps).map((tensor) => tensor.gradient).filter(Boolean);
  return gradients.length ? root(gradients) : null;
}

function ratioOf(boxOps, leaf) {
  const known = (leaf ? [leaf] : parametersOf(boxOps)).filter((x) => gradientRatio(x) !== null);
  if (!known.length) return null;
  return root(known.map((x) => x.gradient)) / root(known.map((x) => x.portrait));
}

/** By name: what it is called, how its numbers are written, and the number of a box. */
const overlays = {
  none: { label: "nothing", write: String, of: () => null },
  time: {
    label: "time",
    write: milliseconds,
    of: (boxOps) => sumOf(here().back ? "back_milliseconds" : "milliseconds")(boxOps),
  },
  flops: { label: "FLOPs", write: flops, of: sumOf("flops") },
  saved: { label: "bytes saved", write: bytes, of: sumOf("saved_bytes") },
  gradient: { label: "|gradient|", write: number, of: gradientOf, traced: true },
  ratio: { label: "|gradient| / |parameter|", write: number, of: ratioOf, traced: true },
};

function buildOverlay() {
  byId("overlay").append(
    ...Object.entries(overlays).map(([key, { label }]) => el("option", { value: key }, label)),
  );
  byId("overlay").addEventListener("change", () => change({ overlay: byId("overlay").value }));
}

/** A box's number, null where there is none; it is reckoned once for each way. */
function valueOf({ inside, leaf, values }) {
  const { of, traced: needsTrace } = overlays[state.overlay];
  const key = `${state.overlay} ${here().back}`;
  if (!values.has(key)) {
    const known = state.overlay !== "none" && (inside.length || (leaf && needsTrace));
    values.set(key, known ? of(inside.map((n) => ops[n]), leaf) : null);
  }
  return values.get(key);
}

/** Colour the boxes of a picture, and say what the darkest means. */
function drawOverlay(boxes) {
  const { write, traced: needsTrace } = overlays[state.overlay];
  const values = boxes.map(valueOf);
  const most = Math.max(...values, 0);
  boxes.forEach(({ element, value }, i) => {
    const text = values[i] > 0 ? write(values[i]) : "";
    mark(element, { heated: values[i] > 0 });
    element.style.setProperty("--heat", values[i] > 0 ? values[i] / most : 0);
    if (value.textContent !== text) value.textContent = text;
  });
  byId("overlay").value = state.overlay;
  byId("scale").textContent = scaleText(needsTrace, most, write);
}

function scaleText(needsTrace, most, write) {
  if (state.overlay === "none") return "";
  if (needsTrace && !traced) return "not known: record with Tape(trace=True)";
  return most ? `strongest colour: ${write(most)}` : "nothing of it here";
}
