"use strict";

// Numbers and sizes as text.

/** Four significant digits: 0.01234, 1.234e-7, 12340. */
function number(value) {
  const [digits, exponent] = value.toPrecision(4).split("e");
  const short = digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
  if (exponent !== undefined) return `${short}e${Number(exponent)}`;
  return value !== 0 && Math.abs(value) < 1e-4 ? exponential(value) : short;
}

function exponential(value) {
  const [digits, exponent] = value.toExponential(3).split("e");
  return `${digits.replace(/\.?0+$/, "")}e${Number(exponent)}`;
}

const whole = (value) => value.toLocaleString("en");

function scaled(value, base, units) {
  let i = 0;
  while (value >= base && i < units.length - 1) {
    value /= base;
    i += 1;
  }
  return `${i === 0 ? value : Number(value.toPrecision(3))} ${units[i]}`;
}

const bytes = (value) => scaled(value, 1024, ["B", "KiB", "MiB", "GiB"]);

const flops = (value) => scaled(value, 1000, ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"]);

const milliseconds = (value) =>
  value < 1 ? `${Number((value * 1000).toPrecision(3))} µs` : `${Number(value.toPrecision(3))} ms`;

/** "2 × 64 × 64", and "scalar" of no axes. */
const shape = (axes) => (axes.length ? axes.join(" × ") : "scalar");

const counted = (n, what) => `${whole(n)} ${what}${n === 1 ? "" : "s"}`;
