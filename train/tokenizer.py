"""A byte-level BPE tokenizer: trained on stories, loaded from a file, and weighed in bytes."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from train.errors import Damaged, UserError
from train.seals import checksum

EOT = "<|endoftext|>"
"""The special token that stands before the first story and after each one."""

SMALLEST_VOCABULARY = 257  # the 256 bytes and EOT

# Merges learned from 80 MB of stories hardly differ from those of the full 2 GB, which would take
# minutes and gigabytes of word counts.
MAX_TRAINING_STORIES = 100_000


def train_tokenizer(stories: Iterable[str], vocab_size: int) -> Tokenizer:
    """Learn a byte-level BPE vocabulary of exactly `vocab_size` tokens.

    All 256 bytes are tokens, so that every text can be encoded and decoded without loss.
    EOT has id 0. An EOT written out inside a text is encoded as ordinary characters.

    Parameters
    ----------
    stories
        The text to learn from; at most the first `MAX_TRAINING_STORIES` are read.
    vocab_size
        The number of tokens, EOT included; at least 257.

    Raises
    ------
    UserError
        If `vocab_size` is below 257 or more than the text supports.
    """
    if vocab_size < SMALLEST_VOCABULARY:
        raise UserError(
            f"a vocabulary of {vocab_size} is too small: "
            f"the 256 bytes and {EOT} need at least {SMALLEST_VOCABULARY}"
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.encode_special_tokens = True
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[EOT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(islice(stories, MAX_TRAINING_STORIES), trainer)
    if (supported := tokenizer.get_vocab_size()) < vocab_size:
        raise UserError(
            f"a vocabulary of {vocab_size} is too large: the text supports {supported} tokens"
        )
    return tokenizer


def load_tokenizer(path: Path | str, known: str | None = None) -> Tokenizer:
    """Load a byte-level tokenizer.json, which has a checksum if that is known.

    Raises
    ------
    UserError
        If the file is missing, is not what was written, or is not a tokenizer.json, if the
        tokenizer is not byte-level or an added token stands for other text than it spells (bits
        per byte would be wrong), if it has no EOT token, or if its ids have gaps.
    """
    if not Path(path).is_file():
        raise UserError(f"{path}: no such tokenizer file")
    content = Path(path).read_bytes()
    if known not in (None, checksum(content)):
        raise Damaged(f"{path}: damaged, or another one: its checksum does not fit")
    with panics(path):
        try:
            tokenizer = Tokenizer.from_buffer(content)
        except Exception as error:  # the library raises no narrower type
            raise UserError(f"{path}: not a tokenizer.json ({error})") from error
    tokenizer.encode_special_tokens = True
    # What a file may ask for, and would lose text, add some, or make ids a matter of chance.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if hasattr(tokenizer.model, "dropout"):
        tokenizer.model.dropout = None
    if tokenizer.token_to_id(EOT) is None:
        raise UserError(f"{path}: the tokenizer has no token {EOT}")
    with panics(path):
        byte_level = _is_byte_level(tokenizer)
    if not byte_level:
        raise UserError(f"{path}: not a byte-level tokenizer, so bits per byte would be wrong")
    _check_added_tokens(path, tokenizer)
    ids = tokenizer.get_vocab().values()
    if max(ids) >= len(ids):
        raise UserError(f"{path}: {len(ids)} tokens have ids up to {max(ids)}, with gaps")
    return tokenizer


@contextmanager
def panics(what: object) -> Iterator[None]:
    """Turn a panic of the library, which Python cannot catch by its type, into a UserError."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise UserError(f"{what}: the tokenizer fails: {error}") from None


def _is_byte_level(tokenizer: Tokenizer) -> bool:
    # A normaliser would change the decomposed accent, a prefix space the start.
    probe = "e\u0301 A\n\t\U0001f40c"
    ids = tokenizer.encode(probe, add_special_tokens=False).ids
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return tokenizer.get_vocab().keys() >= set(alphabet) and tokenizer.decode(ids) == probe


def _check_added_tokens(path: Path | str, tokenizer: Tokenizer) -> None:
    """Raise if a token that was added by hand stands for other text than it spells."""
    of_model = tokenizer.get_vocab(with_added_tokens=False)
    for token in tokenizer.get_added_tokens_decoder().values():
        if token.special or token.content == EOT:
            continue
        reason = None
        if token.lstrip or token.rstrip:
            reason = "takes the spaces beside it along"
        elif token.content in of_model and not token.content.isascii():
            reason = "is a token of the vocabulary too, where it spells other bytes"
        if reason:
            raise UserError(
                f"{path}: the added token {token.content!r} {reason}, so that bits per byte would "
                "be wrong"
            )


def token_bytes(tokenizer: Tokenizer) -> np.ndarray:
    """The number of UTF-8 bytes that each id stands for, (vocab_size,) int64.

    EOT and special tokens stand for no bytes. The sizes of the ids of a text add up to the size of
    the text, which makes nats per token comparable across tokenizers as bits per byte.
    """
    sizes = np.zeros(tokenizer.get_vocab_size(), np.int64)
    for token, index in tokenizer.get_vocab().items():
        sizes[index] = len(token)  # byte-level tokens are spelt with one character per byte
    for index, added in tokenizer.get_added_tokens_decoder().items():
        no_text = added.special or added.content == EOT
        sizes[index] = 0 if no_text else len(added.content.encode())
    return sizes


def fingerprint(tokenizer: Tokenizer) -> str:
    """The SHA-256 of everything that decides what the tokenizer does, in hex."""
    return hashlib.sha256(tokenizer.to_str().encode()).hexdigest()
