"use strict";

// Gradient flow: a bar for each parameter, in the order in which the model reads them.

function buildFlow() {
  byId("tab-graph").addEventListener("click", () => change({ panel: "graph" }));
  byId("tab-flow").addEventListener("click", () => change({ panel: "flow" }));
}

/** The bars are made when they are first looked at. */
function drawFlow() {
  if (state.panel !== "flow" || byId("flow").hasChildNodes()) return;
  const parameters = tensors.filter((tensor) => tensor.role === "parameter");
  const known = parameters.filter((tensor) => tensor.gradient);
  if (!known.length) {
    const missing = [!traced && "record with Tape(trace=True)", !walked && "call tape.backward(loss)"];
    const how = missing.filter(Boolean).join(", and ");
    byId("flow").append(el("p.empty", {}, `No gradients are known: ${how}.`));
    return;
  }
  const logs = known.map((tensor) => tensor.gradient.norm).filter((norm) => norm > 0).map(Math.log10);
  const least = logs.reduce((a, b) => Math.min(a, b), Infinity);
  const low = Math.floor(least);
  const high = Math.ceil(logs.reduce((a, b) => Math.max(a, b), least + 1));
  const share = (norm) => (norm > 0 ? Math.max((Math.log10(norm) - low) / (high - low), 0.01) : 0);
  byId("flow").append(
    el("p.note", {}, `|gradient| of each parameter, from 1e${low} to 1e${high} by powers of ten, and beside it |gradient| / |parameter|.`),
    el("div.flow-rows", { role: "list" }, parameters.map((tensor) => flowRow(tensor, share))),
  );
}

function flowRow(tensor, share) {
  const { gradient } = tensor;
  const ratio = gradientRatio(tensor);
  return el(
    "button.flow-row",
    { type: "button", role: "listitem", "data-tensor": tensor.number, onclick: () => change({ tensor: tensor.number }) },
    el("span.name", {}, tensorName(tensor.number)),
    el("span.bar", {}, el("span.fill", { style: `width:${gradient ? 100 * share(gradient.norm) : 0}%` })),
    el("span.number", {}, gradient ? datum("norm", gradient.norm) : "none"),
    el("span.number", {}, ratio === null ? "" : datum("ratio", ratio)),
  );
}
