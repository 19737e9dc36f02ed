"""What makes an op, and what calling one does."""

import inspect

import numpy as np
import pytest

import ops
import tape.registry
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


@pytest.mark.parametrize("nested", [lambda index: index, lambda index: (slice(None), index)])
def test_a_list_that_is_changed_after_the_call_changes_nothing(nested):
    x, index = Tensor(np.ones((3, 3)), requires_grad=True), [0, Tensor(2)]
    with Tape() as tape:
        y = x[nested(index)]
        expected = np.zeros((3, 3))
        expected[nested([0, 2])] = 1
        index[:] = [1, 1]
    tape.backward(y, np.ones(y.shape))
    np.testing.assert_array_equal(x.grad, expected)


def test_a_numpy_scalar_among_the_options_widens_nothing():
    q = np.ones((1, 2, 4), np.float32)
    y = ops.scaled_dot_product_attention(q, q, q, scale=1 / np.sqrt(4))
    assert y.dtype == np.float32


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


def test_a_string_among_the_operands_is_passed_on_as_it_is():
    @op(samples=SAMPLES)
    def times(how, x, /):
        factor = {"twice": 2, "thrice": 3}[how]
        return x * factor, lambda g: (None, g * factor)

    with Tape() as tape:
        y = times("thrice", X)
    sink = {}
    tape.backward(y, [[1.0, 10.0]], into=sink)

    np.testing.assert_array_equal(y.data, [[3.0, 6.0]])
    np.testing.assert_array_equal(sink[X], [[3.0, 30.0]])
    assert tape.records[0].sources == (None, X)
    with pytest.raises(KeyError) as caught:
        times("once", X)
    assert caught.value.__notes__[0].startswith("in times('once', float32(1, 2)), called at")


@pytest.mark.parametrize("found", [np.ones((2, 3)), (np.ones(2),), [(X, None, None)], None])
def test_an_op_that_returns_no_pair_is_told_so(found):
    @op(samples=SAMPLES)
    def forgetful(x, /):
        return found

    with pytest.raises(TypeError, match="an op returns its result and its VJP") as caught:
        forgetful(X)
    assert "in forgetful(" in caught.value.__notes__[0]


def test_arguments_beyond_those_of_the_op_are_refused():
    with pytest.raises(TypeError, match=r"too many arguments by place \(3\) for <op add\(a"):
        ops.add(X, X, X)


def test_operands_may_be_given_by_name():
    x, w, b = Tensor(np.ones((2, 3)), True), Tensor(np.ones((4, 3)), True), Tensor(np.ones(4), True)
    with Tape() as tape:
        y = ops.linear(x, bias=b, weight=w)
    tape.backward(y, np.ones((2, 4)))
    assert tape.records[0].sources == (x, w, b)
    np.testing.assert_array_equal(b.grad, [2, 2, 2, 2])
    assert ops.clip(x, a_max=0.5).data.max() == 0.5
    assert ops.var(x=[1.0, 3.0], ddof=1).item() == 2
    with pytest.raises(TypeError, match=r"concatenate.* takes a sequence first"):
        ops.concatenate()
    with pytest.raises(TypeError, match="missing a required argument: 'weight'"):
        ops.linear(x, bias=b)
    with pytest.raises(TypeError, match="multiple values for argument 'weight'"):
        ops.linear(x, w, weight=w)


def test_a_sequence_of_operands():
    y = Tensor(np.array([[3.0]], np.float32), requires_grad=True)

    with Tape() as tape:
        joined = ops.concatenate([X, y, X], axis=1)
    sink = {}
    tape.backward(joined, [[1.0, 2.0, 4.0, 8.0, 16.0]], into=sink)

    assert tape.records[0].sources == (X, y, X)
    np.testing.assert_array_equal(sink[X], [[9.0, 18.0]])
    np.testing.assert_array_equal(sink[y], [[4.0]])


def joined(arrays, /, axis=0, times=1.0):
    """Arrays beside one another along an axis, and all that `times`."""

    def vjp(g):
        ends = np.cumsum([x.shape[axis] for x in arrays])[:-1]
        return tuple(times * part for part in np.split(g, ends, axis))

    return times * np.concatenate(arrays, axis), vjp


