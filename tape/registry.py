"""What an op is: a function of arrays that returns its result and its VJP."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tape.arrays import FLOAT16, as_array
from tape.operands import values_of
from tape.place import current_scope, describe_call_site
from tape.samples import Sample
from tape.tape import current_tape
from tape.tensor import Tensor

REGISTRY: dict[str, Op] = {}
"""Every op by its name, in the order of registration."""


class Op:
    """A registered op; call it with tensors, arrays or numbers.

    Parameters
    ----------
    fn : callable
        From arrays to `(result, vjp)`. Its positional-only parameters are the operands, which a
        call may name all the same; all others are options, through which no gradient flows.
        `vjp(g)` takes the cotangent of the result and returns those of the operands: one, or a
        tuple with one for each. A cotangent may be None (no gradient), may still be broadcast
        (the engine sums it back), and may be a function of no arguments that makes it: called
        only if that operand wants a gradient, and then in any order or at once with the others.
        A VJP never writes to `g`; it may return `g` or a view of it, but no array that it saved.
        An operand that is a str or None is passed on as it is and gets no gradient.
        Parameters of `*`, alone, make an op of a sequence, which a call gives first; after
        positional-only ones they are further operands.
        An op with several results returns a list of such pairs: each result is a record of its
        own.
    samples : iterable of Sample
        Example calls, from which the op is checked.
    flops : callable, optional
        From the arguments of `fn` to the floating-point operations of its matrix products, 2 for
        a multiplication with its addition. Left out where an op has none.
    floating : bool
        Whether the op is one of real numbers, as `exp` and `softmax` are: integers and booleans
        among the operands are converted to a floating dtype first.
    discrete : sequence of str
        Operands whose integers or booleans mean places, classes or choices, and stay as they are.
    as_given : bool
        Whether operands come in the dtypes that they have, whatever is beside them.

    Raises
    ------
    ValueError
        If there are no samples, no operands, `discrete` names none of them, or another module has
        an op of that name. One of the same module is replaced: a notebook's cell may run again.
    TypeError
        If `samples` are no samples.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        samples: Iterable[Sample],
        flops: Callable[..., int] | None = None,
        floating: bool = False,
        discrete: Sequence[str] = (),
        as_given: bool = False,
    ) -> None:
        parameters = inspect.signature(fn).parameters.values()
        kinds = [p.kind for p in parameters]
        self.fn = fn
        self.name = fn.__name__
        self.samples = _checked(samples, self.name)
        self.flops = flops
        self.floating = floating
        self.as_given = as_given
        self.operand_names = tuple(
            p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_ONLY
        )
        self.n_operands = len(self.operand_names)
        starred = inspect.Parameter.VAR_POSITIONAL in kinds
        self.variadic = starred and not self.operand_names
        self._all_are_operands = starred and not self.variadic
        self._n_places = self.n_operands + kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self._discrete = {i for i, name in enumerate(self.operand_names) if name in discrete}
        self._keywords = [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
        if not self.samples:
            raise ValueError(f"op {self.name} has no samples: without them nothing checks it")
        if not self.variadic and not self.n_operands:
            raise ValueError(f"op {self.name} has no operands: put a / after those it has")
        if unknown := set(discrete) - set(self.operand_names):
            raise ValueError(f"op {self.name} has no operand {', '.join(sorted(unknown))}")
        known = REGISTRY.get(self.name)
        if known is not None and known.__module__ != fn.__module__:
            raise ValueError(
                f"there is an op {self.name} already, in {known.__module__}: take another name"
            )
        functools.update_wrapper(self, fn)
        REGISTRY[self.name] = self

    def __call__(self, *args: Any, **options: Any) -> Tensor | list[Tensor]:
        """Run the op, and record it if a tape is open."""
        if not options.keys().isdisjoint(self.operand_names):
            args, options = self._by_place(args, options)
        if self.variadic:
            if not args:
                raise TypeError(f"{self!r} takes a sequence first, by place")
            operands, settings = tuple(args[0]), ()
            options = self._by_name(args[1:], options)
        elif self._all_are_operands:
            operands, settings = args, ()
        elif len(args) > self._n_places:
            raise TypeError(f"too many arguments by place ({len(args)}) for {self!r}")
        else:
            operands, settings = args[: self.n_operands], args[self.n_operands :]
        try:
            values, dtype = self._values(operands)
            arguments = [*values, *map(_untaped, settings)]
            options = {key: _untaped(value) for key, value in options.items()}
            began = time.perf_counter()
            found = self.fn(*arguments, **options)
            seconds = time.perf_counter() - began
            several = isinstance(found, list)
            pairs = found if several else [found]
            if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
                raise TypeError("an op returns its result and its VJP, or a list of such pairs")
            if dtype == FLOAT16:
                pairs = [_in_float16(*pair) for pair in pairs]
        except Exception as error:
            where = describe_call_site(current_scope())
            error.add_note(f"in {self.describe_call(operands)}, {where}")
            if "memoryview" in str(error):
                error.add_note("an op is given arrays, not tensors: leave out .data")
            raise
        tape = current_tape()
        if tape is None:
            results = [Tensor(result) for result, _ in pairs]
        else:
            flops = self.flops(*arguments, **options) if self.flops else 0
            tensors = list(map(_recorded, operands, values))
            left_out = [None] * (self.n_operands - len(tensors))
            results = [
                tape.record(
                    self,
                    tensors + left_out,
                    as_array(result),
                    vjp,
                    flops=flops // len(pairs),
                    seconds=seconds / len(pairs),
                )
                for result, vjp in pairs
            ]
        return results if several else results[0]

    def _values(self, operands: Sequence[Any]) -> tuple[list[Any], np.dtype | None]:
        if self.as_given:
            return [x.data if isinstance(x, Tensor) else as_array(x) for x in operands], None
        return values_of(operands, floating=self.floating, discrete=self._discrete)

    def _by_place(
        self, args: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call that names operands, with these at their places."""
        signature = inspect.signature(self.fn)
        anyhow = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters = [
            p.replace(kind=anyhow) if p.name in self.operand_names else p
            for p in signature.parameters.values()
        ]
        try:
            bound = signature.replace(parameters=parameters).bind(*args, **options)
        except TypeError as error:
            raise TypeError(f"{self!r}: {error}") from None
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def _by_name(self, settings: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
        """Options of an op on a sequence, those given by place among them."""
        by_place = dict(zip(self._keywords, settings, strict=False))
        if len(by_place) < len(settings) or by_place.keys() & options.keys():
            given = f"{len(settings)} by place and {', '.join(options) or 'none'} by name"
            raise TypeError(f"{self.name} has the options {self._keywords}: given {given}")
        return by_place | options

    def bind(
        self, sample: Sample, rng: np.random.Generator, dtype: Any = np.float64
    ) -> tuple[list[Any], Callable[..., Any]]:
        """The operands of a sample, and what calls this op, or a twin of it, on such operands."""
        arguments, options = sample.draw(rng, dtype)
        any_number = self.variadic or self._all_are_operands
        n_operands = len(arguments) if any_number else self.n_operands
        settings = arguments[n_operands:]

        def call(function: Callable[..., Any], *operands: Any) -> Any:
            given = (operands,) if self.variadic else operands
            return function(*given, *settings, **options)

        return arguments[:n_operands], call

    def name_operands(self, n: int) -> list[str]:
        """What the signature calls the first n operands; those of a `*` are numbered."""
        return [*self.operand_names, *(f"operand {i}" for i in range(self.n_operands, n))][:n]

    def describe_call(self, operands: Sequence[Any]) -> str:
        """The op with the dtypes and shapes of its operands: "matmul(float32(3, 2), ...)"."""
        kinds = [f"{x.dtype}{x.shape}" if hasattr(x, "dtype") else f"{x!r:.40}" for x in operands]
        return f"{self.name}({', '.join(kinds)})"

    def __repr__(self) -> str:
        return f"<op {self.name}{inspect.signature(self.fn)}>"


def op(
    fn: None = None,
    /,
    *,
    samples: Iterable[Sample] = (),
    flops: Callable[..., int] | None = None,
    floating: bool = False,
    discrete: Sequence[str] = (),
    as_given: bool = False,
) -> Callable[[Callable[..., Any]], Op]:
    """Decorator that registers a function of arrays as an op; see `Op`.

    Raises
    ------
    TypeError
        If it stands without arguments: an op needs samples.
    """
    if fn is not None:
        raise TypeError(f"write @op(samples=...) above {fn.__name__}: they are what checks the op")
    return lambda fn: Op(fn, samples, flops, floating, discrete, as_given)


def _untaped(option: Any) -> Any:
    """Convert an option for `fn`: tensors become arrays, and lists are copied.

    A NumPy number becomes Python's, as 1 / np.sqrt(d_head) would widen what it is multiplied with.
    """
    if isinstance(option, tuple | list):
        return (tuple if isinstance(option, tuple) else list)(map(_untaped, option))
    if isinstance(option, Tensor):
        if option.requires_grad:
            raise TypeError(f"no gradient flows through an option, and one wants it: {option!r}")
        option = option.data
    if isinstance(option, np.generic) or (
        isinstance(option, np.ndarray) and option.ndim == 0 and option.dtype.kind in "iuf"
    ):
        return option.item()
    return option


def _in_float16(result: Any, vjp: Callable[..., Any]) -> tuple[Any, Callable[..., Any]]:
    """Round what was computed in float32; the VJP computes in float32 too."""
    if result.dtype == np.float32:
        result = result.astype(np.float16)
    return result, functools.wraps(vjp)(lambda g: vjp(g.astype(np.float32)))


def _recorded(operand: Any, value: Any) -> Tensor | None:
    """What the tape records of an operand; `value` is that of `values_of`."""
    if isinstance(operand, Tensor):
        return operand
    return Tensor(value) if isinstance(value, np.ndarray) else None


def _checked(samples: Any, name: str) -> tuple[Sample, ...]:
    if not isinstance(samples, Iterable):
        raise TypeError(f"write samples=[...] for op {name}: {samples!r:.80} is no list of samples")
    samples = tuple(samples)
    for sample in samples:
        if not isinstance(sample, Sample):
            raise TypeError(f"a sample of op {name} is Sample(...), not {sample!r:.80}")
    return samples
