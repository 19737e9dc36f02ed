"use strict";

// Left: the tape, a row for each op, those of a scope under a row that opens. What is in a scope
// is made when it is opened, and dropped when it is closed.

const SMALL = 1000; // a tape of fewer ops is open all over
const MOST_HITS = 200; // of more, only the first are shown

const opened = new Set(
  data.scopes.filter(({ repeats }) => ops.length < SMALL && !repeats).map(({ path }) => path),
);
const folds = new Map(); // those in sight, by key: { row, inside, paths, rows, open }
const opRows = new Map(); // those in sight, by op
let query = "";
let hits = []; // ops that a search found
let hitPaths = new Set(); // the scopes around those that are shown

function buildTape() {
  roveWithArrows(byId("rows"), ".row");
  byId("search").addEventListener("input", () => search(byId("search").value));
  byId("search").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !hits.length) return;
    const next = hits[countUpTo(hits, here().op)] ?? hits[0];
    if (next !== here().op) moveToOp(next, Infinity);
  });
  byId("rows").append(...rowsOf("", 0));
}

/** Scopes that the cursor is in are open as long as it is there. */
const isOpen = (key, paths) =>
  Boolean(query) || opened.has(key) || paths.some((path) => isWithin(here().op, path));

/** The rows of a scope's own ops and of the scopes in it, by when they ran first. */
function rowsOf(path, level) {
  const scope = scopes.get(path);
  const isShown = new Set(hits.slice(0, MOST_HITS));
  const own = scope.ops
    .filter((n) => !query || isShown.has(n))
    .map((n) => ({ first: n, rows: () => [opRow(n, level)] }));
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
    run.flatMap((p) =>
      foldRows(p, scopes.get(p).name, [p], level + 1, () => rowsOf(p, level + 2)),
    ),
  );
}

function foldRows(key, label, paths, level, rows) {
  if (query && !paths.some((path) => hitPaths.has(path))) return [];
  const total = (field) => paths.reduce((sum, path) => sum + scopes.get(path)[field], 0);
  const [n, saved] = [total("n"), total("saved")];
  const row = el(
    "div.row.fold",
    { role: "treeitem", tabindex: -1, "aria-level": level + 1, "data-key": key, style: `--level:${level}` },
    el("span.what", {}, el("span.mark", { "aria-hidden": "true" }, "▸"), label),
    el("span.shape", {}, n > 1 ? counted(n, "op") : ""),
    el("span.saved", {}, saved && n > 1 ? bytes(saved) : ""),
  );
  const toggle = () => {
    if (!opened.delete(key)) opened.add(key);
    drawTape();
  };
  row.addEventListener("click", toggle);
  row.addEventListener("dblclick", () => openScope(paths[0]));
  row.addEventListener("keydown", (event) => event.key === "Enter" && toggle());
  const fold = { row, inside: el("div.inside", { role: "group" }), paths, rows, open: null };
  folds.set(key, fold);
  setOpen(fold, isOpen(key, paths));
  return [row, fold.inside];
}

function setOpen(fold, open) {
  if (fold.open === open) return;
  fold.open = open;
  fold.row.classList.toggle("open", open);
  fold.row.setAttribute("aria-expanded", open);
  fold.inside.hidden = !open;
  for (const row of fold.inside.querySelectorAll(".row")) forget(row.dataset);
  fold.inside.replaceChildren(...(open ? fold.rows() : []));
}

const forget = ({ key, op }) => (key === undefined ? opRows.delete(Number(op)) : folds.delete(key));

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
  markRow(n);
  return row;
}

function markRow(n) {
  const { op, back } = here();
  const row = opRows.get(n);
  if (!row) return;
  mark(row, { current: n === op, past: back ? backAt.get(n) < state.at : n < op });
  if (n === op) row.setAttribute("aria-current", "step");
  else row.removeAttribute("aria-current");
}

let texts = null; // what a search looks into, by op; made at the first

const textOf = ({ name, scope, number, operands }) =>
  [name, scope, number, ...operands.map(({ tensor }) => (tensor === null ? "" : tensors[tensor].name))]
    .join("\n")
    .toLowerCase();

function search(text) {
  query = text.trim().toLowerCase();
  texts ??= ops.map(textOf);
  hits = query ? [...texts.keys()].filter((n) => texts[n].includes(query)) : [];
  hitPaths = new Set(hits.slice(0, MOST_HITS).flatMap((n) => chain(scopeOfOp[n])));
  const shown = hits.length > MOST_HITS ? `, the first ${MOST_HITS} are shown` : "";
  byId("hits").hidden = !query;
  byId("hits").textContent = `${whole(hits.length)} of ${counted(ops.length, "op")}${shown}`;
  folds.clear();
  opRows.clear();
  byId("rows").replaceChildren(...rowsOf("", 0));
  drawTape();
}

let marked = { op: 0, back: false }; // the moment that the rows show

function drawTape() {
  const { op, back } = here();
  for (const [key, fold] of folds) setOpen(fold, isOpen(key, fold.paths));
  const turned = back !== marked.back;
  const [first, last] = turned ? [0, ops.length - 1] : [Math.min(op, marked.op), Math.max(op, marked.op)];
  for (let n = first; n <= last; n += 1) markRow(n);
  marked = here();
  if (!byId("rows").querySelector('[tabindex="0"]')) byId("rows").querySelector(".row")?.setAttribute("tabindex", 0);
  const current = opRows.get(op);
  if (current) bringIntoView(byId("rows"), current, 24);
}
