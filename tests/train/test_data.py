import os
import re
import shutil
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from train.corpus import Corpus, open_corpus
from train.data import Windows, encode_corpus, evenly, whole
from train.errors import UserError
from train.tokenizer import EOT, token_bytes, train_tokenizer

TINYSTORIES = Path(__file__).parents[2].parent / "shared" / "tinystories"

STORIES = [
    f"The {animal} sang {n} songs to the café." for animal in ("snail", "owl") for n in "123"
]
TOKENIZER = train_tokenizer(STORIES, 280)


def corpus_of(train, valid):
    return Corpus("a test", {"stories": [train, valid]}, lambda: iter(train), lambda: iter(valid))


def unreadable():
    raise AssertionError("the text was read again")


@pytest.fixture
def corpus():
    return corpus_of(STORIES[:4], STORIES[4:])


def test_stories_become_ids_with_EOT_around_each(corpus, tmp_path):
    tokens = encode_corpus(corpus, TOKENIZER, tmp_path)
    for split, stories in [(tokens.train, STORIES[:4]), (tokens.valid, STORIES[4:])]:
        decoded = TOKENIZER.decode(split.tokens.tolist(), skip_special_tokens=False)
        assert decoded == EOT + "".join(story + EOT for story in stories)
        assert split.stories == len(stories)
        assert split.bytes == token_bytes(TOKENIZER)[split.tokens].sum()
        assert isinstance(split.tokens, np.memmap)
        assert split.tokens.dtype == np.uint16


def test_large_vocabulary_takes_wider_ids(corpus, tmp_path):
    tokenizer = train_tokenizer(STORIES, 280)
    tokenizer.add_tokens([f"<{i}>" for i in range(2**16 - 279)])
    assert encode_corpus(corpus, tokenizer, tmp_path).train.tokens.dtype == np.uint32


def test_second_call_reads_the_cache_and_not_the_text(corpus, tmp_path):
    first = encode_corpus(corpus, TOKENIZER, tmp_path)
    again = encode_corpus(replace(corpus, train=unreadable, valid=unreadable), TOKENIZER, tmp_path)
    np.testing.assert_array_equal(again.train.tokens, first.train.tokens)
    assert again.valid.bytes == first.valid.bytes


