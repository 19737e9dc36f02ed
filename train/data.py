"""Token ids on disk, encoded once, and the windows that training and validation see of them."""

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tqdm import tqdm
from xxhash import xxh3_64

from models import stream
from tape.files import naming
from train.corpus import Corpus
from train.errors import Damaged, UserError
from train.folders import making, remove_unfinished
from train.seals import SEAL, checksum, from_text, to_text
from train.signals import interruptible
from train.tokenizer import EOT, fingerprint, panics
from train.words import printable

STORIES_PER_BATCH = 1000
READ_AS = 2
"""Raised when the same files come to be other stories, so that what was encoded is not reused."""

Batch = tuple[np.ndarray, np.ndarray]
"""Inputs and the targets one token later, both (batch, context) int64 and C-contiguous."""


@dataclass(frozen=True)
class Split:
    """Token ids of one part of a corpus: EOT, then every story followed by EOT."""

    tokens: np.ndarray
    """(n_tokens,) uint16 or uint32, mapped from disk."""
    stories: int
    bytes: int
    """UTF-8 bytes of the stories; EOT counts as none."""


@dataclass(frozen=True)
class Tokens:
    """A corpus as token ids."""

    train: Split
    valid: Split


def encode_corpus(corpus: Corpus, tokenizer: Tokenizer, cache: Path) -> Tokens:
    """Encode a corpus, or find it already encoded in `cache`.

    The ids lie in `cache/<key>/` as `train.bin`, `valid.bin` and `meta.json`, where the key stands
    for the content of the corpus and of the tokenizer. The text is streamed, so that memory stays
    flat, and the folder appears only once it is complete. One that is damaged is made again, which
    is said on stderr.

    Raises
    ------
    UserError
        If `cache` cannot be written.
    """
    identity = json.dumps([corpus.identity, fingerprint(tokenizer), READ_AS], sort_keys=True)
    folder = cache / hashlib.sha256(identity.encode()).hexdigest()[:16]
    remove_unfinished(cache)
    try:
        if folder.exists():
            try:
                return _open_tokens(folder)
            except Damaged as damage:
                print(f"{printable(damage)}; the text is encoded again", file=sys.stderr)
                shutil.rmtree(folder)
        # Another process that encodes the same makes the same.
        with suppress(FileExistsError), making(folder) as unfinished:
            _encode_into(unfinished, corpus, tokenizer)
        return _open_tokens(folder)
    except OSError as error:
        message = f"--cache {cache}: {error}; name a folder that can be written"
        raise UserError(message) from None


def _encode_into(folder: Path, corpus: Corpus, tokenizer: Tokenizer) -> None:
    dtype = np.min_scalar_type(tokenizer.get_vocab_size() - 1)
    meta = {
        "dtype": dtype.name,
        "train": _encode(corpus.train(), tokenizer, folder / "train.bin", dtype),
        "valid": _encode(corpus.valid(), tokenizer, folder / "valid.bin", dtype),
    }
    (folder / "meta.json").write_text(to_text(meta))


def _encode(
    stories: Iterator[str], tokenizer: Tokenizer, path: Path, dtype: np.dtype
) -> dict[str, int | str]:
    eot = tokenizer.token_to_id(EOT)
    counts = {"tokens": 0, "stories": 0, "bytes": 0}
    hashed = xxh3_64()

    def write(tokens: np.ndarray) -> None:
        file.write(tokens.data)
        hashed.update(tokens.data)
        counts["tokens"] += len(tokens)

    # disable=None: no bar where nobody watches
    bar = tqdm(desc=path.stem, unit=" stories", disable=None)
    # Inside the tokenizer, a KeyboardInterrupt may be raised where Python discards it.
    with naming(path), path.open("wb") as file, bar, interruptible() as interrupt:
        write(np.array([eot], dtype))
        while interrupt.signal is None and (batch := list(islice(stories, STORIES_PER_BATCH))):
            with panics("a story"):
                encodings = tokenizer.encode_batch_fast(batch, add_special_tokens=False)
            ids = chain.from_iterable((*encoding.ids, eot) for encoding in encodings)
            write(np.fromiter(ids, dtype))
            counts["stories"] += len(batch)
            counts["bytes"] += sum(len(story.encode()) for story in batch)
            bar.update(len(batch))
    if interrupt.signal is not None:
        sys.exit(128 + interrupt.signal)
    return {**counts, SEAL: hashed.hexdigest()}


