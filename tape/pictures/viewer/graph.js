"use strict";

// Centre: the graph of one scope, drawn by Python; here it is lit, inked and walked.

const pictures = new Map(
  [...document.querySelectorAll("#pictures > svg")].map((picture) => [picture.dataset.scope, picture]),
);
let zoom = null; // null: as large as fits

const opsOf = (box) => (box.dataset.ops ? box.dataset.ops.split(" ").map(Number) : []);
const boxesOf = (picture) => [...picture.querySelectorAll(".box")];

function buildGraph() {
  for (const picture of pictures.values()) {
    picture.setAttribute("role", "group");
    for (const box of boxesOf(picture)) prepareBox(box);
  }
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

/** What a box needs to be reached by keyboard, to tell its number, and to show that it holds memory. */
function prepareBox(box) {
  const width = Number(box.querySelector("rect").getAttribute("width"));
  const saved = opsOf(box).some((n) => ops[n].saved_bytes);
  box.setAttribute("role", "button");
  box.setAttribute("aria-label", box.querySelector("title").textContent);
  box.append(svg("text.value", { x: width, y: -4 }));
  if (saved) box.append(svg("circle.dot", { cx: width - 8, cy: 8, r: 3 }));
}

/** A click shows what a box is; a second one, or Enter, opens the scope that it stands for. */
function act(box, open) {
  if (!box) return;
  const { scope, tensor } = box.dataset;
  if (box.classList.contains("op")) moveToOp(opsOf(box)[0]);
  else if (box.classList.contains("leaf")) change({ tensor: Number(tensor) });
  else if (open) openScope(scope);
  else if (box.classList.contains("scope")) moveToOp(nearest(opsOf(box)));
}

/** Of the ops in a scope, the cursor's, or where the cursor would come in. */
function nearest(inside) {
  if (inside.includes(here().op)) return here().op;
  return here().back ? inside.filter((n) => backAt.has(n)).at(-1) ?? inside.at(-1) : inside[0];
}

function drawGraph() {
  const flow = state.panel === "flow";
  byId("stage").hidden = byId("graph-tools").hidden = flow;
  byId("flow").hidden = !flow;
  for (const [id, chosen] of [["tab-graph", !flow], ["tab-flow", flow]]) {
    byId(id).setAttribute("aria-selected", chosen);
  }
  drawBreadcrumb();
  const picture = show(state.scope);
  const boxes = boxesOf(picture);
  byId("stage").classList.toggle("back", here().back);
  picture.setAttribute("aria-label", `Graph of ${pathName(state.scope)}`);
  for (const box of boxes) drawBox(box);
  for (const edge of picture.querySelectorAll(".edge")) drawEdge(edge, picture);
  drawOverlay(boxes);
  const current = picture.querySelector(".box.current");
  setTabStop(boxes, current);
  if (current && !flow) bringIntoView(byId("stage"), current, 40);
}

/** Put a scope's picture on the stage. */
function show(path) {
  const picture = pictures.get(path);
  if (picture.parentElement !== byId("stage")) {
    byId("pictures").append(...byId("stage").children);
    byId("stage").append(picture);
    zoom = null;
    resize();
  }
  return picture;
}

const ran = (n) => here().back || n <= here().op;
const wasWalked = (n) => here().back && backAt.get(n) <= state.at;

function drawBox(box) {
  const inside = opsOf(box);
  const leaf = box.dataset.tensor !== undefined && Number(box.dataset.tensor);
  const { op } = here();
  box.classList.toggle("current", inside.includes(op));
  box.classList.toggle("chosen", leaf !== false && leaf === state.tensor);
  box.classList.toggle("inked", inside.some(ran) || (leaf !== false && readers.get(leaf).some((x) => ran(x.number))));
  box.classList.toggle("walked", inside.some(wasWalked) || (leaf !== false && readers.get(leaf).some((x) => wasWalked(x.number))));
  box.classList.toggle("bad", inside.some((n) => isNonfiniteAt({ op: n, back: here().back })));
  const saving = inside.filter((n) => ops[n].saved_bytes);
  box.classList.toggle("holds", saving.some((n) => ran(n) && !wasWalked(n)));
  box.classList.toggle("let-go", saving.length > 0 && saving.every(wasWalked));
}

/** An edge is inked once its tensor was read at its head, and again once that op was walked. */
function drawEdge(edge, picture) {
  const tensor = Number(edge.dataset.tensor);
  const head = picture.querySelector(`[data-box="${edge.dataset.head}"]`);
  const inside = new Set(opsOf(head));
  const leaving = head.classList.contains("to");
  const reading = readers.get(tensor).filter((op) =>
    leaving ? !isWithin(op, state.scope) : inside.has(op.number),
  );
  edge.classList.toggle("inked", reading.some((op) => ran(op.number)));
  edge.classList.toggle(
    "walked",
    edge.dataset.back === "1" && reading.some((op) => wasWalked(op.number)),
  );
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

function fitting() {
  const { width, height } = byId("stage").firstElementChild.viewBox.baseVal;
  const { clientWidth, clientHeight } = byId("stage");
  return clamp(Math.min((clientWidth - 64) / width, (clientHeight - 64) / height), 0.3, 1.25);
}

function resize() {
  const picture = byId("stage").firstElementChild;
  if (!picture || byId("stage").hidden) return;
  const { width, height } = picture.viewBox.baseVal;
  const factor = zoom ?? fitting();
  picture.setAttribute("width", width * factor);
  picture.setAttribute("height", height * factor);
}
