"""What holds for every op, checked on every sample it was registered with."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

import ops
from tape import REGISTRY, Extreme, Kink, Op, Record, Sample, Tape, Tensor, gradcheck
from tape.watch.guard import arrays_in

from .running import (
    bound,
    differentiable,
    joined,
    random_like,
    raw_cotangents,
    value_and_gradients,
)

OPS = [op for op in REGISTRY.values() if op.__module__.startswith("ops.")]


def alike(op: Op, sample: Sample) -> list[int]:
    """The places of the first floating operand and those of its shape, if there is one."""
    operands, _ = bound(op, sample)
    floating = [
        i for i, x in enumerate(operands) if isinstance(x, np.ndarray) and x.dtype.kind == "f"
    ]
    places = [i for i in floating if operands[i].shape == operands[floating[0]].shape]
    return places if len(places) > 1 else []


CASES = [
    pytest.param(op, sample, id=f"{op.name}-{i}")
    for op in OPS
    for i, sample in enumerate(op.samples)
]
SMOOTH = [case for case in CASES if not isinstance(case.values[1], Kink | Extreme)]
every_sample = pytest.mark.parametrize(("op", "sample"), CASES)


class NotFloat64(np.ndarray):
    """An array that refuses to take part in making one of float64."""

    def __array_finalize__(self, source: Any) -> None:
        assert self.dtype != np.float64


LAYOUTS = {
    "column-major": lambda x: x.copy(order="F"),
    "reversed": lambda x: np.asarray(np.flip(np.flip(x).copy())),
    "with gaps": lambda x: np.stack([x, x], -1)[..., 0],
}


def frozen(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.setflags(write=False)
    return x


def recorded(
    op, sample, dtype=np.float64, change: Callable[[np.ndarray], np.ndarray] = np.copy
) -> list[tuple[np.ndarray, Record]]:
    """The results of the op for `change` of each array among its operands, and their records."""
    operands, call = bound(op, sample, dtype)
    operands = [change(x) if isinstance(x, np.ndarray) else x for x in operands]
    with Tape() as tape:
        outputs = call(op, *map(differentiable, operands))
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return list(zip([output.data for output in outputs], tape.records, strict=True))


def operands_of(record: Record) -> list[np.ndarray]:
    return [x.data for x in record.sources if isinstance(x, Tensor)]


def share_memory(array: np.ndarray, others: list[np.ndarray]) -> bool:
    return any(np.shares_memory(array, other) for other in others)


@pytest.fixture(autouse=True)
def no_warnings_of_extremes(request) -> Iterator[None]:
    """What overflows there is meant to; elsewhere a warning is a failure."""
    callspec = getattr(request.node, "callspec", None)
    extreme = callspec and isinstance(callspec.params.get("sample"), Extreme)
    with np.errstate(all="ignore" if extreme else None):
        yield


@pytest.fixture
def twins() -> dict[str, Callable[..., Any]]:
    pytest.importorskip("torch")
    from .torch_twins import TWINS

    return TWINS


def test_every_public_name_is_a_registered_op():
    assert {name: getattr(ops, name) for name in ops.__all__} == {op.name: op for op in OPS}


def test_every_op_has_a_torch_twin(twins):
    assert twins.keys() == {op.name for op in OPS}


@pytest.mark.parametrize(("op", "sample"), SMOOTH)
def test_gradients_are_central_differences(op, sample):
    operands, call = bound(op, sample)
    gradcheck(partial(call, op), *operands)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 3e-6)])
@every_sample
def test_value_and_gradients_are_those_of_torch(op, sample, dtype, tolerance, twins):
    torch = pytest.importorskip("torch")
    operands, call = bound(op, sample, dtype)
    value, gradients = value_and_gradients(partial(call, op), *operands)

    tensors = [torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in operands]
    leaves = [x.requires_grad_() for x in tensors if torch.is_tensor(x) and x.is_floating_point()]
    expected = joined(call(twins[op.name], *tensors), torch.cat)
    expected.backward(torch.from_numpy(random_like(value)))

    wanted = [x.detach().numpy() for x in (expected, *(leaf.grad for leaf in leaves))]
    for ours, theirs in zip([value, *gradients], wanted, strict=True):
        atol = tolerance * np.abs(theirs).max(initial=1)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=atol, strict=True)


@pytest.mark.parametrize(("op", "sample"), [c for c in CASES if not c.values[0].as_given])
def test_float32_stays_float32_throughout(op, sample):
    for y, record in recorded(op, sample, np.float32, change=lambda x: x.view(NotFloat64)):
        raw = raw_cotangents(record, random_like(y).view(NotFloat64))
        assert {x.dtype for x in [y, *raw]} == {np.dtype(np.float32)}
        assert all(x.dtype != np.float64 for x in arrays_in(record.vjp))


@every_sample
def test_operands_and_cotangent_are_only_read(op, sample):
    pairs = zip(recorded(op, sample), recorded(op, sample, change=frozen), strict=True)
    for (y, record), (frozen_y, frozen_record) in pairs:
        g = random_like(y)
        raw = raw_cotangents(record, g)
        frozen_raw = raw_cotangents(frozen_record, frozen(g))
        np.testing.assert_equal([y, *raw], [frozen_y, *frozen_raw])
        np.testing.assert_equal(operands_of(record), operands_of(frozen_record))
        np.testing.assert_equal(g, random_like(y))


@pytest.mark.parametrize("layout", LAYOUTS)
@every_sample
@pytest.mark.pitfall("non-contiguous inputs and cotangents")
def test_memory_layout_does_not_matter(op, sample, layout):
    pairs = zip(recorded(op, sample), recorded(op, sample, change=LAYOUTS[layout]), strict=True)
    for (y, record), (laid_out_y, laid_out_record) in pairs:
        raw = raw_cotangents(record, random_like(y))
        laid_out_raw = raw_cotangents(laid_out_record, LAYOUTS[layout](random_like(y)))
        for expected, found in zip([y, *raw], [laid_out_y, *laid_out_raw], strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@every_sample
def test_cotangent_may_be_one_number_repeated(op, sample):
    for y, record in recorded(op, sample):
        repeated = np.broadcast_to(0.7, y.shape)
        for expected, found in zip(
            raw_cotangents(record, repeated.copy()), raw_cotangents(record, repeated), strict=True
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@every_sample
def test_raw_cotangents_are_g_or_memory_of_their_own(op, sample):
    for y, record in recorded(op, sample):
        g = random_like(y)
        kept = [y, *operands_of(record), *arrays_in([record.vjp, record.vjp(g)])]
        kept = [x for x in kept if not np.shares_memory(x, g)]
        fresh = [x for x in raw_cotangents(record, g) if not np.shares_memory(x, g)]
        for i, raw in enumerate(fresh):
            assert not share_memory(raw, kept)
            assert not share_memory(raw, fresh[:i])


@every_sample
def test_vjp_gives_the_same_when_called_again(op, sample):
    for y, record in recorded(op, sample):
        g = random_like(y)
        first = [x.copy() for x in raw_cotangents(record, g)]
        np.testing.assert_equal(raw_cotangents(record, g), first)


@every_sample
def test_cotangents_of_operands_may_be_made_at_once(op, sample):
    operands, call = bound(op, sample)
    gradients_of = partial(value_and_gradients, partial(call, op), *operands)

    def last_first(fn, items):
        made = [threads.submit(fn, item) for item in reversed(items)]
        return [one.result() for one in reversed(made)]

    with ThreadPoolExecutor(3, initializer=partial(np.seterr, all="ignore")) as threads:
        np.testing.assert_equal(gradients_of(mapper=last_first), gradients_of())


@pytest.mark.parametrize(("op", "sample"), [case for case in CASES if alike(*case.values)])
@pytest.mark.pitfall("two inputs that are the same tensor")
def test_one_tensor_in_several_places_gets_the_sum_of_their_gradients(op, sample):
    operands, call = bound(op, sample)
    places = alike(op, sample)
    data = operands[places[0]]
    apart = [Tensor(data, True) if i in places else x for i, x in enumerate(operands)]
    once = Tensor(data, True)
    shared = [once if i in places else x for i, x in enumerate(operands)]
    for tensors in (apart, shared):
        with Tape() as tape:
            output = joined(call(op, *tensors))
        tape.backward(output, random_like(output.data))
    np.testing.assert_allclose(once.grad, sum(apart[i].grad for i in places), rtol=1e-12)
