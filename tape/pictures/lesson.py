"""Lessons: texts that go with steps along a tape, and make its page a guided tour."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from tape.pictures.timeline import timeline
from tape.views.graph import Graph

ATTENTION = Path(str(resources.files("tape.pictures") / "lessons" / "attention.json"))
"""How a gradient goes through the attention of a Transformer's first block."""

FIELDS = {"op": str, "scope": str, "backward": bool}


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the cursor stands, by index into the moments, and what there is to say."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Lesson:
    """A title, and stops in the order of the tour."""

    title: str
    steps: tuple[Stop, ...]


def read_lesson(path: str | Path, graph: Graph) -> Lesson:
    """Read a lesson file, and find its steps on a tape.

    The file is JSON: {"title": ..., "steps": [{"step": ..., "text": ...}, ...]}. A step names an op
    and the scope it ran in: {"op": "add", "scope": "blocks.0"}; with "backward": true, on the walk
    back.

    Raises
    ------
    ValueError
        If the file is no lesson, or a step is not on the tape.
    """
    try:
        lesson = json.loads(Path(path).read_text(encoding="utf-8"))
        title, steps = (
            str(lesson["title"]),
            [(each["step"], each["text"]) for each in lesson["steps"]],
        )
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no lesson: {type(error).__name__}: {error}") from None
    positions = {(m.op, m.back): i for i, m in enumerate(timeline(graph))}
    stops = []
    for i, (step, text) in enumerate(steps, 1):
        try:
            place = _find(step, graph), step.get("backward", False)
            if place not in positions:
                raise ValueError(f"the walk back did not come through {step['op']!r}")
        except ValueError as error:
            raise ValueError(f"step {i} of {path}: {error}") from None
        stops.append(Stop(positions[place], str(text)))
    return Lesson(title, tuple(stops))


def _find(step: Any, graph: Graph) -> int:
    """The number of the op that a step names."""
    if not isinstance(step, Mapping) or "op" not in step:
        raise ValueError(f'a step is like {{"op": "add", "scope": "blocks.0"}}, not {step!r}')
    for field, value in step.items():
        if not isinstance(value, FIELDS.get(field, ())):
            raise ValueError(f"a step has no {field!r} like {value!r}")
    scope = step.get("scope", "")
    for op in graph.ops:
        if (op.name, op.scope) == (step["op"], scope):
            return op.number
    where = f"in scope {scope!r}" if scope else "outside all scopes"
    raise ValueError(f"there is no op {step['op']!r} {where}")
