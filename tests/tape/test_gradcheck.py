"""The witness: it must reject planted faults and accept what is right."""

import re

import numpy as np
import pytest

import ops
from ops import composed
from tape import Extreme, GradcheckError, Kink, Sample, Tensor, check, gradcheck, normal, op

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 3))
Y = RNG.standard_normal((3, 3))
X.flags.writeable = Y.flags.writeable = False  # what is checked is a copy
SAMPLES = (Sample(normal(2)),)


def zero_vjp(x, /):
    return x * x, lambda g: np.zeros_like(g)


def no_cotangent(x, /):
    return x * x, lambda g: None


def missing_term(x, /):
    return x * x, lambda g: g * x


def missing_operand(a, b, /):
    return a * b, lambda g: (g * b, None)


def sign_flip(a, b, /):
    return a - b, lambda g: (g, g)


def slightly_large(x, /):
    return np.exp(x), lambda g: g * np.exp(x) * (1 + 1e-4)


def sign_flip_of_one(x, /):
    return x * 3, lambda g: -3 * g


def wrong_axis(x, /):
    return x.sum(-1), lambda g: np.broadcast_to(g, x.shape)


def transposed(a, b, /):
    return a @ b, lambda g: (g @ b.T, g @ a.T)


def not_a_number(x, /):
    return x * x, lambda g: np.full_like(g, np.nan)


def wrong_in_one_element(a, b, /):
    def vjp(g):
        db = g * a
        db[1, 2] *= 1.001
        return g * b, db

    return a * b, vjp


@pytest.mark.parametrize(
    ("fault", "inputs"),
    [
        (zero_vjp, [X]),
        (zero_vjp, [1e-7 * X]),
        (zero_vjp, [np.array(1e-7)]),
        (no_cotangent, [1e-7 * X]),
        (missing_term, [X]),
        (missing_operand, [X, Y]),
        (sign_flip, [X, Y]),
        (slightly_large, [X]),
        (wrong_axis, [X]),
        (transposed, [X, Y]),
        (not_a_number, [X]),
        (wrong_in_one_element, [X, Y]),
    ],
)
def test_a_planted_fault_is_rejected(fault, inputs):
    with pytest.raises(GradcheckError, match=f"^{fault.__name__}: gradient of input"):
        gradcheck(op(samples=SAMPLES)(fault), *inputs)


@pytest.mark.pitfall("a cotangent of ones, which hides a wrong softmax VJP")
def test_trap_a_wrong_softmax_vjp_that_a_cotangent_of_ones_hides_is_rejected():
    @op(samples=SAMPLES)
    def thrice(x, /):
        y = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
        return y, lambda g: 3 * y * (g - (g * y).sum(-1, keepdims=True))

    gradcheck(lambda x: thrice(x).sum(), X, atol=1e-9)  # the sum of a softmax: ones come back
    with pytest.raises(GradcheckError):
        gradcheck(thrice, X)


@pytest.mark.parametrize(
    "leak",
    [
        lambda x: x * 2.0 + Tensor(np.exp(x.data)),
        lambda x: Tensor(np.exp(x.data)),
        lambda x: x * x.detach(),
    ],
)
@pytest.mark.pitfall("an op that drops out of the graph")
def test_trap_an_op_that_drops_out_of_the_graph_is_rejected(leak):
    with pytest.raises(GradcheckError):
        gradcheck(leak, X)


def test_the_message_names_the_ops_the_input_the_index_and_both_values():
    faulty = op(samples=SAMPLES)(wrong_in_one_element)

    with pytest.raises(GradcheckError) as error:
        gradcheck(lambda a, b: -faulty(a, b), X, Y)

    message = re.fullmatch(
        r"wrong_in_one_element -> negative: gradient of input 1 at \(1, 2\) is (\S+), "
        r"central difference (\S+) \(tolerance \S+\)",
        str(error.value),
    )
    found, expected = map(float, message.groups())
    assert found / expected == pytest.approx(1.001)


@pytest.mark.parametrize(
    ("fn", "inputs"),
    [
        pytest.param(ops.exp, [np.array(0.3)], id="0-d"),
        pytest.param(ops.multiply, [0.3, 2.0], id="Python floats"),
        pytest.param(ops.exp, [np.empty((0, 3))], id="size 0"),
        pytest.param(lambda x: ops.sum(x, axis=0), [np.empty((0, 3))], id="sum of nothing"),
        pytest.param(ops.matmul, [X.T, Y[::-1, ::2]], id="non-contiguous"),
        pytest.param(ops.matmul, [np.asfortranarray(X), Y[:, 0]], id="column-major and strided"),
        pytest.param(ops.multiply, [X[:, :1], Y[0]], id="broadcast"),
        pytest.param(ops.multiply, [1e-7 * X, 1e-7 * X], id="small"),
        pytest.param(ops.multiply, [1e7 * X, 1e7 * X], id="large"),
        pytest.param(ops.tanh, [X.astype(np.float32)], id="float32, checked in float64"),
        pytest.param(ops.tanh, [Tensor(X)], id="a tensor"),
        pytest.param(ops.embedding, [np.array([2, 0, 2]), X], id="integers passed through"),
        pytest.param(ops.where, [X > 0, X, Y], id="booleans passed through"),
        pytest.param(composed.layernorm, [X, Y[0], Y[1]], id="many ops"),
        pytest.param(lambda x: ops.softmax(x).sum(), [X], id="a gradient of zero"),
        pytest.param(lambda x, unused: x * x, [X, Y], id="an input that is not used"),
        pytest.param(lambda x: Tensor(np.ones(2)) * 2.0, [X], id="a constant"),
    ],
)
def test_what_is_right_passes(fn, inputs):
    gradcheck(fn, *inputs)


