"""The stories of a file, however it is written."""

import gzip
import json
import random
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from train import stories
from train.errors import UserError
from train.stories import Reading, has_separator, kind_of, read, stem_of
from train.tokenizer import EOT

TALES = ["The snail é.", "The whale\n\nsang 🐌.", "The end."]


def rows(tales, column="text"):
    return [{"id": i, column: tale} for i, tale in enumerate(tales)]


def lines(tales, column="text"):
    return "\n".join(map(json.dumps, rows(tales, column)))


CONTENT = {
    "txt": lambda tales: f"\n{EOT}\n".join(tales),
    "jsonl": lines,
    "ndjson": lines,
    "json": lambda tales: json.dumps(rows(tales), indent=1),
    "lines.json": lines,
    "TXT": lambda tales: EOT.join(tales),
    "JSONL": lines,
}


def zstd(content):
    return pa.Codec("zstd").compress(content, asbytes=True)


PACKED = {"": bytes, ".gz": gzip.compress, ".zst": zstd, ".GZ": gzip.compress}


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("kind", CONTENT)
@pytest.mark.parametrize("mark", [b"", "\ufeff".encode()])
def test_every_kind_of_file_in_which_stories_are_handed_round(tmp_path, kind, packed, mark):
    path = tmp_path / f"a::b.{kind}{packed}"
    path.write_bytes(PACKED[packed](mark + CONTENT[kind](TALES).encode()))
    assert [*read(path, Reading())] == TALES
    assert stem_of(path) in ("a::b", "a::b.lines")


@pytest.mark.parametrize("name", ["a.csv", "a", "a.parquet.gz", "a.gz", ".txt", "a.zip", "txt"])
def test_other_files_are_of_no_kind(tmp_path, name):
    assert kind_of(tmp_path / name) is None


@given(
    st.lists(st.text("ab\n\f \r", max_size=5), max_size=6),
    st.lists(st.sampled_from(["", "\n", " ", "\f", "\r\n"]), min_size=12, max_size=12),
    st.integers(1, 40),
)
@example(["a", "b"], [""] * 12, 3)
def test_the_token_ends_a_story_wherever_it_stands(tmp_path_factory, tales, around, chunk):
    path = tmp_path_factory.getbasetemp() / "anywhere.txt"
    ends = [
        f"{before}{EOT}{after}" for before, after in zip(around[::2], around[1::2], strict=True)
    ]
    text = "".join(tale + end for tale, end in zip(tales, ends, strict=False))
    path.write_bytes(text.encode())
    plain = [t.replace("\r\n", "\n").replace("\r", "\n").strip() for t in text.split(EOT)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stories, "CHUNK", chunk)
        assert [*read(path, Reading())] == [tale for tale in plain if tale]


@pytest.mark.parametrize("chunk", [1, 2, 3, 1000])
def test_blank_lines_end_a_story_if_that_is_asked_for(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(stories, "CHUNK", chunk)
    path = tmp_path / "a.txt"
    path.write_text("One\nline.\n\n\nTwo.\n \t\nThree.\r\n\r\nFour.\n")
    assert [*read(path, Reading(split="blank-lines"))] == ["One\nline.", "Two.", "Three.", "Four."]
    assert has_separator(path, Reading(split="blank-lines"))
    assert not has_separator(path, Reading())


def test_a_separator_in_a_table_is_none_of_the_text(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(lines([f"One.{EOT}", f"Two.{EOT} Three.", EOT]))
    assert [*read(path, Reading())] == ["One.", "Two.", "Three."]


@pytest.mark.parametrize("column", ["text", "story", "content"])
def test_the_column_is_found_by_its_usual_names(tmp_path, column):
    path = tmp_path / "a.jsonl"
    path.write_text(lines(TALES, column))
    pq.write_table(pa.table({"id": [1, 2, 3], column: TALES}), tmp_path / "a.parquet")
    assert [*read(path, Reading())] == [*read(tmp_path / "a.parquet", Reading())] == TALES


def test_another_column_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"text": "no", "tale": tale}) for tale in TALES))
    assert [*read(path, Reading(text_column="tale"))] == TALES
    with pytest.raises(
        UserError, match='line 1: there is no column "x", but text, tale; --text-co'
    ):
        [*read(path, Reading(text_column="x"))]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)
others = st.dictionaries(
    st.text(max_size=3).filter(lambda name: name != "text"), anything, max_size=3
)


