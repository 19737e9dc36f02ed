"use strict";

// Put it all together, and begin where the address says.

function buildHeader() {
  byId("title").textContent = data.title;
  byId("alarm").hidden = !nonfinite.length;
  if (nonfinite.length) {
    const { op, back } = moments[nonfinite[0]];
    byId("alarm").textContent = `NaN or infinity ${back ? "on the way back" : "forward"}, first at op ${op}`;
    byId("alarm").addEventListener("click", toNextNonfinite);
  }
  byId("theme").addEventListener("click", () => change({ theme: isDark() ? "light" : "dark" }));
}

const isDark = () => (state.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function drawHeader() {
  const { op, back } = here();
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  document.documentElement.dataset.way = back ? "back" : "forward";
  byId("theme").setAttribute("aria-label", isDark() ? "Light colours" : "Dark colours");
  byId("facing").textContent = back ? "← walking back" : "forward →";
  byId("announce").textContent = `${back ? "Back" : "Forward"}: op ${op}, ${ops[op].name}${ops[op].scope ? ` in ${ops[op].scope}` : ""}`;
}

function start() {
  if (!moments.length) {
    byId("title").textContent = data.title;
    byId("stage").append(el("p.empty", {}, "This tape is empty: no op was recorded."));
    return;
  }
  for (const build of [buildHeader, buildTape, buildOverlay, buildGraph, buildFlow, buildTimeline, buildTour, buildKeys]) build();
  for (const draw of [drawHeader, drawTape, drawGraph, drawFlow, drawCard, drawTimeline, drawTour, drawKeys]) onChange(draw);
  const kept = readAddress();
  if (nonfinite.length && kept.at === undefined) moveTo(nonfinite[0], Infinity);
  else change(kept);
  window.addEventListener("hashchange", () => change({ ...initial, ...readAddress() }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawHeader);
}

start();
