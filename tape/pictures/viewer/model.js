"use strict";

// What the page is about: the description of the tape, and what follows from it.

const data = JSON.parse(byId("data").textContent);
const { ops, tensors, rules } = data.graph;
const { moments, lesson } = data;

const walked = moments.some((moment) => moment.back);
const traced = tensors.some((tensor) => tensor.portrait);

/** Where the cursor stands at an op, on the way forward and on the way back. */
const forwardAt = new Map();
const backAt = new Map();
moments.forEach((moment, at) => (moment.back ? backAt : forwardAt).set(moment.op, at));

/** The ops that read each tensor; an op that reads it twice is there once. */
const readers = new Map(tensors.map((tensor) => [tensor.number, []]));
for (const op of ops) {
  for (const tensor of new Set(op.operands.map((operand) => operand.tensor))) {
    if (tensor !== null) readers.get(tensor).push(op);
  }
}

const scopes = new Map(data.scopes.map((scope) => [scope.path, scope]));
const scopeOfOp = new Map(
  data.scopes.flatMap((scope) => scope.ops.map((op) => [op, scope.path])),
);

/** The scopes around a scope and itself, from the root inwards. */
function chain(path) {
  const scope = scopes.get(path);
  return scope.parent === null ? [path] : [...chain(scope.parent), path];
}

const isWithin = (op, path) => chain(scopeOfOp.get(op.number)).includes(path);

/** All ops in a scope and below, in tape order. */
const opsWithin = (path) => ops.filter((op) => isWithin(op, path));

const pathName = (path) => path || "the whole tape";

const isNonfinite = (portrait) => Boolean(portrait && (portrait.nan || portrait.infinite));

/** Whether what an op made, or on the way back what it sent, has a NaN or an infinity. */
function isNonfiniteAt({ op: n, back }) {
  const op = ops[n];
  if (!back) return isNonfinite(tensors[op.output].portrait);
  return op.operands.some((operand) => isNonfinite(operand.cotangent));
}

const nonfinite = [...moments.keys()].filter((at) => isNonfiniteAt(moments[at]));

const roles = ["parameters", "inputs", "saved", "cotangents", "gradients"];
const heldAt = (at) => roles.reduce((sum, role) => sum + moments[at][role], 0);
const peak = [...moments.keys()].reduce((best, at) => (heldAt(at) > heldAt(best) ? at : best), 0);

/** Runs of moments that are in one scope and lead one way, by where they start. */
const stretches = [...moments.keys()].filter((at) => {
  const [here, before] = [moments[at], moments[at - 1]];
  if (!before || here.back !== before.back) return true;
  return scopeOfOp.get(here.op) !== scopeOfOp.get(before.op);
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
