import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from train import tokenizer as module
from train.errors import UserError
from train.tokenizer import EOT, fingerprint, load_tokenizer, token_bytes, train_tokenizer

STORIES = ["The snail met the whale.", "The whale sang to the snail, and the snail sang too."]
TOKENIZER = train_tokenizer(STORIES, 280)
BYTES = token_bytes(TOKENIZER)


def test_vocabulary_has_the_asked_size_and_EOT_first():
    assert TOKENIZER.get_vocab_size() == len(BYTES) == 280
    assert TOKENIZER.token_to_id(EOT) == 0
    assert BYTES[0] == 0
    assert BYTES[1:].min() == 1 < BYTES.max()


@given(st.text())
@example(f"written out {EOT} in a story")
@example(" caf\u00e9 e\u0301 \U0001f40c\r\n\x00")
def test_sizes_of_the_ids_add_up_to_the_size_of_any_text(text):
    ids = TOKENIZER.encode(text).ids
    assert BYTES[ids].sum() == len(text.encode())
    assert TOKENIZER.decode(ids) == text


def test_saved_tokenizer_loads_as_it_was(tmp_path):
    path = tmp_path / "tokenizer.json"
    TOKENIZER.save(str(path))
    loaded = load_tokenizer(path)
    assert fingerprint(loaded) == fingerprint(TOKENIZER)
    assert fingerprint(loaded) != fingerprint(train_tokenizer(STORIES, 270))
    text = f"a snail {EOT}"
    assert loaded.encode(text).ids == TOKENIZER.encode(text).ids


def test_training_reads_only_the_first_stories(monkeypatch):
    monkeypatch.setattr(module, "MAX_TRAINING_STORIES", 2)
    endless = itertools.chain(STORIES, itertools.repeat("zzzzzz"))
    assert fingerprint(train_tokenizer(endless, 280)) == fingerprint(TOKENIZER)


@pytest.mark.parametrize(
    ("stories", "vocab_size", "message"),
    [
        (STORIES, 256, "256 is too small: .* at least 257"),
        (["abab"], 4096, "4096 is too large: the text supports 259 tokens"),
    ],
)
def test_vocabulary_that_cannot_be_had(stories, vocab_size, message):
    with pytest.raises(UserError, match=message):
        train_tokenizer(stories, vocab_size)


def test_what_a_file_asks_for_beside_its_vocabulary_is_left_out(tmp_path):
    path, stories = tmp_path / "tokenizer.json", ["a snail", "and a whale"]
    tokenizer = bytes_with()
    tokenizer.add_tokens([EOT])  # no special one
    plain = [encoding.ids for encoding in tokenizer.encode_batch(stories)]
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding()
    tokenizer.model.dropout = 0.5
    tokenizer.save(str(path))
    loaded = load_tokenizer(path)
    assert [encoding.ids for encoding in loaded.encode_batch(stories)] == plain
    assert loaded.model.dropout is None
    assert token_bytes(loaded)[loaded.token_to_id(EOT)] == 0


def words() -> Tokenizer:
    return Tokenizer(models.WordLevel({EOT: 0, "snail": 1}, unk_token=EOT))


def bytes_with(*, eot: bool = True, prefix_space: bool = False) -> Tokenizer:
    tokens = [EOT] * eot + sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def with_a_gap() -> Tokenizer:
    tokens = [EOT, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {token: i for i, token in enumerate(tokens)} | {"aa": 999}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def lowercased() -> Tokenizer:
    tokenizer = bytes_with()
    tokenizer.normalizer = normalizers.Lowercase()
    return tokenizer


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such tokenizer file"),
        ("{}", "not a tokenizer.json"),
        (words().to_str(), "not a byte-level"),
        (bytes_with(prefix_space=True).to_str(), "not a byte-level"),
        (lowercased().to_str(), "not a byte-level"),
        (with_a_gap().to_str(), "258 tokens have ids up to 999, with gaps"),
        (bytes_with(eot=False).to_str(), r"no token <\|endoftext\|>"),
    ],
    ids=["missing", "other JSON", "words", "prefix space", "lowercased", "a gap", "no EOT"],
)
def test_tokenizer_file_that_cannot_be_used(tmp_path, content, message):
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=f"tokenizer.json: .*{message}"):
        load_tokenizer(path)


def with_added(*tokens) -> Tokenizer:
    tokenizer = bytes_with()
    tokenizer.add_tokens(list(tokens))
    return tokenizer


ADDED = [
    "🐌",
    "café",
    "<pad>",
    "  ",
    AddedToken("naïve", normalized=True),
    AddedToken("at", single_word=True),
]
texts = st.lists(
    st.sampled_from([*map(str, ADDED[:4]), "naïve", "at", " ", "é", "x", "\n", EOT[:5]])
)


@given(texts.map("".join))
def test_the_bytes_of_the_ids_of_a_text_are_those_of_the_text(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "added.json"
    if not path.exists():
        tokenizer = with_added(*ADDED)
        tokenizer.add_special_tokens(["<s>", "é"])
        tokenizer.save(str(path))
    tokenizer = load_tokenizer(path)
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert token_bytes(tokenizer)[ids].sum() == len(text.encode())


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (AddedToken("café", lstrip=True), "takes the spaces beside it along"),
        (AddedToken("snail", rstrip=True), "takes the spaces beside it along"),
        ("Ġ", "is a token of the vocabulary too, where it spells other bytes"),
    ],
)
def test_added_tokens_that_stand_for_other_text_are_refused(tmp_path, token, reason):
    path = tmp_path / "tokenizer.json"
    with_added(token).save(str(path))
    with pytest.raises(UserError, match=f"the added token .* {reason}, so that bits per byte"):
        load_tokenizer(path)