@given(st.lists(others, min_size=3, max_size=3), st.booleans())
@example([{"a": None}, {"a": "late"}, {"b": [1]}], True)
@example([{"a": 1}, {"a": 1.5}, {"a": 10**5000}], True)
def test_no_column_beside_the_text_matters(tmp_path_factory, beside, in_lines):
    path = tmp_path_factory.getbasetemp() / "beside.json"
    table = [row | {"text": tale} for row, tale in zip(beside, TALES, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.set_int_max_str_digits", lambda n: None, raising=False)
        dumped = [_dumped(row) for row in table]
    path.write_text("\n".join(dumped) if in_lines else f"[{','.join(dumped)}]")
    assert [*read(path, Reading())] == TALES


def _dumped(row):
    big = {
        name: value for name, value in row.items() if isinstance(value, int) and value > 10**4000
    }
    text = json.dumps({name: "BIG" if name in big else value for name, value in row.items()})
    return text.replace('"BIG"', "1" + "0" * 5000)


COLUMNS = [
    pa.array([1, None, 3]),
    pa.array([None] * 3, pa.null()),
    pa.array([1, 2, 3], pa.timestamp("ns", "Antarctica/Troll")),
    pa.array([2**62, 0, -(2**62)], pa.timestamp("us")),
    pa.array([10**8, 0, 1], pa.date32()),
    pa.array([1, 2, 3], pa.duration("ms")),
    pa.array([b"\xff", b"", None]),
    pa.array([[1], [], None]),
    pa.array([{"text": 1}, None, {"text": 2}]),
    pa.array(["a", "b", "a"]).dictionary_encode(),
    pa.array([1, 2, 3], pa.decimal128(38, 10)),
]


@given(st.lists(st.sampled_from(COLUMNS), max_size=3), st.integers(0, 3), st.integers(1, 3))
def test_no_column_of_a_parquet_file_beside_the_text_matters(tmp_path_factory, beside, at, group):
    path = tmp_path_factory.getbasetemp() / "beside.parquet"
    columns = {f"c{i}": column for i, column in enumerate(beside)}
    names = [*[*columns][:at], "text", *[*columns][at:]]
    table = pa.table({name: columns.get(name, pa.array(TALES)) for name in names})
    pq.write_table(table, path, row_group_size=group)
    assert [*read(path, Reading())] == TALES


BAD = {
    '{"text": null}': 'a string is needed in "text", which holds null',
    '{"text": 3}': 'a string is needed in "text", which holds int 3',
    '{"text": ["a"]}': "which holds list",
    '{"text": "a",}': "Illegal trailing comma|Expecting property name",
    '{"text": "a", "text": "b"}': 'the key "text" comes twice',
    '{"text": "a", "id": 1, "id": 2}': 'the key "id" comes twice',
    '"a"': "it is no object, but str 'a'",
    "null": "it is no object, but null",
    '{"tale": "a"}': 'there is no column "text"',
    '{"text": "\\ud83d"}': 'half a character of two is in "text"',
    '{"text": "a"': "Expecting",
    "[" * 100_000: "nested too deep",
    "\udcff": "codec can't decode",
}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad[:30].encode("ascii", "replace"))
def test_a_bad_row_is_named_with_its_line_and_may_be_skipped(tmp_path, bad):
    path = tmp_path / "a.jsonl"
    good = json.dumps({"text": "One."})
    path.write_bytes(f"{good}\n\n{bad}\n{good}\n{bad}".encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=rf"a.jsonl: line 3: .*({BAD[bad]})") as error:
        [*read(path, Reading())]
    assert str(error.value).endswith("; --skip-bad-rows goes on without it")
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
    reading = Reading(skip_bad_rows=True)
    for _ in range(2):  # counted once, however often it is read
        assert [*read(path, reading)] == ["One.", "One."]
    assert reading.skipped[path].n == 2
    assert "line 3" in reading.skipped[path].first


def test_a_bad_row_of_a_list_and_of_a_parquet_file(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([{"text": "One."}, {"text": None}]))
    pq.write_table(pa.table({"text": ["One.", None]}), tmp_path / "a.parquet")
    for name in ("a.json", "a.parquet"):
        with pytest.raises(UserError, match=f"{name}: row 2: a string is needed"):
            [*read(tmp_path / name, Reading())]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_an_archive_that_was_cut_short_is_one_line(tmp_path, suffix):
    text = " ".join(str(random.Random(0).random()) for _ in range(9000))
    path = tmp_path / f"a.txt{suffix}"
    whole = PACKED[suffix](text.encode())
    for content in (whole[: len(whole) // 2], b"no archive", whole[:30] + b"x" * 99 + whole[130:]):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"a.txt.* cannot be read: ") as error:
            [*read(path, Reading())]
        assert "\n" not in str(error.value)


def test_identity_holds_only_what_is_not_by_default():
    assert Reading().identity == {}
    readings = [
        Reading(),
        Reading("tale"),
        Reading(split="blank-lines"),
        Reading(skip_bad_rows=True),
    ]
    assert all(a.identity != b.identity for a, b in pairwise(readings))
