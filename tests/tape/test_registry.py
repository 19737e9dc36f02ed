"""What makes an op, and what calling one does."""

import inspect

import numpy as np
import pytest

import ops
from tape import REGISTRY, Op, Sample, Tape, Tensor, normal, op

SAMPLES = (Sample(normal(2)),)
X = Tensor(np.array([[1.0, 2.0]], np.float32), requires_grad=True, name="x")


def nothing(x, /):
    return x, lambda g: g


def no_operands(x):
    return x, lambda g: g


def exp(x, /):
    return np.exp(x), lambda g: g


@pytest.mark.parametrize(
    ("fn", "samples", "says"),
    [
        (nothing, (), "op nothing has no samples"),
        (no_operands, SAMPLES, "op no_operands has no operands"),
        (exp, SAMPLES, "an op exp already"),
    ],
)
def test_an_op_without_samples_or_operands_or_with_a_taken_name_is_refused(fn, samples, says):
    with pytest.raises(ValueError, match=says):
        op(samples=samples)(fn)
    assert REGISTRY.get(fn.__name__) is getattr(ops, fn.__name__, None)


def test_an_op_is_registered_with_its_docstring_signature_and_samples():
    @op(samples=iter(SAMPLES))
    def scale(x, /, factor: float = 2.0):
        """x times a factor."""
        return x * factor, lambda g: g * factor

    assert isinstance(scale, Op)
    assert scale.samples == SAMPLES
    assert (scale.name, scale.__name__, scale.__doc__) == ("scale", "scale", "x times a factor.")
    assert list(inspect.signature(scale).parameters) == ["x", "factor"]
    assert repr(scale) == "<op scale(x, /, factor: float = 2.0)>"
    assert scale(X).tape is None, "without a tape nothing is recorded"


def test_every_op_of_the_project_is_found_by_its_name():
    assert all(REGISTRY[name] is getattr(ops, name) for name in ops.__all__)


def test_options_are_passed_by_place_or_by_name_and_tensors_among_them_as_arrays():
    seen = []

    @op(samples=SAMPLES)
    def look(x, /, index=None, *, flag=None):
        seen.append((type(x), index, flag))
        return x, lambda g: g

    row = Tensor([0, 1])
    look(X, (slice(None), row), flag=row)

    ((operand, (_, index), flag),) = seen
    assert operand is np.ndarray
    assert index is row.data and flag is row.data


@pytest.mark.parametrize("call", [lambda: X[X], lambda: X[0, X], lambda: ops.softmax(X, mask=X)])
def test_an_option_that_wants_a_gradient_is_refused(call):
    with pytest.raises(TypeError, match=r"no gradient flows through an option.*name='x'"):
        call()


def test_a_cotangent_that_is_a_function_is_called_only_if_it_is_wanted():
    called = []

    @op(samples=SAMPLES)
    def product(a, b, /):
        def vjp(g):
            def da():
                called.append("da")
                return g * b

            def db():
                called.append("db")
                return g * a

            return da, db

        return a * b, vjp

    with Tape() as tape:
        loss = product(Tensor([[3.0, 4.0]]), X).sum()
    sink = {}
    tape.backward(loss, into=sink)

    assert called == ["db"]
    np.testing.assert_array_equal(sink[X], [[3.0, 4.0]])


def test_a_cotangent_of_none_is_no_gradient():
    @op(samples=SAMPLES)
    def first(a, b, /):
        return a, lambda g: (g, None)

    unused = Tensor([[0.0, 0.0]], requires_grad=True)
    with Tape() as tape:
        loss = first(X, unused).sum()
    sink = {}
    tape.backward(loss, into=sink)

    assert list(sink) == [X]


@pytest.mark.parametrize("absent", [(), (None,)])
def test_an_operand_may_be_left_out(absent):
    weight = Tensor(np.ones((3, 2), np.float32), requires_grad=True)

    with Tape() as tape:
        y = ops.linear(X, weight, *absent)

    assert tape.records[0].sources == (X, weight, None)
    sink = {}
    tape.backward(y, np.ones(y.shape), into=sink)
    np.testing.assert_array_equal(sink[weight], np.repeat(X.data, 3, axis=0))


def test_a_sequence_of_operands():
    y = Tensor(np.array([[3.0]], np.float32), requires_grad=True)

    with Tape() as tape:
        joined = ops.concatenate([X, y, X], axis=1)
    sink = {}
    tape.backward(joined, [[1.0, 2.0, 4.0, 8.0, 16.0]], into=sink)

    assert tape.records[0].sources == (X, y, X)
    np.testing.assert_array_equal(sink[X], [[9.0, 18.0]])
    np.testing.assert_array_equal(sink[y], [[4.0]])


def test_a_result_of_integers_wants_no_gradient():
    @op(samples=SAMPLES)
    def rounded(x, /):
        return x.astype(np.int64), None

    with Tape() as tape:
        y = rounded(X)

    assert y.dtype == np.int64
    assert not y.requires_grad and not tape.records[0].requires_grad
