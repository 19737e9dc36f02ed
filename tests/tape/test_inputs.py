"""What becomes an array as it is, and what is refused because it computes otherwise."""

from array import array

import numpy as np
import pytest

import ops
from tape import Tape, Tensor
from tape.inputs import as_array


class Crossed(np.ndarray):
    def __mul__(self, other):
        return np.cross(self, other)


class Counted(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return 0


class Averaged(np.ndarray):
    def sum(self, *args, **options):
        return self.mean()


class Heir(Crossed):
    pass


class Noted(np.ndarray):
    """Says where it comes from, and computes as any array."""

    source = "a file"

    def __new__(cls, values):
        return np.asarray(values).view(cls)

    def __array_finalize__(self, other):
        self.note = "kept"

    def __repr__(self):
        return "noted"


OTHERWISE = [
    np.ones((1, 2)).view(np.matrix),
    np.ma.masked_array([1.0, 2.0], [True, False]),
    *(np.ones(3).view(kind) for kind in (Crossed, Counted, Averaged, Heir)),
]


@pytest.mark.parametrize("value", OTHERWISE, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "use",
    [
        Tensor,
        lambda x: ops.add(x, 1.0),
        lambda x: ops.add(1.0, x),
        lambda x: ops.concatenate([x, x]),
        lambda x: Tensor(np.ones(3)) * x,
    ],
)
@pytest.mark.pitfall("a subclass of ndarray that means something else by *")
def test_trap_a_subclass_that_computes_otherwise_is_refused(value, use):
    with pytest.raises(TypeError, match=rf"{type(value).__name__} computes .* convert it by"):
        use(value)


def test_how_to_convert_is_said():
    with pytest.raises(TypeError, match=r"x\.filled\(value\)"):
        Tensor(OTHERWISE[1])
    with pytest.raises(TypeError, match=r"np\.asarray\(x\)"):
        Tensor(OTHERWISE[0])
    Tensor(np.asarray(OTHERWISE[0]))


def test_a_cotangent_that_computes_otherwise_is_refused():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with Tape() as tape:
        y = x * 2.0
    with pytest.raises(TypeError, match="MaskedArray computes otherwise"):
        tape.backward(y, OTHERWISE[1])
    tape.backward(y, Tensor([1.0, 2.0]))
    np.testing.assert_array_equal(x.grad, [2, 4])


def test_a_subclass_that_adds_something_and_changes_nothing_is_taken():
    noted = Noted([1.0, 2.0])
    assert as_array(noted) is noted
    np.testing.assert_array_equal((Tensor(noted) * 2).data, [2, 4])


def test_an_array_in_a_file_is_taken_as_a_plain_one(tmp_path):
    mapped = np.memmap(tmp_path / "numbers", np.float64, "w+", shape=(3,))
    array = as_array(mapped)
    assert type(array) is np.ndarray
    assert np.shares_memory(array, mapped)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (0.1, np.float32),
        ([0.1, 1], np.float32),
        ([[0.1], (2.0,)], np.float32),
        ([], np.float32),
        ([np.float64(0.1), 1.0], np.float64),
        ([np.array([0.1]), [1.0]], np.float64),
        (np.float64(0.1), np.float64),
        (1j, np.complex128),
        ([1, 2], np.int64),
        (range(3), np.int64),
    ],
)
def test_only_floats_of_python_become_float32(value, dtype):
    array = as_array(value)
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, np.asarray(value, dtype))


def test_only_numbers_of_python_have_no_precision():
    assert ops.exp(array("d", [1.0])).dtype == np.float64
    assert ops.multiply(2, 1j).dtype == np.complex64
