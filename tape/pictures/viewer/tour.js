"use strict";

// The guided tour: a lesson's texts, each with the cursor at the op that it speaks of.

function buildTour() {
  byId("take-tour").hidden = !lesson;
  if (!lesson) return;
  byId("take-tour").textContent = "Take the tour";
  byId("take-tour").title = lesson.title;
  byId("tour-title").textContent = lesson.title;
  byId("take-tour").addEventListener("click", () => takeStep(state.tour ?? 0));
  byId("tour-next").addEventListener("click", () => takeStep(state.tour + 1));
  byId("tour-previous").addEventListener("click", () => takeStep(state.tour - 1));
  byId("tour-close").addEventListener("click", () => change({ tour: null }));
}

function takeStep(step) {
  if (step >= lesson.steps.length) return change({ tour: null });
  state.tour = Math.max(step, 0);
  return moveTo(lesson.steps[state.tour].position, Infinity);
}

function drawTour() {
  const taken = state.tour !== null;
  byId("tour").hidden = !taken;
  if (!taken) return;
  const { steps } = lesson;
  byId("tour-place").textContent = `${state.tour + 1} of ${steps.length}`;
  if (byId("tour-text").textContent !== steps[state.tour].text) byId("tour-text").textContent = steps[state.tour].text;
  byId("tour-previous").disabled = state.tour === 0;
  byId("tour-next").textContent = state.tour === steps.length - 1 ? "Done" : "Next";
}
