"""The mutants of a file: copies of it in which one token or term of one function is another."""

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from textwrap import dedent

import parso
from cosmic_ray.operators.operator import Operator
from parso.tree import BaseNode, NodeOrLeaf

from .operators import OPERATORS, replaced

UNTOUCHED = ("decorator", "decorators", "fstring", "import_from", "import_name", "raise_stmt")
"""Samples, which are the tests; messages; what only names things."""


@dataclass(frozen=True)
class Mutant:
    """One changed copy of a file.

    Attributes
    ----------
    file : str
        Its path from the root of the repository.
    function : str
        The outermost function that was changed, "softmax" or "Tape.backward".
    before, after : str
        The lines that differ.
    nth : int
        2 where the same change of the same lines comes for the second time in the function.
    source : str
        The whole file, changed.
    """

    file: str
    function: str
    before: str
    after: str
    nth: int
    source: str

    @property
    def identity(self) -> tuple[str, str, str, str, int]:
        """What stays the same when lines move."""
        return self.file, self.function, self.before, self.after, self.nth

    @property
    def module(self) -> str:
        return self.file.removesuffix(".py").replace("/", ".")

    @property
    def key(self) -> str:
        """A digest of the file as it has become."""
        return hashlib.sha256(f"{self.file}\n{self.source}".encode()).hexdigest()


def mutants_of(root: Path, file: str) -> list[Mutant]:
    """Every mutant of the functions and classes of a file, each once."""
    source = (root / file).read_text()
    known, times, mutants = {_canonical(source)}, Counter(), []
    start = 0
    for part in parso.parse(source).children:
        code = part.get_code()
        head, tail = source[:start], source[start + len(code) :]
        start += len(code)
        if part.type not in ("funcdef", "classdef", "decorated"):
            continue
        for function, variant in variants(code):
            canonical = _canonical(head + variant + tail)
            if canonical in known:
                continue
            known.add(canonical)
            change = (function, *_difference(code, variant))
            times[change] += 1
            mutants.append(Mutant(file, *change, times[change], head + variant + tail))
    return mutants


def variants(code: str, operators: Sequence[Operator] = OPERATORS) -> Iterator[tuple[str, str]]:
    """The function that is changed, and the code, for every way to change it."""
    places = [
        (i, operator, index)
        for i, node in enumerate(_nodes(parso.parse(code)))
        for operator in operators
        for index, _ in enumerate(operator.mutation_positions(node))
    ]
    for i, operator, index in places:
        tree = parso.parse(code)
        node = list(_nodes(tree))[i]
        function, siblings = _function_of(node), node.parent.children
        changed = operator.mutate(node, index)
        if changed is not node:
            place = next(k for k, sibling in enumerate(siblings) if sibling is node)
            siblings[place] = replaced(node, changed.get_code().strip())
        if _is_python(tree.get_code()):
            yield function, tree.get_code()


def _canonical(source: str) -> str:
    """The same for sources that differ only in what changes no result.

    `strict` is an assertion, and to `reshape` any negative number is -1.
    """
    return re.sub(r", strict=\w+", "", source).replace("reshape(-2", "reshape(-1")


def _nodes(node: NodeOrLeaf) -> Iterator[NodeOrLeaf]:
    """The nodes that may be changed."""
    for child in node.children if isinstance(node, BaseNode) else ():
        if child.type in UNTOUCHED or _is_annotation(child):
            continue
        if node.type != "parameters" or child.type == "param":  # `/` and `*` are no operators
            yield child
            yield from _nodes(child)


def _is_annotation(node: NodeOrLeaf) -> bool:
    marks = {"annassign": ":", "funcdef": "->"}
    mark = getattr(node.get_previous_sibling(), "value", None)
    return node.type == "tfpdef" or (mark is not None and marks.get(node.parent.type) == mark)


def _function_of(node: NodeOrLeaf) -> str:
    names = []
    while node is not None:
        if node.type == "funcdef":
            names = [node.name.value]
        elif node.type == "classdef":
            names = [node.name.value, *names]
        node = node.parent
    return ".".join(names)


def _is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def _difference(code: str, changed: str) -> tuple[str, str]:
    """The lines that differ."""
    old, new = code.splitlines(), changed.splitlines()
    head = _n_shared(old, new)
    tail = _n_shared(old[head:][::-1], new[head:][::-1])
    return tuple(dedent("\n".join(lines[head : len(lines) - tail])) for lines in (old, new))


def _n_shared(old: list[str], new: list[str]) -> int:
    """How many lines are the same before the first that is not."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
