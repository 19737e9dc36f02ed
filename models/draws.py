"""Random numbers that are drawn a second time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tape import Tensor

Source = np.random.Generator | np.random.BitGenerator | np.random.RandomState | random.Random


class Draws:
    """The states of all generators that a value holds, as they are now.

    It looks into containers, objects with attributes, and what functions are bound to.
    """

    def __init__(self, value: Any) -> None:
        self._states = [(source, _state(source)) for source in _sources(value, set())]

    @contextmanager
    def again(self) -> Iterator[None]:
        """Inside, the generators are in these states; then they are again as they were before."""
        before = [(source, _state(source)) for source, _ in self._states]
        try:
            _restore(self._states)
            yield
        finally:
            _restore(before)


def _sources(value: Any, seen: set[int]) -> Iterator[Source]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Source):
        yield value
        return
    if isinstance(value, dict):
        inside = list(value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        inside = list(value)
    elif isinstance(value, partial):
        inside = [value.func, value.args, value.keywords]
    elif isinstance(value, MethodType):
        inside = [value.__self__]
    elif isinstance(value, FunctionType):
        inside = [value.__defaults__, value.__kwdefaults__, *map(_content, value.__closure__ or ())]
    elif isinstance(value, type | ModuleType | np.ndarray | Tensor):
        return
    else:
        inside = list(getattr(value, "__dict__", {}).values())
    for item in inside:
        yield from _sources(item, seen)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a variable that was not assigned
        return None


def _state(source: Source) -> Any:
    if isinstance(source, np.random.Generator):
        return source.bit_generator.state
    if isinstance(source, np.random.BitGenerator):
        return source.state
    return source.get_state() if isinstance(source, np.random.RandomState) else source.getstate()


def _restore(states: list[tuple[Source, Any]]) -> None:
    for source, state in states:
        if isinstance(source, np.random.Generator):
            source.bit_generator.state = state
        elif isinstance(source, np.random.BitGenerator):
            source.state = state
        elif isinstance(source, np.random.RandomState):
            source.set_state(state)
        else:
            source.setstate(state)
