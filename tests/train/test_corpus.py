import json
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from train.corpus import open_corpus, same_stories
from train.errors import UserError
from train.stories import Reading

STORIES = [f"Story {i} of a snail.\n\nIt went é steps." for i in range(43)]


def write(path, stories):
    """Write stories as the kind of file that the suffix names, untidily."""
    untidy = [*stories[:1], " \n", *(f"\n{story}  \n" for story in stories[1:])]
    match path.suffix.lower():
        case ".txt":
            text = "\n<|endoftext|>\n".join(untidy)
            path.write_text(text, encoding="utf-8")
        case ".jsonl":
            rows = (json.dumps({"id": i, "text": text}) for i, text in enumerate(untidy))
            path.write_text("\n".join(rows))
        case ".parquet":
            pq.write_table(pa.table({"text": untidy, "id": range(len(untidy))}), path)
    return str(path)


@pytest.mark.parametrize("kind", ["txt", "jsonl", "parquet"])
def test_single_file_holds_out_every_20th_story(tmp_path, kind):
    corpus = open_corpus(write(tmp_path / f"a [1]*.{kind}", STORIES))
    for _ in range(2):  # every call reads from the start
        assert list(corpus.valid()) == [STORIES[1], STORIES[21], STORIES[41]]
        assert list(corpus.train()) == [STORIES[0], *STORIES[2:21], *STORIES[22:41], STORIES[42]]


def test_a_byte_order_mark_is_no_part_of_a_story(tmp_path):
    path = tmp_path / "stories.txt"
    path.write_text("The snail.\n<|endoftext|>\nThe whale.\n", encoding="utf-8-sig")
    assert list(open_corpus(str(path)).train()) == ["The snail."]


