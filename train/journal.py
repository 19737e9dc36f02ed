"""What happens in a run, line by line, with seals that show whether a line was lost or changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from tape.files import naming, replacing, sync
from train.errors import UserError
from train.seals import SEAL, is_whole, sealed

Event = dict[str, Any]

ENDING = ("story", "final")
"""Events of the end of a run, which is none if the run goes on."""


class Journal:
    """Events, each a JSON object on a line of its own with its "event" and "step".

    An event that is sealed carries a checksum of itself and of all that stands above it.

    Parameters
    ----------
    path : Path
        The file, which is there.
    has_seals : bool
        Whether its seals are asked for: earlier versions had none.
    """

    def __init__(self, path: Path, has_seals: bool = True) -> None:
        self.path, self.has_seals = path, has_seals

    def log(self, event: str, step: int, **values: Any) -> None:
        """Append an event; `step` is the number of updates done."""
        self._append({"event": event, "step": step, **values})

    def seal(self, event: str, step: int, **values: Any) -> None:
        """Append an event that seals all so far, and have the disk hold it."""
        self._append(sealed({"event": event, "step": step, **values}, [self.path.read_bytes()]))
        sync(self.path)

    def _append(self, event: Event) -> None:
        with naming(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")

    def events(self) -> list[Event]:
        """All so far; a last line that was cut short is left out.

        Raises
        ------
        UserError
            If another line is no event.
        """
        lines = self.path.read_bytes().splitlines(keepends=True)
        events = []
        for number, line in enumerate(lines, 1):
            if line.endswith(b"\n"):
                if (event := _parsed(line)) is None:
                    raise UserError(f"{self.path}: line {number} is no event")
                events.append(event)
        return events

    def ended(self, step: int) -> bool:
        """Whether the last event is the end of a run of that many steps."""
        if self.has_seals:
            return any(_is(event, "final", step) for event, _ in self._seals())
        return any(_is(event, "final", step) for event in self.events())

    def back_to(self, step: int) -> list[Event]:
        """Drop what was logged after the checkpoint of a step, and return what is left.

        Raises
        ------
        UserError
            If what was logged up to there is not there, or not what was written.
        """
        if self.has_seals:
            ends = [end for event, end in self._seals() if _is(event, "checkpoint", step)]
            content = self.path.read_bytes()[: ends[-1]] if ends else b""
        else:
            kept = [e for e in self.events() if e["step"] <= step and e["event"] not in ENDING]
            content = b"".join(json.dumps(event).encode() + b"\n" for event in kept)
        events = [cast(Event, _parsed(line)) for line in content.splitlines()]
        if [e["step"] for e in events if e["event"] == "train"] != list(range(1, step + 1)):
            raise UserError(
                f"{self.path}: damaged or changed: it does not hold each step up to the "
                f"checkpoint's {step} once; put back a copy of it to go on"
            )
        with replacing(self.path) as temporary:
            temporary.write_bytes(content)
        return events

    def _seals(self) -> Iterator[tuple[Event, int]]:
        """The seals that are whole, and where in the file each ends."""
        content, end = self.path.read_bytes(), 0
        for line in content.splitlines(keepends=True):
            above, end = memoryview(content)[:end], end + len(line)
            event = _parsed(line)
            if event and SEAL in event and is_whole(event, [above]):
                yield event, end


def _parsed(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
        return event if isinstance(event["step"], int) and event["event"] else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _is(event: Event, kind: str, step: int) -> bool:
    return (event["event"], event["step"]) == (kind, step)