@pytest.mark.parametrize(
    "settings", [((1, 3.0), {}), ((1,), {"times": 3.0}), ((), {"axis": 1, "times": 3.0})]
)
def test_options_of_an_op_on_a_sequence_are_given_by_place_or_by_name(settings):
    by_place, by_name = settings
    row = Tensor(np.array([[5.0]], np.float32), requires_grad=True)

    with Tape() as tape:
        y = op(samples=SAMPLES, of_sequence=True)(joined)([X, row], *by_place, **by_name)
    sink = {}
    tape.backward(y, np.ones(y.shape), into=sink)

    np.testing.assert_array_equal(y.data, [[3, 6, 15]])
    np.testing.assert_array_equal(sink[X], [[3, 3]])
    assert tape.records[0].sources == (X, row)


@pytest.mark.parametrize(
    ("by_place", "by_name", "says"),
    [
        ((1, 3.0, True), {}, "too many arguments by place (4) for <op joined"),
        ((1,), {"axis": 1}, "multiple values for argument 'axis'"),
        ((1, 3.0), {"times": 1.0, "axis": 0}, "multiple values for argument"),
    ],
)
def test_an_option_given_twice_or_beyond_those_of_the_op_is_refused(by_place, by_name, says):
    with pytest.raises(TypeError) as error:
        op(samples=SAMPLES, of_sequence=True)(joined)([X, X], *by_place, **by_name)
    assert says in str(error.value)


def test_an_option_of_an_op_on_a_sequence_that_wants_a_gradient_is_refused_by_place_too():
    with pytest.raises(TypeError, match=r"no gradient flows through an option.*name='x'"):
        op(samples=SAMPLES, of_sequence=True)(joined)([X, X], 0, X)


def pieces(x, /, n=2):
    """x cut into n pieces along its last axis."""

    def cut(columns):
        def vjp(g):
            dx = np.zeros_like(x)
            dx[..., columns] = g
            return dx

        return x[..., columns], vjp

    return [cut(columns) for columns in np.split(np.arange(x.shape[-1]), n)]


def test_an_op_with_several_results_makes_a_record_of_each():
    w = Tensor(np.array([[1.0, 2.0, 3.0, 4.0]], np.float32), requires_grad=True, name="w")

    with Tape() as tape:
        left, right = op(samples=SAMPLES)(pieces)(w)
        loss = (left * right).sum()
    sink = {}
    tape.backward(loss, into=sink)

    assert [str(record) for record in tape.records[:2]] == [
        "#0 pieces(w) -> float32(1, 2)",
        "#1 pieces(w) -> float32(1, 2)",
    ]
    assert [(x.tape, x.number) for x in (left, right)] == [(tape, 0), (tape, 1)]
    np.testing.assert_array_equal(right.data, [[3, 4]])
    np.testing.assert_array_equal(sink[w], [[3, 4, 1, 2]])


def test_trap_a_result_that_nobody_uses_adds_nothing():
    with Tape() as tape:
        unused, used = op(samples=SAMPLES)(pieces)(X)
        loss = used.sum()
    sink = {}
    tape.backward(loss, into=sink)

    np.testing.assert_array_equal(sink[X], [[0, 1]])
    assert tape.records[unused.number].vjp is not None, "it was not walked"


@pytest.mark.parametrize("n", [1, 2])
def test_an_op_with_several_results_gives_a_list_without_a_tape_too(n):
    cut = op(samples=SAMPLES)(pieces)
    without_a_tape = cut(X, n)
    with Tape():
        with_a_tape = cut(X, n)

    for results in (without_a_tape, with_a_tape):
        assert type(results) is list
        assert [type(x) for x in results] == [Tensor] * n
    assert {x.tape for x in without_a_tape} == {None}


def test_flops_are_counted_from_the_arguments_and_shared_by_the_results():
    seen = []

    def count(x, n=2):
        seen.append((type(x), type(n)))
        return 100 * x.size

    cut = op(samples=SAMPLES, flops=count)(pieces)
    cut(X, 2)
    assert seen == [], "nobody counts without a tape"
    with Tape() as tape:
        cut(X, Tensor(2))
        X * 2.0

    assert seen == [(np.ndarray, int)]
    assert [record.flops for record in tape.records] == [100, 100, 0]


