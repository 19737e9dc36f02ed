"use strict";

// What the page is about: the description of the tape, and what follows from it.

const data = JSON.parse(byId("data").textContent);
const { ops, tensors, rules } = data.graph;
const { lesson } = data;

/** Of a list for each field, an object for each index. */
function rowsOfColumns(columns) {
  const keys = Object.keys(columns);
  return columns[keys[0]].map((_, i) => Object.fromEntries(keys.map((key) => [key, columns[key][i]])));
}

const moments = rowsOfColumns(data.moments);

const walked = moments.some((moment) => moment.back);
const traced = tensors.some((tensor) => tensor.portrait);

/** Where the cursor stands at an op, on the way forward and on the way back. */
const forwardAt = new Map();
const backAt = new Map();
moments.forEach((moment, at) => (moment.back ? backAt : forwardAt).set(moment.op, at));

/** The numbers of the ops that read each tensor; an op that reads it twice is there once. */
const readers = tensors.map(() => []);
for (const op of ops) {
  for (const { tensor } of op.operands) {
    if (tensor !== null && readers[tensor].at(-1) !== op.number) readers[tensor].push(op.number);
  }
}

/** Those through which the walk back came. */
const walkedReaders = readers.map((numbers) => numbers.filter((n) => backAt.has(n)));

/** How many of the numbers in rising order are not above `limit`. */
function countUpTo(numbers, limit) {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** By path, each with its index, that of the first scope after those in it, and what is in it. */
const scopes = new Map(data.scopes.map((scope, index) => [scope.path, { ...scope, index, end: index + 1, n: 0, saved: 0 }]));
const scopeOfOp = [];
for (const scope of [...scopes.values()].reverse()) {
  for (const op of scope.ops) {
    scopeOfOp[op] = scope.path;
    scope.n += 1;
    scope.saved += ops[op].saved_bytes;
  }
  const around = scopes.get(scope.parent);
  if (!around) continue;
  around.end = Math.max(around.end, scope.end);
  around.n += scope.n;
  around.saved += scope.saved;
}

/** The scopes around a scope and itself, from the root inwards. */
function chain(path) {
  const { parent } = scopes.get(path);
  return parent === null ? [path] : [...chain(parent), path];
}

/** Whether an op ran in a scope, or below. */
function isWithin(op, path) {
  const { index, end } = scopes.get(path);
  const at = scopes.get(scopeOfOp[op]).index;
  return index <= at && at < end;
}

const pathName = (path) => path || "the whole tape";

const isNonfinite = (portrait) => Boolean(portrait && (portrait.nan || portrait.infinite));

/** Whether what an op made, or on the way back what it sent, has a NaN or an infinity. */
function isNonfiniteAt({ op: n, back }) {
  const op = ops[n];
  if (!back) return isNonfinite(tensors[op.output].portrait);
  return op.operands.some((operand) => isNonfinite(operand.cotangent));
}

const nonfinite = traced ? [...moments.keys()].filter((at) => isNonfiniteAt(moments[at])) : [];

const roles = ["parameters", "inputs", "saved", "cotangents", "gradients"];
const heldAt = (at) => roles.reduce((sum, role) => sum + moments[at][role], 0);

/** Of the moments from one up to another, that of the most bytes. */
function fullest(from, to) {
  let best = from;
  for (let at = from + 1; at < to; at += 1) if (heldAt(at) > heldAt(best)) best = at;
  return best;
}

const peak = fullest(0, moments.length);

/** Runs of moments that are in one scope and lead one way, by where they start. */
const stretches = [...moments.keys()].filter((at) => {
  const [here, before] = [moments[at], moments[at - 1]];
  if (!before || here.back !== before.back) return true;
  return scopeOfOp[here.op] !== scopeOfOp[before.op];
});

/** A tensor by its name, or by the op that made it. */
function tensorName(number) {
  const tensor = tensors[number];
  if (tensor.name) return tensor.name;
  return tensor.made_by === null ? `${tensor.role} ${number}` : `result of op ${tensor.made_by}`;
}

/** |gradient| / |parameter|, null where there is no telling. */
function gradientRatio(tensor) {
  if (tensor.role !== "parameter" || !tensor.gradient || !tensor.portrait) return null;
  return tensor.portrait.norm ? tensor.gradient.norm / tensor.portrait.norm : null;
}
