"""Where an op was called, as its record knows it."""

import functools
import operator
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import ops
from models import Linear
from ops import composed
from tape import Tape, Tensor, scope
from tape.place import current_scope, line_of_caller, scope_parts


def leaf(*shape):
    return Tensor(np.ones(shape, np.float32), requires_grad=True)


def here():
    """ "file:line" of the caller, as records know it."""
    return f"{__file__}:{sys._getframe(1).f_lineno}"


@pytest.mark.parametrize(
    "call",
    [
        ops.exp,
        operator.neg,
        functools.partial(operator.sub, 1.0),
        Tensor.tanh,
        list,
        composed.gelu_tanh,
        composed.layernorm,
    ],
)
def test_records_know_the_line_of_the_users_code(call):
    x = leaf(2, 3)

    with Tape() as tape:
        _, line = call(x), here()

    assert {record.line for record in tape.records} == {line}


def test_scopes_nest_and_are_left_when_the_block_raises():
    x = leaf(2)

    with Tape() as tape:
        with scope("blocks"):
            with pytest.raises(ZeroDivisionError), scope("3"), scope("attn"):
                x = x * 2.0
                raise ZeroDivisionError
            x = x * 2.0
        x = x * 2.0

    assert [record.scope for record in tape.records] == ["blocks.3.attn", "blocks", ""]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("", ()),
        ("head", ("head",)),
        ("blocks.3", ("blocks.3",)),
        ("blocks.3.attention", ("blocks.3", "attention")),
        ("model.blocks.12.mlp.0.up", ("model", "blocks.12", "mlp.0", "up")),
        ("grid.3.4", ("grid.3.4",)),
    ],
)
def test_a_number_belongs_to_the_part_of_a_scope_that_it_counts(name, parts):
    assert scope_parts(name) == parts


def test_trap_scopes_that_close_in_any_order_close_themselves():
    outer, inner = scope("outer"), scope("inner")
    outer.__enter__()
    inner.__enter__()
    outer.__exit__()
    assert current_scope() == "inner"
    inner.__exit__()
    assert current_scope() == ""


def test_a_generator_that_is_closed_late_takes_only_its_own_scope():
    def layers():
        with scope("layers"):
            yield current_scope()

    going = layers()
    assert next(going) == "layers"
    with scope("after"):
        going.close()
        assert current_scope() == "after"
    assert current_scope() == ""


def test_a_generator_that_another_thread_closes_takes_only_its_own_scope():
    def layers():
        with scope("layers"):
            yield

    going = layers()
    next(going)
    with scope("after"):
        with ThreadPoolExecutor(1) as threads:
            threads.submit(going.close).result()
        assert current_scope() == "after"


def test_one_scope_may_be_open_twice():
    again = scope("again")
    with again, scope("between"), again:
        assert current_scope() == "again.between.again"
    assert current_scope() == ""


def test_an_error_in_a_layer_names_the_caller_outside_models_too():
    layer = Linear(3, 2, np.random.default_rng(0))
    with pytest.raises(ValueError) as error:
        _ = (line := f"{__file__}:{sys._getframe().f_lineno}"), layer(np.ones((1, 4)))
    (note,) = error.value.__notes__
    assert re.search(r"called at .*layers\.py:\d+, for ", note)
    assert line in note


def test_a_module_of_the_users_that_is_called_like_ours_is_the_caller(tmp_path):
    for name in ("ops", "models", "tape"):
        program = compile(
            "def line():\n    return line_of_caller()", f"{tmp_path}/{name}.py", "exec"
        )
        found = {"__name__": f"{name}.own", "line_of_caller": line_of_caller}
        exec(program, found)
        assert found["line"]() == f"{tmp_path}/{name}.py:2"


def test_threads_that_share_a_scope_close_each_its_own():
    shared, names = scope("shared"), []

    def other():
        with shared:
            entered.set()
            left.wait(5)
            names.append(current_scope())
        names.append(current_scope())

    entered, left = threading.Event(), threading.Event()
    thread = threading.Thread(target=other)
    with shared:
        thread.start()
        entered.wait(5)
    names.append(current_scope())
    left.set()
    thread.join()
    assert names == ["", "shared", ""]