def test_the_samples_of_an_op_are_checked_without_its_kinks_and_extremes():
    def halve(x, /):
        return x / 2, lambda g: g * np.where(np.abs(x) < 2, 0.5, 0.4)

    fine = [Sample(normal(2, scale=0.1)), Kink(np.array([3.0])), Extreme(np.array([4.0]))]
    check(op(samples=fine)(halve))
    halve.__name__ = "halve_again"
    with pytest.raises(GradcheckError, match="sample 1 of halve_again: gradient of input 0"):
        check(op(samples=[fine[0], Sample(np.array([3.0]))])(halve))


def test_the_seed_decides_the_cotangent():
    def message(**seed):
        with pytest.raises(GradcheckError) as caught:
            gradcheck(faulty_square, X, **seed)
        return str(caught.value)

    faulty_square = op(samples=SAMPLES)(missing_term)
    assert message() == message() == message(seed=0) != message(seed=1)


def test_several_results_may_come_of_the_same_records():
    def twice(x):
        y = x * x
        return [y, y * 2.0]

    gradcheck(twice, X)


@pytest.mark.parametrize("first", [3, [3.0, 4.0], np.array([1, 0]), Tensor([2, 1])])
def test_what_has_no_gradient_is_passed_on_and_what_comes_after_is_checked(first):
    def ignore_first(_, x):
        assert type(_) is type(first)
        return faulty(x)

    faulty = op(samples=SAMPLES)(sign_flip_of_one)
    with pytest.raises(GradcheckError, match="gradient of input 1"):
        gradcheck(ignore_first, first, X)


def test_integers_have_no_gradient_to_check():
    gradcheck(lambda index, x: x[index], Tensor([2, 1]), X)
    for nothing in ([], [Tensor([2, 1])], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match="nothing to check"):
            gradcheck(ops.exp, *nothing)


@pytest.mark.parametrize("x", [2.0, np.float32(2), np.array(2.0), Tensor(np.float32(2))])
def test_floating_inputs_of_every_kind_are_checked_in_float64(x):
    def fn(x):
        assert x.dtype == np.float64
        return faulty(x)

    faulty = op(samples=SAMPLES)(sign_flip_of_one)
    with pytest.raises(GradcheckError):
        gradcheck(fn, x)
    gradcheck(fn, x, atol=100.0)


@pytest.mark.parametrize(
    ("returned", "kind"),
    [
        (lambda x: x.data, "ndarray"),
        (lambda x: 1.0, "float"),
        (lambda x: None, "NoneType"),
        (lambda x: {"y": x}, "dict"),
        (lambda x: [x, [x]], "list"),
    ],
)
def test_what_is_no_tensor_is_named(returned, kind):
    with pytest.raises(TypeError, match=f"returns a tensor, or a list or tuple .*, not {kind}$"):
        gradcheck(returned, np.ones(2))


def test_tuples_and_inputs_as_they_came_are_checked():
    gradcheck(lambda x: x, np.ones(2))
    gradcheck(lambda x, y: (x * y, x, x), np.ones(2), np.full(2, 3.0))
    twice = op(samples=[Sample(normal(2))])(lambda_named("twice", lambda x: (2 * x, lambda g: g)))
    with pytest.raises(GradcheckError, match="twice: gradient of input 0"):
        gradcheck(lambda x: (x, twice(x)), np.ones(2))


def lambda_named(name, function):
    def named(x, /):
        return function(x)

    named.__name__ = name
    return named


@pytest.mark.parametrize("nothing", [lambda x: x, np.exp, "exp", None])
def test_check_of_what_is_no_op_says_what_to_call(nothing):
    with pytest.raises(TypeError, match=r"check takes an op, .*: use gradcheck"):
        check(nothing)


def test_a_function_that_writes_to_its_input_is_refused():
    def writes(x, y):
        y.data[0] += 1
        return x * y

    with pytest.raises(ValueError, match="the function writes to input 1"):
        gradcheck(writes, np.ones(2), np.ones(2))


def test_an_input_that_is_not_a_number_is_not_taken_for_one_that_changed():
    with pytest.raises(GradcheckError, match="central difference nan"):
        gradcheck(lambda x: x * 2, np.array([np.nan]))
