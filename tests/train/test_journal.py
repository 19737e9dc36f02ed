import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.errors import UserError
from train.journal import Journal


@pytest.fixture
def journal(tmp_path):
    return begun(tmp_path / "metrics.jsonl")


def begun(path):
    """A run of four steps with checkpoints at 0, 2 and 4."""
    path.write_bytes(b"")
    journal = Journal(path)
    journal.seal("checkpoint", 0)
    for step in (1, 2, 3, 4):
        journal.log("train", step, loss=0.5 * step)
        journal.log("sample", step, text="ein Käfer\nlief\u2028fort")
        if step % 2 == 0:
            journal.seal("checkpoint", step)
    return journal


def steps(events):
    return [event["step"] for event in events if event["event"] == "train"]


def test_events_come_back_without_a_last_one_that_was_cut_short(journal):
    with journal.path.open("a") as file:
        file.write('{"event": "train", "st')
    assert steps(journal.events()) == [1, 2, 3, 4]
    assert journal.events()[1] == {"event": "train", "step": 1, "loss": 0.5}
    assert journal.events()[2]["text"] == "ein Käfer\nlief\u2028fort"


@pytest.mark.parametrize("line", [b"{", b"", b"\xff", b"{}", b"3", b'{"event": "a", "step": "1"}'])
def test_a_line_that_is_no_event_is_named(journal, line):
    with journal.path.open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(UserError, match=r"metrics.jsonl: line 12 is no event"):
        journal.events()


def test_it_goes_back_to_a_checkpoint_and_on_from_there(journal):
    whole = journal.path.read_bytes()
    assert steps(journal.back_to(2)) == [1, 2]
    assert whole.startswith(journal.path.read_bytes())
    journal.log("train", 3, loss=0.25)
    journal.seal("checkpoint", 3)
    assert steps(journal.back_to(3)) == [1, 2, 3]
    assert journal.events()[-2]["loss"] == 0.25


def test_only_an_end_that_is_sealed_is_one(journal):
    journal.log("final", 4)
    assert not journal.ended(4)
    journal.back_to(4)
    journal.log("story", 4, text="")
    journal.seal("final", 4)
    assert journal.ended(4)
    assert not journal.ended(3)
    assert [event["event"] for event in journal.back_to(4)][-2:] == ["sample", "checkpoint"]


def test_of_an_earlier_version_the_steps_alone_are_checked(journal):
    old = [event for event in journal.events() if event["event"] != "checkpoint"]
    journal.path.write_text("".join(json.dumps(event) + "\n" for event in old))
    with pytest.raises(UserError, match="does not hold each step"):
        journal.back_to(2)
    journal.has_seals = False
    journal.log("final", 4)
    assert journal.ended(4)
    assert steps(journal.back_to(3)) == [1, 2, 3]
    assert not journal.ended(4)
    journal.log("train", 3)
    with pytest.raises(UserError, match="does not hold each step up to the checkpoint's 3 once"):
        journal.back_to(3)


@given(st.data())
def test_no_damage_is_unseen(tmp_path_factory, data):
    journal = begun(tmp_path_factory.getbasetemp() / "metrics.jsonl")
    whole = journal.path.read_bytes()
    above = whole.index(b"\n", whole.index(b'"checkpoint", "step": 2')) + 1
    place = data.draw(st.integers(0, above - 2))
    damaged = bytearray(whole)
    if data.draw(st.booleans()):
        damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del damaged[place : place + data.draw(st.integers(1, 300))]
    journal.path.write_bytes(damaged)
    try:
        left = journal.back_to(2)
    except UserError as error:
        assert "metrics.jsonl: damaged or changed" in str(error)
        assert journal.path.read_bytes() == damaged
    else:  # white space in the line of the seal
        assert left == [json.loads(line) for line in whole[:above].splitlines()]
