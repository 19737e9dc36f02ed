import gzip
import json
import os
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train.errors import UserError
from train.stories import CHUNK, Reading, bad_rows, kind_of, read_stories
from train.tokenizer import EOT

SKIP = Reading(skip_bad_rows=True)
BAD = {
    "null": ('{"text": null}', '"text" is null'),
    "number": ('{"text": 1}', '"text" is a number'),
    "list": ('{"text": ["a"]}', '"text" is a list'),
    "object": ('{"text": {"text": "a"}}', '"text" is an object'),
    "trailing comma": ('{"text": "a",}', "is no JSON object"),
    "twice": ('{"text": "a", "text": "b"}', 'has the column "text" twice'),
    "other column": ('{"story": "a"}', "needs one column"),
    "not an object": ('"text"', "is no JSON object"),
    "lone surrogate": (r'{"text": "\ud800"}', "cannot be read"),
    "nested too deep": ('{"text": ' + "[" * 100_000, "is no JSON object"),
}


def zst(content):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


PACK = {"": bytes, ".gz": gzip.compress, ".zst": zst}


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.ndjson", "a.json", "a.JSON", "a.TXT"])
@pytest.mark.parametrize("column", ["text", "story", "content"])
def test_kinds_of_file(tmp_path, name, packed, column):
    rows = [{"title": "No.", column: story} for story in ("One é.", "Two.\u2028x")]
    content = {
        ".txt": f"One é.{EOT}Two.\u2028x",
        ".json": json.dumps(rows, indent=1),
    }.get(name[1:].lower(), "\n\n".join(map(json.dumps, rows)))
    path = tmp_path / (name + packed.upper())
    # Packed in two parts, which are read as one.
    middle = len(content.encode()) // 2
    halves = content.encode()[:middle], content.encode()[middle:]
    path.write_bytes(b"".join(map(PACK[packed], halves)))
    assert kind_of(path) == name[1:].lower() + packed
    assert list(read_stories(path)) == ["One é.", "Two.\u2028x"]
    if packed:
        path.write_bytes(path.read_bytes()[:-9])
        with pytest.raises(UserError, match="cannot be read: Truncated"):
            list(read_stories(path))


@pytest.mark.parametrize("suffix", [".txt", ".jsonl.gz", ".json.zst", ".parquet"])
def test_the_name_may_be_no_utf_8(tmp_path, suffix):
    path = tmp_path / os.fsdecode(b"caf\xe9" + suffix.encode())
    rows = [{"text": "One."}, {"text": "Two."}]
    if suffix == ".parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        path.write_bytes(sink.getvalue().to_pybytes())
    else:
        text = f"One.{EOT}Two." if suffix == ".txt" else "\n".join(map(json.dumps, rows))
        path.write_bytes(PACK[path.suffix if path.suffix in PACK else ""](text.encode()))
    assert list(read_stories(path)) == ["One.", "Two."]


@pytest.mark.parametrize(
    "text",
    [
        f"One.\n{EOT}\nTwo.\n",
        f"\ufeffOne.{EOT}Two.{EOT}",
        f"One. {EOT} Two.",
        f"One.\r\n{EOT}\r\nTwo.\r\n",
        f"One.\f{EOT}\fTwo.\f",
        f"{EOT}{EOT}One.\n\n{EOT}Two.",
    ],
)
def test_the_token_parts_stories_wherever_it_stands(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode())
    assert list(read_stories(path)) == ["One.", "Two."]
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": text.removeprefix("\ufeff")}))
    assert list(read_stories(tmp_path / "a.jsonl")) == ["One.", "Two."]


@pytest.mark.parametrize("shift", range(-15, 16))
def test_the_token_across_the_border_of_a_chunk(tmp_path, shift):
    long = "a" * (CHUNK + shift)
    (tmp_path / "a.txt").write_text(f"{long}{EOT}Two.")
    assert list(read_stories(tmp_path / "a.txt")) == [long, "Two."]
    (tmp_path / "a.json").write_text(json.dumps([{"text": long}, {"text": "Two."}]))
    assert list(read_stories(tmp_path / "a.json")) == [long, "Two."]


