import os
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from train.words import printable, shell_word


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ein Käfer 🐌", "Ein Käfer 🐌"),
        ("a\nb\tc", "a\\nb\tc"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\u2028", r"\u2028"),
        (os.fsdecode(b"caf\xe9"), r"caf\xe9"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_would_break_a_line_or_show_nothing_is_escaped(text, shown):
    assert printable(text) == shown
    shown.encode()


@given(st.binary(max_size=12).filter(lambda name: b"\0" not in name))
@example(b"a name")
@example(b"$'\\x41'\n\xe9A")
def test_a_shell_reads_the_name_of_any_file(name):
    word = shell_word(os.fsdecode(name))
    assert printable(word) == word
    found = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert found.stdout == name
