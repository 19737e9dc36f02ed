"use strict";

// A portrait of an array: its norm and spread, a histogram, and a small heat map.

/** A number as `<data>`: the text is short, the value is all that is known. */
const datum = (key, value, text = number(value)) => el("data", { value, "data-key": key }, text);

/**
 * @param {Portrait} portrait
 * @param {string} of - what it is of, for those who hear the page
 * @param {string} hue - a class: "forward", "cotangent" or "gradient"
 */
function portraitOf(portrait, of, hue) {
  const bad = [
    portrait.nan ? el("span.bad", {}, datum("nan", portrait.nan, whole(portrait.nan)), " NaN") : null,
    portrait.infinite
      ? el("span.bad", {}, datum("infinite", portrait.infinite, whole(portrait.infinite)), " infinite")
      : null,
  ];
  return el(
    `div.portrait.${hue}`,
    { role: "group", "aria-label": `Portrait of ${of}` },
    heatMap(portrait.heat, of),
    el(
      "div.measures",
      {},
      bad,
      portrait.of_magnitudes ? el("span", {}, "of magnitudes:") : null,
      el("span", {}, "norm ", datum("norm", portrait.norm)),
      el("span", {}, "mean ", datum("mean", portrait.mean), " ± ", datum("deviation", portrait.deviation)),
      histogram(portrait),
    ),
  );
}

function histogram({ histogram: counts, low, high }) {
  const most = Math.max(...counts, 1);
  const bars = counts.map((count, i) =>
    svg("rect", { x: i + 0.08, width: 0.84, y: 30 - (30 * count) / most, height: (30 * count) / most }),
  );
  const zero = low < 0 && high > 0 ? (counts.length * -low) / (high - low) : null;
  return el(
    "figure.histogram",
    {},
    svg(
      "svg",
      {
        viewBox: `0 0 ${counts.length} 30`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `Histogram from ${number(low)} to ${number(high)}`,
        "data-counts": counts.join(" "),
      },
      bars,
      zero === null ? null : svg("line.zero", { x1: zero, x2: zero, y1: 0, y2: 30 }),
    ),
    el("figcaption", {}, datum("low", low), datum("high", high)),
  );
}

/** The last axis runs right; the darker a cell, the larger its mean, in one hue for each sign. */
function heatMap(heat, of) {
  const width = heat[0]?.length ?? 0;
  const cells = heat.flatMap((row, y) =>
    row.map((cell, x) =>
      cell === null
        ? svg("rect.none", { x, y, width: 1, height: 1 })
        : svg(`rect.${cell < 0 ? "negative" : "positive"}`, {
            x,
            y,
            width: 1.02,
            height: 1.02,
            "fill-opacity": Math.abs(cell) / 100,
          }),
    ),
  );
  return svg(
    "svg.heat",
    {
      viewBox: `0 0 ${width} ${heat.length}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `Heat map of ${of}, ${heat.length} by ${width} cells`,
    },
    cells,
  );
}