def test_blank_lines_part_stories_if_asked(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(f"One.\nOn.\r\n \t\r\n\r\nTwo.\n\nThree.{EOT}Four.".encode())
    reading = Reading(split="blank-lines")
    assert list(read_stories(path, reading)) == ["One.\nOn.", "Two.", "Three.", "Four."]


@pytest.mark.parametrize(("row", "reason"), BAD.values(), ids=BAD)
def test_a_bad_row_is_named_or_skipped(tmp_path, row, reason):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text": "One."}}\n\n{row}\n{{"text": "Two."}}\n{row}')
    with pytest.raises(UserError) as caught:
        list(read_stories(path))
    assert str(caught.value).startswith(f"--data {path}: line 3: {reason}")
    assert "\n" not in str(caught.value)
    assert list(read_stories(path, SKIP)) == ["One.", "Two."]
    n, first = bad_rows(path, SKIP)
    assert (n, first.startswith("line 3: ")) == (2, True)


def test_a_bad_row_of_other_kinds_is_named(tmp_path):
    (tmp_path / "a.txt").write_bytes(f"One.\n{EOT}\n\xff{EOT}Two.".encode("latin-1"))
    pq.write_table(pa.table({"text": ["One.", None, "Two."]}), tmp_path / "a.parquet")
    (tmp_path / "a.json").write_text('[{"text": "One."}, {"text": 2}, {"text": "Two."}]')
    for name, place in (("a.txt", "line 2"), ("a.parquet", "row 2"), ("a.json", "item 2")):
        with pytest.raises(UserError, match=f"{name}: {place}: "):
            list(read_stories(tmp_path / name))
        assert list(read_stories(tmp_path / name, SKIP)) == ["One.", "Two."]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"text": "a"}', "item 1 of its list: the list has no end"),
        ('[{"text": "a"},]', "item 2 of its list: "),
        ('[{"text": "a"} {"text": "b"}]', "item 1 of its list: no comma follows"),
        ('[{"text": "a"}] x', "text follows the end of its list"),
    ],
)
def test_a_list_that_is_none(tmp_path, content, message):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(UserError, match=message):
        list(read_stories(tmp_path / "a.json", SKIP))


def test_a_column_that_is_asked_for(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "No.", "tale": "One."}')
    pq.write_table(pa.table({"text": ["No."], "tale": ["One."]}), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        assert list(read_stories(tmp_path / name, Reading(column="tale"))) == ["One."]
        with pytest.raises(UserError, match='column "tail", but has text, tale; --text-column'):
            list(read_stories(tmp_path / name, Reading(column="tail")))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=5,
)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.text("ab.", min_size=1), values, max_size=3), min_size=1))
def test_nothing_beside_the_text_matters_in_json_lines(tmp_path_factory, others):
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    stories = [f"Story {i}." for i in range(len(others))]
    rows = [{**other, "text": story} for other, story in zip(others, stories, strict=True)]
    lines = (json.dumps(dict(sorted(row.items(), reverse=i % 2))) for i, row in enumerate(rows))
    path.write_text("\n".join(lines))
    assert list(read_stories(path)) == stories
    path.with_suffix(".json").write_text(json.dumps(rows))
    assert list(read_stories(path.with_suffix(".json"))) == stories


COLUMNS = [
    (pa.null(), None),
    (pa.date64(), 2**50 * 86_400_000 % 2**62),
    (pa.timestamp("s", "Mars/Olympus"), 2**50),
    (pa.timestamp("us", "+99:99"), 5),
    (pa.duration("ns"), 2**62),
    (pa.binary(), b"\xff"),
    (pa.list_(pa.struct([("text", pa.string())])), [{"text": "No."}]),
    (pa.decimal256(70, 3), 1),
]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["text.x", "a", "story"]), st.sampled_from(COLUMNS))))
def test_nothing_beside_the_text_matters_in_parquet(tmp_path_factory, others):
    path = tmp_path_factory.mktemp("rows") / "a.parquet"
    columns = {name: pa.array([value, None], kind) for name, (kind, value) in others}
    pq.write_table(pa.table({**columns, "text": ["One.", "Two."]}), path)
    assert list(read_stories(path)) == ["One.", "Two."]


def test_odd_values_beside_the_text(tmp_path):
    path = tmp_path / "a.jsonl"
    odd = [b"1" * 5000, b'"\xff"', b'"\\ud800"', b"NaN", b'"\t"', b'{"a": 1, "a": 2}']
    path.write_bytes(b"".join(b'{"odd": %s, "text": "One."}\n' % value for value in odd))
    assert list(read_stories(path)) == ["One."] * len(odd)
    pq.write_table(pa.table({"day": [date(1, 1, 1)], "text": ["One."]}), tmp_path / "a.parquet")
    assert list(read_stories(tmp_path / "a.parquet")) == ["One."]
