"use strict";

// The keyboard, and playing the tape by itself.

let player = 0;

function play(playing) {
  clearInterval(player);
  if (playing && state.at === moments.length - 1) moveTo(0);
  if (playing) {
    player = setInterval(() => {
      if (state.at < moments.length - 1) moveTo(state.at + 1);
      else play(false);
    }, calm() ? 1500 : 600);
  }
  change({ playing });
}

const keys = {
  ArrowRight: (shift) => (shift ? moveByScope(1) : moveTo(state.at + 1)),
  ArrowLeft: (shift) => (shift ? moveByScope(-1) : moveTo(state.at - 1)),
  Home: () => moveTo(0),
  End: () => moveTo(moments.length - 1),
  " ": () => play(!state.playing),
  b: turnRound,
  n: toNextNonfinite,
  "/": () => byId("search").focus(),
  "?": () => byId("keys").showModal(),
  Escape: goUp,
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  const { target } = event;
  if (target.matches("input, select")) {
    if (event.key === "Escape") leaveSearch(target);
    return;
  }
  if (event.key === " " && target.matches("button")) return;
  const press = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!press) return;
  event.preventDefault();
  press(event.shiftKey);
}

function leaveSearch(input) {
  if (input.id === "search") {
    input.value = "";
    search("");
  }
  input.blur();
}

function buildKeys() {
  document.addEventListener("keydown", onKey);
  const wire = (id, press) => byId(id).addEventListener("click", press);
  wire("scope-back", () => moveByScope(-1));
  wire("scope-forth", () => moveByScope(1));
  wire("op-back", () => moveTo(state.at - 1));
  wire("op-forth", () => moveTo(state.at + 1));
  wire("play", () => play(!state.playing));
  wire("turn", turnRound);
  wire("help", () => byId("keys").showModal());
}

function drawKeys() {
  byId("play").setAttribute("aria-label", state.playing ? "Pause" : "Play");
  byId("play").querySelector("use").setAttribute("href", state.playing ? "#icon-pause" : "#icon-play");
}
