"use strict";

// Centre: the graph of one scope, drawn by Python; here it is lit, inked and walked.

const pictures = new Map(
  [...document.querySelectorAll('script[type="image/svg+xml"]')].map((text, i) => [data.scopes[i].path, text]),
);
let picture = null; // the one on the stage: { path, element, boxes, edges }
let zoom = null; // null: as large as fits

function buildGraph() {
  const stage = byId("stage");
  roveWithArrows(stage, ".box");
  stage.addEventListener("click", (event) => act(event.target.closest(".box"), false));
  stage.addEventListener("dblclick", (event) => act(event.target.closest(".box"), true));
  stage.addEventListener("keydown", (event) => {
    if (event.key === "Enter") act(event.target.closest(".box"), true);
  });
  const zoomBy = (factor) => () => {
    zoom = clamp((zoom ?? fitting()) * factor, 0.1, 4);
    resize();
  };
  byId("zoom-in").addEventListener("click", zoomBy(1.25));
  byId("zoom-out").addEventListener("click", zoomBy(0.8));
  byId("zoom-fit").addEventListener("click", () => {
    zoom = null;
    resize();
  });
  new ResizeObserver(resize).observe(stage);
}

/** Put a scope's picture on the stage. */
function show(path) {
  if (picture?.path === path) return;
  const holder = el("template");
  holder.innerHTML = pictures.get(path).textContent;
  const element = holder.content.firstElementChild;
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", `Graph of ${pathName(path)}`);
  const boxes = [...element.querySelectorAll(".box")].map(boxOf);
  const byBox = new Map(boxes.map((box) => [box.element.dataset.box, box]));
  const edges = [...element.querySelectorAll(".edge")].map((edge) => edgeOf(edge, byBox.get(edge.dataset.head), path));
  picture = { path, element, boxes, edges };
  byId("stage").replaceChildren(element);
  zoom = null;
  resize();
}

/** A box with what a step needs to know of it; it can be reached by keyboard. */
function boxOf(element) {
  const inside = element.dataset.ops ? element.dataset.ops.split(" ").map(Number) : [];
  const leaf = element.classList.contains("leaf") ? tensors[element.dataset.tensor] : null;
  const width = Number(element.querySelector("rect").getAttribute("width"));
  const saving = inside.filter((n) => ops[n].saved_bytes);
  const value = svg("text.value", { x: width, y: -4 });
  element.setAttribute("role", "button");
  element.setAttribute("aria-label", element.querySelector("title").textContent);
  element.append(value);
  if (saving.length) element.append(svg("circle.dot", { cx: width - 8, cy: 8, r: 3 }));
  return {
    element,
    value,
    inside,
    leaf,
    has: new Set(inside),
    reached: span(leaf ? readers[leaf.number] : inside),
    saving: span(saving),
    bad: { false: traced && inside.some((op) => isNonfiniteAt({ op })), true: traced && inside.some((op) => isNonfiniteAt({ op, back: true })) },
    values: new Map(),
  };
}

/** Of ops in tape order: the first, and where the walk back is through the first of them and all. */
function span(numbers) {
  const back = numbers.map((n) => backAt.get(n) ?? Infinity);
  return {
    first: numbers[0] ?? Infinity,
    back: back.reduce((least, at) => Math.min(least, at), Infinity),
    done: back.reduce((most, at) => Math.max(most, at), numbers.length ? -Infinity : Infinity),
  };
}

/** An edge with those that read its tensor at its head. */
function edgeOf(element, head, path) {
  const all = readers[element.dataset.tensor];
  let reading;
  if (head.element.classList.contains("to")) reading = all.filter((n) => !isWithin(n, path));
  else if (head.inside.length === 1) reading = head.inside;
  else if (all.length < head.inside.length) reading = all.filter((n) => head.has.has(n));
  else reading = head.inside.filter((n) => ops[n].operands.some((x) => x.tensor === Number(element.dataset.tensor)));
  return { element, carries: element.dataset.back === "1", reached: span(reading) };
}

/** A click shows what a box is; a second one, or Enter, opens the scope that it stands for. */
function act(element, open) {
  if (!element) return;
  const { inside, leaf } = picture.boxes.find((box) => box.element === element);
  const { scope, there } = element.dataset;
  if (element.classList.contains("op")) moveToOp(inside[0]);
  else if (leaf) change({ tensor: leaf.number });
  else if (open) openScope(scope ?? scopeOfOp[there]);
  else if (scope !== undefined) moveToOp(nearest(inside));
}

/** Of the ops in a scope, the cursor's, or where the cursor would come in. */
function nearest(inside) {
  if (inside.includes(here().op)) return here().op;
  return here().back ? inside.findLast((n) => backAt.has(n)) ?? inside.at(-1) : inside[0];
}

function drawGraph() {
  const flow = state.panel === "flow";
  byId("stage").hidden = byId("graph-tools").hidden = flow;
  byId("flow").hidden = !flow;
  for (const [id, chosen] of [["tab-graph", !flow], ["tab-flow", flow]]) {
    byId(id).setAttribute("aria-selected", chosen);
  }
  drawBreadcrumb();
  show(state.scope);
  byId("stage").classList.toggle("back", here().back);
  picture.boxes.forEach(drawBox);
  picture.edges.forEach(drawEdge);
  drawOverlay(picture.boxes);
  const current = picture.boxes.find((box) => box.has.has(here().op))?.element;
  setTabStop(picture.boxes.map((box) => box.element), current);
  if (current && !flow) bringIntoView(byId("stage"), current, 40);
}

const ran = ({ first }) => here().back || first <= here().op;
const wasWalked = ({ back }) => here().back && back <= state.at;
const wasLetGo = ({ done }) => here().back && done <= state.at;

function drawBox({ element, leaf, has, reached, saving, bad }) {
  const { op, back } = here();
  mark(element, {
    current: has.has(op),
    chosen: leaf !== null && leaf.number === state.tensor,
    inked: ran(reached),
    walked: wasWalked(reached),
    bad: bad[back],
    holds: saving.first < Infinity && ran(saving) && !wasLetGo(saving),
    "let-go": wasLetGo(saving),
  });
}

/** An edge is inked once its tensor was read at its head, and again once that op was walked. */
function drawEdge({ element, carries, reached }) {
  mark(element, { inked: ran(reached), walked: carries && wasWalked(reached) });
}

/** Set classes; those that stay are not touched. */
function mark(element, classes) {
  for (const [name, wanted] of Object.entries(classes)) {
    if (element.classList.contains(name) !== Boolean(wanted)) element.classList.toggle(name);
  }
}

function drawBreadcrumb() {
  const around = chain(state.scope);
  byId("breadcrumb").replaceChildren(
    ...around.map((path, i) => {
      const last = i === around.length - 1;
      const name = path ? scopes.get(path).name : data.title;
      return el(
        "button.crumb",
        { type: "button", "aria-current": last ? "location" : null, onclick: () => openScope(path) },
        name,
      );
    }),
  );
}

/** All of the picture, if it can be read then; otherwise a piece that can be. */
function fitting() {
  const { width, height } = picture.element.viewBox.baseVal;
  const { clientWidth, clientHeight } = byId("stage");
  const whole = Math.min((clientWidth - 64) / width, (clientHeight - 64) / height);
  return whole < 0.3 ? 0.8 : Math.min(whole, 1.25);
}

function resize() {
  const shown = picture?.element;
  if (!shown || byId("stage").hidden) return;
  const { width, height } = shown.viewBox.baseVal;
  const factor = zoom ?? fitting();
  shown.setAttribute("width", width * factor);
  shown.setAttribute("height", height * factor);
}
