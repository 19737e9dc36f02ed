"use strict";

// Right: the card of the op at the cursor, or of a leaf that was clicked.

const MOST_LINES = 100;

function drawCard() {
  const card = byId("card");
  const parts = state.tensor === null ? opCard(here()) : leafCard(tensors[state.tensor]);
  card.replaceChildren(...parts.flat(Infinity).filter(Boolean));
  card.scrollTop = 0;
}

/** A line for each item, or for the first of many. */
const linesOf = (items, line) => [
  items.slice(0, MOST_LINES).map(line),
  items.length > MOST_LINES ? el("p.note", {}, `and ${whole(items.length - MOST_LINES)} more`) : null,
];

const part = (heading, ...content) => el("section", {}, el("h3", {}, heading), content);

function opCard({ op: n, back }) {
  const op = ops[n];
  const rule = rules[op.rule];
  const output = tensors[op.output];
  return [
    el(
      "header",
      {},
      el("p.kicker", {}, back ? "walking back" : "forward", ` · op ${n} of ${ops.length}`),
      el("h2", { "data-op": n }, op.name),
      el("p.where", {}, op.scope ? el("button.link", { type: "button", onclick: () => openScope(op.scope) }, op.scope) : "outside all scopes"),
      el("p.where", {}, op.line),
    ),
    back ? [cotangentsPart(op, output), formulas(rule, true)] : [formulas(rule, false), part("Result", tensorLine(output), portrayed(output.portrait, "result", "forward"))],
    operandsPart(op),
    savedPart(op),
    costPart(op),
    back ? part("Result", tensorLine(output), portrayed(output.portrait, "result", "forward")) : null,
  ];
}

function formulas(rule, back) {
  const forward = el("div.formula", {}, rule.formula.split("\n\n").map((text) => el("p", {}, text)));
  const vjp = el("div.formula.vjp", {}, (rule.back || "see its source").split("\n\n").map((text) => el("p", {}, text)));
  const source = el("pre", { tabindex: 0, "aria-label": "Source of the VJP" }, el("code", {}, rule.source));
  const parts = [part("Formula", forward), part("VJP: g is the cotangent that comes in", vjp, source)];
  return back ? parts.reverse() : parts;
}

/** Shape, dtype and size, and its name if it has one. */
function tensorLine(tensor, name = tensor.name) {
  return el(
    "p.tensor",
    {},
    name ? el("span.name", {}, name) : null,
    el("span.shape", {}, shape(tensor.shape)),
    el("span.dtype", {}, tensor.dtype),
    el("span.bytes", {}, bytes(tensor.bytes)),
  );
}

const portrayed = (portrait, key, hue, of = `the ${key}`) =>
  portrait
    ? el("div", { "data-of": key }, portraitOf(portrait, of, hue))
    : el("p.note", {}, traced ? "No gradient came here." : "Tape(trace=True) shows the values.");

function operandsPart(op) {
  return part(
    "Operands",
    linesOf(op.operands, (operand) => {
      if (operand.tensor === null) return el("p.tensor", {}, el("span.name", {}, operand.name), "left out");
      const tensor = tensors[operand.tensor];
      const go = () => (tensor.made_by === null ? change({ tensor: tensor.number }) : moveToOp(tensor.made_by, Infinity));
      return el(
        "p.tensor",
        {},
        el("span.name", {}, operand.name),
        el(`button.link.${tensor.role}`, { type: "button", onclick: go }, tensorName(tensor.number)),
        el("span.shape", {}, shape(tensor.shape)),
        el("span.dtype", {}, tensor.dtype),
      );
    }),
  );
}

function savedPart(op) {
  if (!op.saved.length) return part("Saved for the way back", el("p.note", {}, data.graph.watched ? "no array" : "not watched (guard=False)"));
  const at = backAt.get(op.number);
  const gone = here().back && at <= state.at;
  return part(
    "Saved for the way back",
    el(`p.status.${gone ? "freed" : "live"}`, {}, gone ? "let go: this op has been walked" : "held until this op is walked", op.saved_bytes ? [" · ", datum("saved_bytes", op.saved_bytes, bytes(op.saved_bytes))] : " · memory that something else holds too"),
    op.saved.map((array) => el("p.tensor", {}, el("span.name", {}, array.what), el("span.shape", {}, shape(array.shape)), el("span.dtype", {}, array.dtype))),
  );
}

function costPart(op) {
  return part(
    "Cost",
    el(
      "dl.cost",
      {},
      op.milliseconds === null ? null : el("div", {}, el("dt", {}, "forward"), el("dd", {}, datum("milliseconds", op.milliseconds, milliseconds(op.milliseconds)))),
      op.back_milliseconds === null ? null : el("div", {}, el("dt", {}, "back"), el("dd", {}, datum("back_milliseconds", op.back_milliseconds, milliseconds(op.back_milliseconds)))),
      el("div", {}, el("dt", {}, "matrix products"), el("dd", {}, datum("flops", op.flops, flops(op.flops)))),
    ),
  );
}

/** What came in and what goes out to each operand. */
function cotangentsPart(op, output) {
  return [
    part("Cotangent that comes in", tensorLine(output, "g"), portrayed(output.gradient, "cotangent", "cotangent")),
    part(
      "Cotangents that go out",
      linesOf(op.operands.filter((operand) => operand.tensor !== null), outgoing),
    ),
  ];
}

function outgoing(operand, i) {
  const tensor = tensors[operand.tensor];
  if (!operand.wanted) return el("p.tensor.muted", {}, el("span.name", {}, `d${operand.name}`), "not wanted");
  const reading = walkedReaders[tensor.number];
  const others = reading.length - countUpTo(reading, here().op);
  return el(
    "div.outgoing",
    {},
    el(
      "p.tensor",
      {},
      el("span.name", {}, `d${operand.name}`),
      others ? el("span.plus", { title: `adds to what ${counted(others, "op")} sent before` }, "+=") : null,
      summedShape(operand, tensor),
      el("span.to", {}, `to ${tensorName(tensor.number)}`),
    ),
    portrayed(operand.cotangent, `operand ${i}`, "cotangent", `the cotangent of ${operand.name}`),
  );
}

/** The shape that the VJP sent, with the axes marked that broadcasting made and the engine sums. */
function summedShape({ cotangent_shape: sent, summed }, tensor) {
  if (!summed.length) return el("span.shape", {}, shape(tensor.shape));
  const axes = sent.map((n, axis) => (summed.includes(axis) ? el("s", { title: "summed away: broadcasting made this axis" }, n) : String(n)));
  return el("span.shape.summed", {}, axes.flatMap((axis, i) => (i ? [" × ", axis] : [axis])), ` → ${shape(tensor.shape)}`);
}

function leafCard(tensor) {
  const ratio = gradientRatio(tensor);
  return [
    el("header", {}, el("p.kicker", {}, tensor.role), el("h2", { "data-tensor": tensor.number }, tensorName(tensor.number)),
      el("button.link", { type: "button", onclick: () => change({ tensor: null }) }, "back to the op at the cursor")),
    part("Values", tensorLine(tensor, ""), portrayed(tensor.portrait, "values", "forward")),
    tensor.role === "parameter" && part("Gradient", portrayed(tensor.gradient, "gradient", "gradient"), ratio === null ? null : el("p.note", {}, "|gradient| / |parameter| ", datum("ratio", ratio))),
    part("Read by", linesOf(readers[tensor.number], (n) => el("p.tensor", {}, el("span.number", {}, n), el("button.link", { type: "button", onclick: () => moveToOp(n, Infinity) }, ops[n].name), el("span.to", {}, ops[n].scope)))),
  ];
}