def _open_tokens(folder: Path) -> Tokens:
    def split(name: str) -> Split:
        counts = meta[name]
        path = folder / f"{name}.bin"
        if path.stat().st_size != counts["tokens"] * np.dtype(meta["dtype"]).itemsize:
            raise Damaged(f"{path.name} is not of the size that it had")
        tokens = np.memmap(path, meta["dtype"], mode="r")
        if checksum(tokens) != counts.get(SEAL):
            raise Damaged(f"{path.name} is damaged or changed: its checksum does not fit")
        return Split(tokens, counts["stories"], counts["bytes"])

    try:
        meta = from_text((folder / "meta.json").read_bytes())
        return Tokens(split("train"), split("valid"))
    except (OSError, ValueError, KeyError, TypeError, Damaged) as error:
        raise Damaged(f"{folder}: {error}") from None


class Windows:
    """Training windows, drawn without replacement in an order that a seed fixes.

    Each epoch cuts the tokens into `n_windows` windows of `context` targets, from an offset below
    `context` of its own, and visits each once in an order of its own. A batch follows from the
    seed and the step alone, so that a resumed run sees what an uninterrupted one would have seen.

    Raises
    ------
    UserError
        If there are fewer than `2 * context` tokens, which a window at every offset needs.
    """

    def __init__(self, tokens: np.ndarray, context: int, batch_size: int, seed: int) -> None:
        if len(tokens) < 2 * context:
            raise UserError(
                f"a context of {context} is too long for {len(tokens)} tokens of training text: "
                f"at most {len(tokens) // 2} fit"
            )
        self.tokens = tokens
        self.context = context
        self.batch_size = batch_size
        self.seed = seed
        # The largest offset, context - 1, must leave room for every window and its last target.
        self.n_windows = (len(tokens) - 1 - (context - 1)) // context
        self._epoch = -1

    def batch(self, step: int) -> Batch:
        """The inputs and targets of a step, counted from 0; each (batch_size, context)."""
        first = step * self.batch_size
        samples = (divmod(first + i, self.n_windows) for i in range(self.batch_size))
        starts = np.array([self._starts_of(epoch)[window] for epoch, window in samples])
        return _cut(self.tokens, starts, self.context)

    def _starts_of(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            rng = stream(self.seed, "order", epoch)
            offset = rng.integers(self.context)
            self._starts = offset + self.context * rng.permutation(self.n_windows)
            self._epoch = epoch
        return self._starts


def whole(tokens: np.ndarray, context: int, batch_size: int) -> Iterator[Batch]:
    """Every target once, in order; the last batch is one shorter window where some are left."""
    n_targets = len(tokens) - 1
    left = n_targets % context
    yield from _batches(tokens, np.arange(0, n_targets - left, context), context, batch_size)
    if left:
        yield _cut(tokens, np.array([n_targets - left]), left)


def evenly(tokens: np.ndarray, context: int, batch_size: int, n: int) -> Iterator[Batch]:
    """A fixed sample of `n` of the full windows of `whole`, or all of them, evenly spread.

    Raises
    ------
    UserError
        If not even one full window fits.
    """
    n_windows = (len(tokens) - 1) // context
    if not n_windows:
        raise UserError(
            f"a context of {context} is too long for {len(tokens)} tokens of validation text: "
            f"at most {len(tokens) - 1} fit"
        )
    n = min(n, n_windows)
    return _batches(tokens, np.arange(n) * n_windows // n * context, context, batch_size)


def _batches(
    tokens: np.ndarray, starts: np.ndarray, context: int, batch_size: int
) -> Iterator[Batch]:
    for first in range(0, len(starts), batch_size):
        yield _cut(tokens, starts[first : first + batch_size], context)


def _cut(tokens: np.ndarray, starts: np.ndarray, context: int) -> Batch:
    # (batch, context + 1); indexing a memory map reads only the pages that it names
    windows = tokens[starts[:, None] + np.arange(context + 1)].astype(np.int64)
    return windows[:, :-1].copy(), windows[:, 1:].copy()