def test_a_result_of_integers_wants_no_gradient():
    @op(samples=SAMPLES)
    def rounded(x, /):
        return x.astype(np.int64), None

    with Tape() as tape:
        y = rounded(X)

    assert y.dtype == np.int64
    assert not y.requires_grad and not tape.records[0].requires_grad


def test_an_op_without_arguments_says_what_it_takes():
    with pytest.raises(TypeError, match=r"write @op\(samples=\.\.\.\) above nothing"):
        op(nothing)


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (Sample(normal(2)), r"write samples=\[\.\.\.\] for op nothing: Sample"),
        (3, r"write samples=\[\.\.\.\] for op nothing: 3"),
        ([Sample(normal(2)), normal(2)], r"a sample of op nothing is Sample\(\.\.\.\), not <func"),
        ([np.ones(2)], r"a sample of op nothing is Sample\(\.\.\.\), not array"),
    ],
)
def test_samples_that_are_none_are_named(samples, says):
    with pytest.raises(TypeError, match=says):
        op(samples=samples)(nothing)
    assert "nothing" not in REGISTRY


def test_an_operand_that_is_no_operand_is_named():
    with pytest.raises(ValueError, match="op nothing has no operand ids, y"):
        op(samples=SAMPLES, discrete=("y", "x", "ids"))(nothing)


def test_a_cell_that_runs_again_replaces_its_op():
    def cell(factor):
        @op(samples=SAMPLES)
        def scaled(x, /):
            return x * factor, lambda g: g * factor

        return scaled

    cell(2.0), cell(3.0)
    assert tape.registry.REGISTRY["scaled"](1.0).item() == 3


def test_an_op_of_another_module_is_not_replaced():
    with pytest.raises(ValueError, match=r"an op exp already, in ops\.elementary"):
        op(samples=SAMPLES)(exp)
    assert ops.exp(0.0).item() == 1


def test_data_of_an_array_inside_an_op_is_told_from_that_of_a_tensor():
    @op(samples=SAMPLES)
    def doubled(x, /):
        return x.data * 2, lambda g: 2 * g

    with pytest.raises(TypeError) as error:
        doubled(X)
    assert "an op is given arrays, not tensors: leave out .data" in error.value.__notes__


@pytest.mark.parametrize(
    "scalar",
    [np.float64(3), np.float32(3), np.int64(3), np.array(3.0), np.array(3), Tensor(3.0), 3],
)
def test_a_number_among_the_options_is_pythons(scalar):
    seen = []

    @op(samples=SAMPLES)
    def look(x, /, factor):
        seen.append(type(factor))
        return x, lambda g: g

    look(X, scalar)
    look(X, [(scalar,)])
    assert seen[0] in (int, float)


@pytest.mark.parametrize("array", [np.ones(2), np.array([1]), np.array(True)])
def test_an_array_among_the_options_stays_one(array):
    seen = []

    @op(samples=SAMPLES)
    def look(x, /, option):
        seen.append(option)
        return x, lambda g: g

    look(X, array)
    assert seen == [array] if array.ndim == 0 else seen[0] is array


def test_a_result_of_float16_that_is_no_float_stays_what_it_is():
    @op(samples=[Sample(normal(3))])
    def count_of_positives(x, /):
        return (x > 0).sum(), lambda g: np.zeros_like(x)

    assert count_of_positives(np.ones(3, np.float16)).dtype.kind == "i"


def test_an_op_that_asks_is_told_whether_a_gradient_is_wanted():
    told = []

    @op(samples=SAMPLES)
    def asking(x, /, factor=1.0, *, wants_grad=True):
        told.append(wants_grad)
        return x * factor, lambda g: g * factor

    asking(X)
    with Tape():
        asking(X)
        asking(Tensor([1.0]), 2.0)
        asking([1.0], wants_grad=True)
    assert told == [False, True, False, False]