@pytest.mark.parametrize(
    ("train", "valid"),
    [
        (["train-00001-of-00002.parquet", "train-00000-of-00002.parquet"], ["val.txt"]),
        (["data/train-00000-of-00001-2d5a1467fff1081b.parquet"], ["data/validation.jsonl"]),
        (["TinyStoriesV2-GPT4-train.txt"], ["TinyStoriesV2-GPT4-valid.txt"]),
        (["TinyStories-train.txt"], ["TinyStories-valid.txt"]),
        (["train_10.JSONL", "train_9.jsonl"], ["Valid.TXT"]),
    ],
)
def test_folder_as_it_is_handed_round(tmp_path, train, valid):
    folder = tmp_path / "a::b"
    (folder / "data").mkdir(parents=True)
    (folder / "._train.txt").write_text("No story.")
    for i, name in enumerate(reversed(train)):
        write(folder / name, STORIES[30 * i // len(train) : 30 * (i + 1) // len(train)])
    write(folder / valid[0], STORIES[30:])
    corpus = open_corpus(str(folder))
    assert list(corpus.train()) == STORIES[:30]
    assert list(corpus.valid()) == STORIES[30:]


@pytest.mark.parametrize("name", ["toy", "tinystories"])
def test_a_namesake_beside_is_told_apart(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (tmp_path / name).mkdir()
    write(tmp_path / name / "train.txt", STORIES[:30])
    write(tmp_path / name / "valid.txt", STORIES[30:])
    with suppress(UserError):
        open_corpus(name, toy_megabytes=0.1)
    assert f"which is --data ./{name}, but" in capsys.readouterr().err
    assert list(open_corpus(f"./{name}").train()) == STORIES[:30]
    assert not capsys.readouterr().err


def test_identity_of_plain_reading_is_what_it_was(tmp_path):
    path = tmp_path / "a.txt"
    write(path, STORIES)
    content = path.read_bytes()
    file = {"name": "a.txt", "bytes": len(content), "sha256": sha256(content).hexdigest()}
    assert open_corpus(str(path)).identity == {"files": [file]}
    moved = tmp_path / "b.txt"
    moved.write_bytes(content)
    plain = open_corpus(str(path)).identity
    assert same_stories(plain, open_corpus(str(moved)).identity)
    assert not same_stories(plain, {"files": [{**file, "name": "a.jsonl"}]})
    split = open_corpus(str(path), reading=Reading(split="blank-lines")).identity
    assert not same_stories(plain, split)


@pytest.mark.parametrize("valid", ["valid.jsonl", "validation.parquet"])
def test_folder_names_both_parts(tmp_path, valid):
    write(tmp_path / "train.txt", STORIES[:30])
    write(tmp_path / valid, STORIES[30:])
    (tmp_path / "README.md").write_text("Not a story.")
    corpus = open_corpus(str(tmp_path))
    assert list(corpus.train()) == STORIES[:30]
    assert list(corpus.valid()) == STORIES[30:]


def test_identity_of_files_follows_their_content(tmp_path):
    def identity(folder, stories):
        (tmp_path / folder).mkdir()
        return open_corpus(write(tmp_path / folder / "a.txt", stories)).identity

    first = identity("first", STORIES)
    assert first == identity("copy", STORIES) == json.loads(json.dumps(first))
    assert first != identity("other", STORIES[::-1])


def test_local_file_is_read_without_a_network(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("socket.getaddrinfo", lambda host, *_: asked.append(host))
    open_corpus(write(tmp_path / "a.txt", STORIES))
    assert not asked


def test_toy_parts_share_no_story():
    corpus = open_corpus("toy", seed=1, toy_megabytes=0.1)
    train, valid = list(corpus.train()), list(corpus.valid())
    assert 90_000 < sum(len(story.encode()) for story in train + valid) <= 100_000
    assert not set(train) & set(valid)
    assert 15 < len(train) / len(valid) < 20
    assert train == list(corpus.train())


def test_toy_stories_follow_from_the_identity():
    def toy(seed):
        corpus = open_corpus("toy", seed=seed, toy_megabytes=0.05)
        return json.dumps(corpus.identity), list(islice(corpus.train(), 5))

    assert toy(0) == toy(0)
    assert all(ours != theirs for ours, theirs in zip(toy(0), toy(1), strict=True))


def test_hub_is_read_at_the_revision_of_the_identity(monkeypatch):
    rows = {"train": ["One. ", ""], "validation": ["Two."]}

    def load_dataset(name, *, revision, split, streaming):
        assert (name, revision, streaming) == ("roneneldan/TinyStories", "c0ffee", True)
        return [{"text": text} for text in rows[split]]

    info = SimpleNamespace(sha="c0ffee")
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", lambda *_, **__: info)
    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    corpus = open_corpus("tinystories")
    assert (list(corpus.train()), list(corpus.valid())) == (["One."], ["Two."])
    assert corpus.identity == {"dataset": "roneneldan/TinyStories", "revision": "c0ffee"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [("HF_HUB_OFFLINE", True), ("ENDPOINT", "http://127.0.0.1:1")],
    ids=["told to stay offline", "connection refused"],
)
def test_hub_without_a_network_fails_at_once(monkeypatch, setting, value):
    monkeypatch.setattr(f"huggingface_hub.constants.{setting}", value)
    with pytest.raises(UserError, match=r"cannot be reached .*--data toy and --data PATH work"):
        open_corpus("tinystories")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("no.txt", None, "no such file or folder; it takes toy, tinystories, "),
        ("a.csv", b"text\nOne.\n", "cannot read .csv; it takes toy, tinystories, "),
        ("a.txt", b"", "no story to train on"),
        ("a.jsonl", b"", "no story to train on"),
        ("a.txt", b" \n<|endoftext|>\n\n", "no story to train on"),
        ("a.txt", b"One.\n<|endoftext|>\n", "no story to validate on; a single file needs two"),
        ("a.txt", b"One.\n<|endoftext|>\n\xff\n", "cannot be read: 'utf-8' codec"),
        ("a.jsonl", b'{"text":\n', "line 1: is no JSON object "),
        ("a.parquet", b"PAR1", "cannot be read: Parquet"),
        (
            "a.jsonl",
            b'{"title": "One.", "id": 1}\n',
            "line 1: needs one column text, .* has title, id",
        ),
        (
            "a.jsonl",
            b'{"text": "One."}\n{"text": null}\n',
            r'line 2: "text" is null, and not a text',
        ),
        ("a.txt", b"One.\n\nTwo.\n", r"has no <\|endoftext\|> .* add --split blank-lines"),
        ("a.jsonl.xz", b"", "cannot read .xz; it takes toy"),
        ("a.parquet.gz", b"", "cannot read .gz; it takes toy"),
        ("train.txt/a.txt", b"One.", "needs one train file .* but holds none"),
    ],
)
def test_data_that_cannot_be_used(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    data = path if path.parent == tmp_path else path.parent
    with pytest.raises(UserError, match=message) as caught:
        open_corpus(str(data))
    assert str(caught.value).startswith(f"--data {data}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["train.txt"], "needs one valid or validation file .* but holds none"),
        (["valid.txt"], "needs one train file .* but holds none"),
        (["train.txt", "train.jsonl", "valid.txt"], "but holds train.jsonl, train.txt"),
        (["train-00000-of-00002.txt", "valid.txt"], "holds 1 of the 2 files train-"),
    ],
)
def test_folder_that_cannot_be_used(tmp_path, files, message):
    for name in files:
        write(tmp_path / name, STORIES)
    with pytest.raises(UserError, match=message):
        open_corpus(str(tmp_path))
