import re
import tomllib
from collections import Counter
from importlib import resources
from itertools import islice

import pytest

from train.toy import stories

GRAMMAR = tomllib.loads((resources.files("train") / "toy_grammar.toml").read_text("utf-8"))
STORIES = list(islice(stories(seed=0), 4_000))


def alternatives(template: str) -> list[str]:
    return [part.strip() for part in re.split(r"[][|]", template) if part.strip()]


def pronouns_by_name() -> dict[str, set[str]]:
    """The pronouns that each name of the grammar can have: Maya is she, Clover is she or he."""
    entries = [
        entry
        for table in [GRAMMAR, *GRAMMAR["plot"]]
        for value in table.values()
        if isinstance(value, list)
        for entry in value
        if isinstance(entry, dict) and "pronoun" in entry
    ]
    return {
        name: set(alternatives(entry["pronoun"]))
        for entry in entries
        for name in alternatives(entry["name"])
    }


PRONOUNS = pronouns_by_name()
NAME = re.compile(rf"\b(?:{'|'.join(PRONOUNS)})\b")


def test_the_seed_decides_the_stories():
    assert list(islice(stories(seed=0), 50)) == STORIES[:50]
    assert not set(islice(stories(seed=1), 50)) & set(STORIES[:50])


def test_hardly_a_story_is_told_twice():
    assert len(set(STORIES)) > 0.999 * len(STORIES)


def test_stories_are_short_and_simple():
    lengths = [len(story.split()) for story in STORIES]
    assert min(lengths) >= 120
    assert max(lengths) <= 240
    assert {story.count("\n") + 1 for story in STORIES} == {4, 5}
    vocabulary = {word for story in STORIES for word in re.findall("[a-z]+", story.lower())}
    assert 1_000 < len(vocabulary) < 1_600


@pytest.mark.parametrize(
    "flaw",
    [
        pytest.param(r"[][{}|]", id="markup left over"),
        pytest.param(r"\s\s|^\s|\s$", id="stray space"),
        pytest.param(r" [.,:;!?]|[.,:;!?]{2}", id="stray punctuation"),
        pytest.param(r"\b[Aa] [aeiouAEIOU]|\b[Aa]n [^aeiouAEIOU]", id="wrong article"),
        pytest.param(r"\b(\w+) \1\b", id="word twice"),
        pytest.param(r"(?m)^[^A-Z\"]|[^.!?\"]$", id="paragraph is not made of sentences"),
        pytest.param(r"[.!?] [a-z]|\.\" [a-z]", id="sentence without capital"),
        pytest.param(r"[.!?] \"[a-z]|^\"[a-z]", id="speech without capital"),
        pytest.param(r"\w \"", id="speech without comma or stop before it"),
    ],
)
def test_the_english_is_sound(flaw):
    flaws = Counter(match[0] for story in STORIES for match in re.finditer(flaw, story))
    assert not flaws


def test_every_quote_is_closed_after_a_whole_phrase():
    for paragraph in (line for story in STORIES for line in story.split("\n")):
        said = paragraph.split('"')[1::2]
        assert paragraph.count('"') == 2 * len(said), paragraph
        assert all(re.fullmatch(r"\w.*[.,!?]", phrase) for phrase in said), paragraph


def test_every_plot_is_told_about_equally_often():
    landmarks = [landmark(plot["story"]) for plot in GRAMMAR["plot"]]
    told = [sum(landmark in story for story in STORIES) / len(STORIES) for landmark in landmarks]
    assert sum(told) == pytest.approx(1)
    assert told == pytest.approx([1 / len(landmarks)] * len(landmarks), rel=0.3)


def landmark(template: str) -> str:
    """The longest stretch that every story told from `template` has word for word."""
    while "[" in template:
        template = re.sub(r"\[[^][]*\]", "{}", template)
    fixed = re.split(r"\{[^}]*\}|\n\n", template)
    return max((" ".join(stretch.split()) for stretch in fixed), key=len)


def test_pronouns_belong_to_someone_in_the_story():
    words = {
        "she": re.compile(r"(?i)\b(she|hers?|herself)\b"),
        "he": re.compile(r"(?i)\b(he|him|his|himself)\b"),
    }
    stories_of_one_pronoun = 0
    for story in STORIES:
        allowed = set().union(*(PRONOUNS[name] for name in NAME.findall(story)))
        stories_of_one_pronoun += len(allowed) == 1
        assert not any(words[pronoun].search(story) for pronoun in words.keys() - allowed), story
    assert stories_of_one_pronoun > 500


def test_he_and_she_agree_with_the_name_before_them():
    pairs = [
        (NAME.findall(clause)[-1], pronoun)
        for story in STORIES
        for clause, pronoun in re.findall(rf"({NAME.pattern}[^.!?\"\n]*?) (he|she)\b", story)
    ]
    assert len(pairs) > 2_000
    assert all(pronoun in PRONOUNS[name] for name, pronoun in pairs)
