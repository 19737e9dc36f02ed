"""Scopes with more in them than a picture can show, divided into parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tape.views.graph import OpNode
from tape.views.scopes import Scope

Item = OpNode | Scope


@dataclass(slots=True)
class Part(Scope):
    """A run of a scope's ops, and of scopes in it, that a picture shows as one box.

    It is a scope like another, but no op names it.
    """


def is_divided(scope: Scope) -> bool:
    """Whether it is a part, or has parts."""
    return any(isinstance(each, Part) for each in (scope, *scope.children))


def in_parts(scope: Scope, limit: int) -> Scope:
    """The tree of a scope with at most `limit` ops and scopes in each; what is more is in parts."""
    return _divide(scope, limit, {each.path for each in scope.walk()})


def _divide(scope: Scope, limit: int, paths: set[str]) -> Scope:
    children = [_divide(child, limit, paths) for child in scope.children]
    items: list[Item] = sorted([*scope.own_ops, *children], key=lambda item: _ops(item)[0].number)
    while len(items) > limit:
        runs = [items[start : start + limit] for start in range(0, len(items), limit)]
        items = [_part(run, scope.path, paths) if len(run) > 1 else run[0] for run in runs]
    return replace(scope, own_ops=_own(items), children=_below(items))


def _part(run: list[Item], around: str, paths: set[str]) -> Part:
    ops = sorted((op for item in run for op in _ops(item)), key=lambda op: op.number)
    name = f"#{ops[0].number} … #{ops[-1].number}"
    path = f"{around} {name}".strip()
    while path in paths:
        path += "'"
    paths.add(path)
    return Part(path, name, _own(run), _below(run), ops)


def _ops(item: Item) -> list[OpNode]:
    return item.ops if isinstance(item, Scope) else [item]


def _own(items: list[Item]) -> list[OpNode]:
    return [item for item in items if isinstance(item, OpNode)]


def _below(items: list[Item]) -> list[Scope]:
    return [item for item in items if isinstance(item, Scope)]
