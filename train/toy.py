"""Endless short stories in simple English, so that the quick start needs no network.

`toy_grammar.toml` holds the words and explains its notation; this is the machine that tells
stories from them.
"""

import random
import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Any, TypeVar

_CHOICE = re.compile(r"\[([^][]*)\]")
_SLOT = re.compile(r"\{([\w.]+)\}")
_A_BEFORE_VOWEL = re.compile(r"\b([Aa])(?= [aeiou])")

_Entry = str | dict[str, str]
_Option = TypeVar("_Option")


def stories(seed: int) -> Iterator[str]:
    """Tell one story after another, without end.

    Parameters
    ----------
    seed : int
        The same seed tells the same stories, in every version of Python.

    Yields
    ------
    str
        A story of 120 to 240 words: four or five paragraphs, with a newline between them.
    """
    grammar = tomllib.loads((resources.files("train") / "toy_grammar.toml").read_text("utf-8"))
    rng = random.Random(seed)
    while True:
        yield _Telling(grammar, rng).tell()


class _Telling:
    """One story in the making: the grammar, and the slots that this story has filled so far."""

    def __init__(self, grammar: dict[str, Any], rng: random.Random):
        self.grammar = grammar
        self.rng = rng
        self.slots: dict[str, str] = {}

    def tell(self) -> str:
        plot = self.draw(self.grammar["plot"])
        for slot, source in plot.items():
            if slot != "story":
                self.fill(slot, source)
        paragraphs = [self.expand(paragraph).split() for paragraph in plot["story"].split("\n\n")]
        text = "\n".join(" ".join(words) for words in paragraphs)
        return _A_BEFORE_VOWEL.sub(r"\1n", text)

    def draw(self, options: list[_Option]) -> _Option:
        # random() is the one method whose stream Python promises never to change.
        return options[int(self.rng.random() * len(options))]

    def fill(self, slot: str, source: str | list[_Entry]) -> None:
        """Draw what `slot` is throughout this story: someone or something new to it."""
        options = self.grammar[self.expand(source)] if isinstance(source, str) else source
        fields = self.record(options)
        while fields["name"] in self.slots.values():
            fields = self.record(options)
        self.slots[slot] = fields["name"]
        self.slots |= {f"{slot}.{field}": text for field, text in fields.items()}

    def record(self, options: list[_Entry]) -> dict[str, str]:
        """Draw an entry and write out its fields; a plain string is a record of its name."""
        entry = self.draw(options)
        entry = {"name": entry} if isinstance(entry, str) else entry
        fields = {field: self.expand(template) for field, template in entry.items()}
        pronouns: dict[str, str] = self.grammar["pronouns"].get(fields.get("pronoun"), {})
        return fields | pronouns

    def expand(self, template: str) -> str:
        """Choose among bracketed alternatives, innermost first, and then replace the slots."""
        while "[" in template:
            template = _CHOICE.sub(lambda match: self.draw(match[1].split("|")), template)
        return _SLOT.sub(lambda match: self.look_up(match[1]), template)

    def look_up(self, name: str) -> str:
        key = name.lower()
        text = self.slots[key] if key in self.slots else self.expand(self.draw(self.grammar[key]))
        return text if name == key else text[0].upper() + text[1:]
