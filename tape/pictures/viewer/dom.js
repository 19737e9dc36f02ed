"use strict";

// Making elements, and moving the focus among them.

const SVG = "http://www.w3.org/2000/svg";

/** The element with that id. */
const byId = (id) => document.getElementById(id);

/**
 * An HTML element. Strings among the children become text, never markup.
 * @param {string} tag - "div", or with classes "div.note.loud"
 * @param {Object<string, *>} [attributes] - "on…" are listeners; null and false are left out
 */
function el(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return fill(document.createElement(name), classes, attributes, children);
}

/** An SVG element, as `el` makes HTML ones. */
function svg(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return fill(document.createElementNS(SVG, name), classes, attributes, children);
}

function fill(element, classes, attributes, children) {
  element.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== null && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== false));
  return element;
}

/**
 * One tab stop for many elements: ↑ ↓ Home End move the focus among them.
 * @param {Element} container
 * @param {string} selector - of the elements, in their order in the document
 */
function roveWithArrows(container, selector) {
  const step = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };
  container.addEventListener("keydown", (event) => {
    const from = event.target.closest(selector);
    if (!from || !(event.key in step)) return;
    const all = [...container.querySelectorAll(selector)];
    const to = all[clamp(all.indexOf(from) + step[event.key], 0, all.length - 1)];
    setTabStop(all, to);
    to.focus();
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Make `chosen`, or else the first, the one that Tab reaches. */
function setTabStop(elements, chosen) {
  for (const element of elements) {
    const wanted = element === (chosen ?? elements[0]) ? "0" : "-1";
    if (element.getAttribute("tabindex") !== wanted) element.setAttribute("tabindex", wanted);
  }
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Scroll `container` so that `element` is in it, and no further than that needs. */
function bringIntoView(container, element, margin) {
  const outer = container.getBoundingClientRect();
  const inner = element.getBoundingClientRect();
  const by = (low, high, innerLow, innerHigh) => {
    if (innerLow >= low + margin && innerHigh <= high - margin) return 0;
    return (innerLow + innerHigh - low - high) / 2;
  };
  container.scrollBy({
    left: by(outer.left, outer.right, inner.left, inner.right),
    top: by(outer.top, outer.bottom, inner.top, inner.bottom),
    behavior: calm() || state.playing ? "instant" : "smooth",
  });
}
