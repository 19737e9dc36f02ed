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
from tape.engine.place import call_site, line_of
from tape.engine.place import here as open_here


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


def test_trap_scopes_that_close_in_any_order_close_themselves():
    outer, inner = scope("outer"), scope("inner")
    outer.__enter__()
    inner.__enter__()
    outer.__exit__()
    assert open_here.scopes.path == "inner"
    inner.__exit__()
    assert open_here.scopes.path == ""


def test_a_generator_that_is_closed_late_takes_only_its_own_scope():
    def layers():
        with scope("layers"):
            yield open_here.scopes.path

    going = layers()
    assert next(going) == "layers"
    with scope("after"):
        going.close()
        assert open_here.scopes.path == "after"
    assert open_here.scopes.path == ""


def test_a_generator_that_another_thread_closes_takes_only_its_own_scope():
    def layers():
        with scope("layers"):
            yield

    going = layers()
    next(going)
    with scope("after"):
        with ThreadPoolExecutor(1) as threads:
            threads.submit(going.close).result()
        assert open_here.scopes.path == "after"


def test_one_scope_may_be_open_twice():
    again = scope("again")
    with again, scope("between"), again:
        assert open_here.scopes.path == "again.between.again"
    assert open_here.scopes.path == ""


def test_an_error_in_a_layer_names_the_caller_outside_models_too():
    layer = Linear(3, 2, np.random.default_rng(0))
    with pytest.raises(ValueError) as error:
        _ = (line := f"{__file__}:{sys._getframe().f_lineno}"), layer(np.ones((1, 4)))
    (note,) = error.value.__notes__
    assert re.search(r"called at .*layers\.py:\d+, for ", note)
    assert line in note


def recorded():
    return call_site()


def test_a_module_of_the_users_that_is_called_like_ours_is_the_caller(tmp_path):
    for name in ("ops", "models", "tape"):
        program = compile("def site():\n    return call_an_op()", f"{tmp_path}/{name}.py", "exec")
        found = {"__name__": f"{name}.own", "call_an_op": lambda: recorded()}
        exec(program, found)
        assert line_of(found["site"]()) == f"{tmp_path}/{name}.py:2"


def test_threads_that_share_a_scope_close_each_its_own():
    shared, names = scope("shared"), []

    def other():
        with shared:
            entered.set()
            left.wait(5)
            names.append(open_here.scopes.path)
        names.append(open_here.scopes.path)

    entered, left = threading.Event(), threading.Event()
    thread = threading.Thread(target=other)
    with shared:
        thread.start()
        entered.wait(5)
    names.append(open_here.scopes.path)
    left.set()
    thread.join()
    assert names == ["", "shared", ""]
