"use strict";

// Left: the tape, a row for each op, those of a scope under a row that opens.

const opened = new Set(data.scopes.filter((scope) => !scope.repeats).map((scope) => scope.path));
const folds = []; // rows that open: { key, row, inside, paths }
const opRows = new Map();
let query = "";

/** Scopes that the cursor is in are open as long as it is there. */
const isOpen = ({ key, paths }) =>
  Boolean(query) || opened.has(key) || paths.some((path) => isWithin(ops[here().op], path));

function buildTape() {
  byId("rows").append(...rowsOf("", 0));
  roveWithArrows(byId("rows"), ".row:not([hidden])");
  setTabStop(opRows.values(), null);
  byId("search").addEventListener("input", () => search(byId("search").value));
  byId("search").addEventListener("keydown", (event) => {
    const next = hits().find((n) => event.key === "Enter" && n !== here().op && isNewHit(n));
    if (next !== undefined) moveToOp(next, Infinity);
  });
}

/** The rows of a scope's own ops and of the scopes in it, by when they ran first. */
function rowsOf(path, level) {
  const scope = scopes.get(path);
  const own = scope.ops.map((n) => ({ first: n, rows: () => [opRow(n, level)] }));
  const below = scope.children
    .filter((child) => !scopes.get(child).repeats?.index)
    .map((child) => ({ first: scopes.get(child).first, rows: () => scopeRows(child, level) }));
  return [...own, ...below].sort((a, b) => a.first - b.first).flatMap(({ rows }) => rows());
}

/** A scope, or a run of scopes that do the same under one row. */
function scopeRows(path, level) {
  const { name, parent, repeats } = scopes.get(path);
  if (!repeats) return foldRows(path, name, [path], level, () => rowsOf(path, level + 1));
  const run = scopes.get(parent).children.filter((p) => scopes.get(p).repeats?.like === path);
  const label = `${name} … ${scopes.get(run.at(-1)).name} × ${run.length}`;
  return foldRows(`run ${path}`, label, run, level, () =>
    run.map((p) =>
      foldRows(p, scopes.get(p).name, [p], level + 1, () => rowsOf(p, level + 2)),
    ),
  );
}

function foldRows(key, label, paths, level, rows) {
  const inside = el("div.inside", { role: "group" }, rows());
  const within = paths.flatMap(opsWithin);
  const saved = within.reduce((sum, op) => sum + op.saved_bytes, 0);
  const row = el(
    "div.row.fold",
    { role: "treeitem", tabindex: -1, "aria-level": level + 1, "data-key": key, style: `--level:${level}` },
    el("span.what", {}, el("span.mark", { "aria-hidden": "true" }, "▸"), label),
    el("span.shape", {}, within.length > 1 ? counted(within.length, "op") : ""),
    el("span.saved", {}, saved && within.length > 1 ? bytes(saved) : ""),
  );
  const fold = { key, row, inside, paths };
  const toggle = () => {
    if (!opened.delete(key)) opened.add(key);
    drawTape();
  };
  row.addEventListener("click", toggle);
  row.addEventListener("dblclick", () => openScope(paths[0]));
  row.addEventListener("keydown", (event) => event.key === "Enter" && toggle());
  folds.push(fold);
  return [row, inside];
}

function opRow(n, level) {
  const op = ops[n];
  const go = () => moveToOp(n, Infinity);
  const row = el(
    "div.row.op",
    {
      role: "treeitem",
      tabindex: -1,
      "aria-level": level + 1,
      "data-op": n,
      style: `--level:${level}`,
      title: op.scope ? `${op.name} in ${op.scope}` : op.name,
      onclick: go,
      onkeydown: (event) => event.key === "Enter" && go(),
    },
    el("span.what", {}, el("span.number", {}, n), op.name),
    el("span.shape", {}, tensors[op.output].shape.join("×") || "scalar"),
    el("span.saved", {}, op.saved_bytes ? bytes(op.saved_bytes) : ""),
  );
  opRows.set(n, row);
  return row;
}

const matches = (op) =>
  [op.name, op.scope, String(op.number), ...op.operands.map((x) => x.tensor !== null && tensors[x.tensor].name)]
    .some((text) => text && text.toLowerCase().includes(query));

const hits = () => ops.filter(matches).map((op) => op.number);

/** Enter goes through the hits in order, and round. */
const isNewHit = (n) => n > here().op || !hits().some((hit) => hit > here().op);

function search(text) {
  query = text.trim().toLowerCase();
  byId("hits").hidden = !query;
  byId("hits").textContent = `${whole(hits().length)} of ${counted(ops.length, "op")}`;
  for (const [n, row] of opRows) row.hidden = Boolean(query) && !matches(ops[n]);
  drawTape();
}

function drawTape() {
  const { op, back } = here();
  for (const [n, row] of opRows) {
    row.classList.toggle("current", n === op);
    row.classList.toggle("past", back ? backAt.get(n) < state.at : n < op);
    if (n === op) row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
  }
  for (const fold of folds) {
    const open = isOpen(fold);
    fold.inside.hidden = !open;
    fold.row.classList.toggle("open", open);
    fold.row.setAttribute("aria-expanded", open);
    fold.row.hidden = Boolean(query) && !fold.paths.some((path) => opsWithin(path).some(matches));
  }
  if (!opRows.get(op).hidden) bringIntoView(byId("rows"), opRows.get(op), 24);
}
