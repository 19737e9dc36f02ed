import gc
import json
from itertools import islice
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from train.corpus import open_corpus, open_valid, same_text
from train.errors import UserError
from train.stories import Reading

STORIES = [f"Story {i} of a snail.\n\nIt went é steps." for i in range(43)]


def write(path, stories):
    """Write stories as the kind of file that the suffix names, untidily."""
    untidy = [*stories[:1], " \n", *(f"\n{story}  \n" for story in stories[1:])]
    match path.suffix:
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
        ("a.jsonl", b'{"text":\n', "line 1: Expecting value"),
        ("a.parquet", b"PAR1", "cannot be read: Parquet"),
        (
            "a.jsonl",
            b'{"tale": "One.", "id": 1}\n',
            r'no column "text" or "story" or "content", but tale, id;',
        ),
        ("a.jsonl", b'{"text": "One."}\n{"text": null}\n', "line 2: a string is needed .* null"),
        ("train.txt/a.txt", b"One.", "needs one train file .* but holds none"),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # by datasets, on an error
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
    del caught
    gc.collect()  # here, where the warning is expected


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["train.txt"], "needs one valid or validation file .* but holds none"),
        (["valid.txt"], "needs one train file .* but holds none"),
        (["train.txt", "train.jsonl", "valid.txt"], "but holds train.jsonl, train.txt"),
    ],
)
def test_folder_that_cannot_be_used(tmp_path, files, message):
    for name in files:
        write(tmp_path / name, STORIES)
    with pytest.raises(UserError, match=message):
        open_corpus(str(tmp_path))


SHARDS = [
    "train-00000-of-00002.parquet",
    "train-00001-of-00002.parquet",
    "validation-00000-of-00001.parquet",
]


@pytest.mark.parametrize(
    "names",
    [
        SHARDS,
        [f"data/{name}" for name in SHARDS],
        ["train_0.jsonl", "train_1.jsonl", "val.txt"],
        ["train-2.txt", "train-10.txt", "valid.txt"],
        ["TinyStoriesV2-GPT4-train.txt", "", "TinyStoriesV2-GPT4-valid.txt"],
        ["TinyStories-train.txt", "", "TinyStories-valid.txt"],
        ["TRAIN.TXT", "", "VAL.JSONL"],
    ],
)
def test_folders_as_they_are_handed_round(tmp_path, names):
    (tmp_path / "data").mkdir()
    (tmp_path / "notes-on-train.md").write_text("Not a story.")
    parts = [STORIES[:20], STORIES[20:30], STORIES[30:]]
    if not names[1]:
        parts, names = [STORIES[:30], STORIES[30:]], [names[0], names[2]]
    for name, part in zip(names, parts, strict=True):
        low = write(tmp_path / name.lower(), part)
        (tmp_path / name.lower()).rename(tmp_path / name) if low else None
    corpus = open_corpus(str(tmp_path))
    assert list(corpus.train()) == STORIES[:30]
    assert list(corpus.valid()) == STORIES[30:]


def test_a_missing_shard_is_missed(tmp_path):
    for name in (SHARDS[1], SHARDS[2]):
        write(tmp_path / name, STORIES)
    with pytest.raises(UserError, match="1 of 2 shards of train are there"):
        open_corpus(str(tmp_path))


def test_text_without_a_separator_is_an_error_that_says_what_to_do(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join(f"Story {i}." for i in range(30)))
    with pytest.raises(UserError, match=r"all of it is one story; --split .* blank-lines"):
        open_corpus(str(path))
    assert len([*open_corpus(str(path), reading=Reading(split="blank-lines")).train()]) == 28
    assert len([*open_valid(str(path)).valid()]) == 1


def test_what_is_meant_is_said_where_something_has_the_same_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "toy.txt", STORIES)
    (tmp_path / "toy.txt").rename(tmp_path / "toy")
    open_corpus("toy", toy_megabytes=0.01)
    assert "is not the toy in this folder: that is ./toy" in capsys.readouterr().err


def test_identities_are_the_same_text_whatever_files_are_called(tmp_path):
    one = open_corpus(write(tmp_path / "a.txt", STORIES)).identity
    other = open_corpus(write(tmp_path / "b.txt", STORIES)).identity
    assert one != other and same_text(one, other)
    assert not same_text(one, open_corpus(write(tmp_path / "c.txt", STORIES[1:])).identity)
    assert not same_text(one, {**one, "split": "blank-lines"})
    assert not same_text(one, {"generator": "toy"})


def test_a_home_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr("pathlib.Path.expanduser", _no_home)
    with pytest.raises(UserError, match=r"~/a.txt: there is no such home directory; name another"):
        open_corpus("~/a.txt")


def _no_home(path):
    raise RuntimeError("Could not determine home directory.")