def test_of_two_that_encode_at_once_both_read_what_the_first_made(corpus, tmp_path, monkeypatch):
    def second(source, target):
        shutil.copytree(source, target)
        raise OSError("Directory not empty")

    monkeypatch.setattr("os.replace", second)
    assert encode_corpus(corpus, TOKENIZER, tmp_path).train.stories == 4
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("file", ["meta.json", "train.bin", "valid.bin"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
        lambda path: path.write_bytes(path.read_bytes()[:-2]),
        lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 4]) + path.read_bytes()[1:]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"uint16", b"uint8") + b"\0"),
    ],
    ids=["lost", "empty", "zeros", "cut", "a bit", "another dtype"],
)
def test_tokens_that_are_damaged_are_made_again(corpus, tmp_path, capsys, file, damage):
    whole = encode_corpus(corpus, TOKENIZER, tmp_path).train.tokens.copy()
    (folder,) = tmp_path.iterdir()
    damage(folder / file)
    np.testing.assert_array_equal(encode_corpus(corpus, TOKENIZER, tmp_path).train.tokens, whole)
    assert re.fullmatch(rf"{folder}: .*; the text is encoded again\n", capsys.readouterr().err)
    assert encode_corpus(replace(corpus, train=unreadable), TOKENIZER, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_encoding_ended_by_a_signal_leaves_nothing(corpus, tmp_path, number):
    def stories():
        yield STORIES[0]
        os.kill(os.getpid(), number)

    with pytest.raises(SystemExit) as end:
        encode_corpus(replace(corpus, train=stories), TOKENIZER, tmp_path)
    assert end.value.code == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_other_text_or_tokenizer_is_encoded_apart(corpus, tmp_path):
    encode_corpus(corpus, TOKENIZER, tmp_path)
    encode_corpus(corpus, train_tokenizer(STORIES, 270), tmp_path)
    encode_corpus(corpus_of(STORIES[4:], STORIES[:4]), TOKENIZER, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_interrupted_encoding_leaves_nothing(corpus, tmp_path):
    def interrupted():
        yield STORIES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_corpus(replace(corpus, valid=interrupted), TOKENIZER, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert encode_corpus(corpus, TOKENIZER, tmp_path).valid.stories == 2


def targets_of(batches):
    return Counter(np.concatenate([targets.ravel() for _, targets in batches]).tolist())


# With tokens 0, 1, 2, ... a token is its own position.
@pytest.mark.parametrize(
    ("n_tokens", "context", "n_windows"), [(100, 7, 13), (98, 7, 13), (97, 7, 12), (14, 7, 1)]
)
def test_epoch_visits_every_window_once(n_tokens, context, n_windows):
    windows = Windows(np.arange(n_tokens, dtype=np.uint16), context, batch_size=1, seed=3)
    assert windows.n_windows == n_windows
    offsets, orders = set(), set()
    for epoch in range(20):
        batches = [windows.batch(epoch * n_windows + i) for i in range(n_windows)]
        starts = np.array([inputs[0, 0] for inputs, _ in batches])
        np.testing.assert_array_equal(np.diff(np.sort(starts)), context)
        assert 0 <= starts.min() < context
        targets = targets_of(batches)
        assert len(targets) == targets.total() == n_windows * context
        offsets.add(starts.min())
        orders.add(tuple(starts - starts.min()))
    assert len(offsets) > 3
    assert len(orders) == (20 if n_windows > 1 else 1)


def test_batch_depends_only_on_seed_and_step():
    tokens = np.arange(100, dtype=np.uint16)

    def batches(steps, seed=0):
        windows = Windows(tokens, context=9, batch_size=4, seed=seed)  # epochs end inside batches
        return {step: windows.batch(step) for step in steps}

    forward, backward, other = batches(range(9)), batches(reversed(range(9))), batches(range(9), 1)
    for step in range(9):
        np.testing.assert_array_equal(forward[step], backward[step])
    assert any((forward[step][0] != other[step][0]).any() for step in range(9))


@pytest.mark.parametrize(
    "batch",
    [
        Windows(np.arange(60, dtype=np.uint16), context=8, batch_size=3, seed=0).batch(0),
        next(whole(np.arange(60, dtype=np.uint16), context=8, batch_size=3)),
        next(evenly(np.arange(60, dtype=np.uint16), context=8, batch_size=3, n=5)),
    ],
    ids=["Windows", "whole", "evenly"],
)
def test_targets_are_the_inputs_one_token_later(batch):
    inputs, targets = batch
    np.testing.assert_array_equal(targets, inputs + 1)
    for array in batch:
        assert array.shape == (3, 8)
        assert array.dtype == np.int64
        assert array.flags.c_contiguous


@pytest.mark.parametrize("n_tokens", [2, 8, 9, 10, 57, 58])
def test_whole_covers_every_target_once(n_tokens):
    batches = list(whole(np.arange(n_tokens), context=8, batch_size=3))
    assert targets_of(batches) == Counter(range(1, n_tokens))
    for inputs, targets in batches:
        np.testing.assert_array_equal(targets, inputs + 1)


@pytest.mark.parametrize(
    ("n", "windows"), [(1, [0]), (3, [0, 3, 6]), (4, [0, 2, 5, 7]), (99, range(10))]
)
def test_spread_takes_full_windows_evenly(n, windows):
    batches = list(evenly(np.arange(85), context=8, batch_size=3, n=n))
    assert [start for inputs, _ in batches for start in inputs[:, 0]] == [8 * w for w in windows]


@pytest.mark.parametrize(
    "make",
    [
        lambda tokens: Windows(tokens, context=50, batch_size=1, seed=0),
        lambda tokens: evenly(tokens[:50], context=50, batch_size=1, n=1),
    ],
    ids=["Windows", "evenly"],
)
def test_context_longer_than_the_text(make):
    with pytest.raises(UserError, match=r"context of 50 is too long for (99|50) tokens .* 49 fit"):
        make(np.arange(99))


@pytest.mark.skipif(not TINYSTORIES.exists(), reason="needs ../shared/tinystories")
def test_real_stories_lose_no_byte(tmp_path):
    corpus = open_corpus(str(TINYSTORIES / "valid.txt"))
    tokenizer = train_tokenizer(corpus.train(), 1024)
    tokens = encode_corpus(corpus, tokenizer, tmp_path)
    assert tokens.train.stories + tokens.valid.stories == 900
    for split, stories in [(tokens.train, corpus.train()), (tokens.valid, corpus.valid())]:
        size = sum(len(story.encode()) for story in stories)
        assert size == split.bytes == token_bytes(tokenizer)[split.tokens].sum()
        targets = sum(targets.size for _, targets in whole(split.tokens, 128, 16))
        assert targets == len(split.tokens) - 1
