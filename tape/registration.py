"""Ops as users call them: `@op` makes one of a function of arrays, and registers it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, cast, overload

import numpy as np

from tape.engine.cotangents import FLOAT16, FLOAT32
from tape.engine.op import Call, Op, P, Results
from tape.engine.record import VJP
from tape.engine.variable import Variable
from tape.inputs import as_array, option, values_of
from tape.registry import register
from tape.samples import Sample
from tape.tensor import Tensor

Array = np.ndarray | Any
"""In the body of an op, an array; a call of the op takes all that one can be made of."""

ValueAndVJP = tuple[Array, VJP]
"""What the body of an op returns."""


class RegisteredOp(Op[P, Results]):
    """An op that takes tensors, arrays, numbers and lists, and its operands also by name.

    See `op` for its options.

    Attributes
    ----------
    samples : tuple of Sample
    """

    def __init__(
        self,
        fn: Callable[P, Any],
        samples: tuple[Sample, ...],
        flops: Callable[..., int] | None,
        floating: bool,
        discrete: Sequence[str],
        as_given: bool,
        of_sequence: bool,
    ) -> None:
        parameters = inspect.signature(fn).parameters.values()
        kinds = [p.kind for p in parameters]
        names = tuple(p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_ONLY)
        super().__init__(fn, () if of_sequence else names, Tensor, flops)
        self.samples = samples
        self.floating = floating
        self.as_given = as_given
        self.of_sequence = of_sequence
        self.starred = inspect.Parameter.VAR_POSITIONAL in kinds
        self.n_operands = len(self.operand_names)
        self._may_be_named = names
        self._n_by_place = len(names) + kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self._discrete = {i for i, name in enumerate(names) if name in discrete}
        self._asks = any(p.name == "wants_grad" for p in parameters)
        if of_sequence or self.starred or self._asks:
            self.n_quick = None
        functools.update_wrapper(self, fn)

    def convert(self, args: Sequence[Any], options: dict[str, Any], recorded: bool) -> Call:
        """Bring the operands to one dtype, and make arrays and Python's numbers of options."""
        given, settings, options = self._parted(args, options)
        fn, dtype = self.fn, None
        if self.as_given:
            values: list[Any] = [x.data if isinstance(x, Variable) else as_array(x) for x in given]
        else:
            values, dtype = values_of(given, self.floating, self._discrete)
            if dtype is FLOAT16:
                fn = functools.partial(_rounded, self.fn)
        operands = list(map(_recorded, given, values))
        if len(operands) < self.n_operands:
            operands += [None] * (self.n_operands - len(operands))
        arguments = [values] if self.of_sequence else values
        for setting in settings:
            arguments.append(option(setting))
        for name, value in options.items():
            options[name] = option(value)
        if self._asks:
            wanting = (x for x in operands if x is not None and x.requires_grad)
            options["wants_grad"] = recorded and next(wanting, None) is not None
        return fn, operands, arguments, options

    def _parted(
        self, args: Sequence[Any], options: dict[str, Any]
    ) -> tuple[Sequence[Any], Sequence[Any], dict[str, Any]]:
        """The operands, and the options that are given by place and by name."""
        if options and not options.keys().isdisjoint(self._may_be_named):
            args, options = self._by_place(args, options)
        if self.starred:
            return args, (), options
        if len(args) > self._n_by_place:
            raise TypeError(f"too many arguments by place ({len(args)}) for {self!r}")
        if not self.of_sequence:
            return args[: self.n_operands], args[self.n_operands :], options
        if not args:
            raise TypeError(f"{self!r} takes a sequence first")
        return list(args[0]), args[1:], options

    def _by_place(
        self, args: Sequence[Any], options: dict[str, Any]
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        """The arguments of a call that names operands, with these at their places."""
        signature = inspect.signature(self.fn)
        anyhow = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters = [
            p.replace(kind=anyhow) if p.name in self._may_be_named else p
            for p in signature.parameters.values()
        ]
        try:
            bound = signature.replace(parameters=parameters).bind(*args, **options)
        except TypeError as error:
            raise TypeError(f"{self!r}: {error}") from None
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def bind(
        self, sample: Sample, rng: np.random.Generator, dtype: Any = np.float64
    ) -> tuple[list[Any], Callable[..., Any]]:
        """The operands of a sample, and what calls this op, or a twin of it, on such operands."""
        arguments, options = sample.draw(rng, dtype)
        n_operands = len(arguments) if self.of_sequence or self.starred else self.n_operands
        settings = arguments[n_operands:]

        def call(function: Callable[..., Any], *operands: Any) -> Any:
            given = (operands,) if self.of_sequence else operands
            return function(*given, *settings, **options)

        return arguments[:n_operands], call

    def __repr__(self) -> str:
        return f"<op {self.name}{inspect.signature(self.fn)}>"


def _recorded(operand: Any, value: Any) -> Variable | None:
    """What is recorded of an operand; `value` is what the op gets for it."""
    if isinstance(operand, Variable):
        if operand.requires_grad and operand.data is not value:
            operand.check_floating()  # it is converted, as somebody may have given it other data
        return operand
    return Tensor.of(value) if isinstance(value, np.ndarray) else None


def _rounded(fn: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What an op makes in float32 of operands of float16, rounded to float16."""
    found = fn(*arguments, **options)
    if isinstance(found, list):
        return [_rounded_pair(pair) for pair in found]
    return _rounded_pair(found)


def _rounded_pair(pair: Any) -> Any:
    if not (isinstance(pair, tuple) and len(pair) == 2 and pair[0].dtype == FLOAT32):
        return pair
    return pair[0].astype(FLOAT16), pair[1]


class Decorator(Protocol):
    """Makes an op of a function."""

    @overload
    def __call__(self, fn: Callable[P, ValueAndVJP], /) -> RegisteredOp[P, Tensor]: ...

    @overload
    def __call__(self, fn: Callable[P, list[ValueAndVJP]], /) -> RegisteredOp[P, list[Tensor]]: ...


def op(
    fn: None = None,
    /,
    *,
    samples: Iterable[Sample] = (),
    flops: Callable[..., int] | None = None,
    floating: bool = False,
    discrete: Sequence[str] = (),
    as_given: bool = False,
    of_sequence: bool = False,
) -> Decorator:
    """Decorator that makes an op of a function of arrays, and registers it by its name.

    The function goes from arrays to `(result, vjp)`. Its positional-only parameters are the
    operands, which a call may name all the same; all others are options, through which no gradient
    flows. `vjp(g)` takes the cotangent of the result and returns those of the operands: one, or a
    tuple with one for each. A cotangent may be None (no gradient), may still be broadcast (the
    engine sums it back), and may be a function of no arguments that makes it: called only if that
    operand wants a gradient, and then in any order or at once with the others. A VJP never writes
    to `g`; it may return `g` or a view of it, but no array that it saved.

    An operand that is a str or None is passed on as it is and gets no gradient. A parameter of `*`
    takes further operands. An op with several results returns a list of such pairs: each result is
    a record of its own. One that has a parameter `wants_grad` is told there whether a tape records
    it and any operand wants a gradient.

    Parameters
    ----------
    samples : iterable of Sample
        Example calls, from which the op is checked.
    flops : callable, optional
        From the arguments of the function to the floating-point operations of its matrix products,
        2 for a multiplication with its addition. Left out where an op has none.
    floating : bool
        Whether the op is one of real numbers, as `exp` and `softmax` are: integers and booleans
        among the operands are converted to a floating dtype first.
    discrete : sequence of str
        Operands whose integers or booleans mean places, classes or choices, and stay as they are.
    as_given : bool
        Whether operands come in the dtypes that they have, whatever is beside them.
    of_sequence : bool
        Whether the first parameter is a sequence, each item of which is an operand.

    Raises
    ------
    ValueError
        If there are no samples, no operands, `discrete` names none of them, or another module has
        an op of that name. One of the same module is replaced: a notebook's cell may run again.
    TypeError
        If `samples` are no samples, or `@op` stands without arguments.
    """
    if fn is not None:
        raise TypeError(f"write @op(samples=...) above {fn.__name__}: they are what checks the op")

    def decorate(fn: Callable[..., Any], /) -> RegisteredOp[..., Any]:
        checked = _checked(samples, fn.__name__)
        made: RegisteredOp[..., Any] = RegisteredOp(
            fn, checked, flops, floating, discrete, as_given, of_sequence
        )
        _check(made, discrete)
        register(made)
        return made

    return cast(Decorator, decorate)


def _check(made: RegisteredOp[..., Any], discrete: Sequence[str]) -> None:
    """Raise unless an op may be registered."""
    if not made.samples:
        raise ValueError(f"op {made.name} has no samples: without them nothing checks it")
    if not (made.operand_names or made.of_sequence):
        raise ValueError(f"op {made.name} has no operands: put a / after those it has")
    if unknown := set(discrete) - set(made.operand_names):
        raise ValueError(f"op {made.name} has no operand {', '.join(sorted(unknown))}")


def _checked(samples: Any, name: str) -> tuple[Sample, ...]:
    if not isinstance(samples, Iterable):
        raise TypeError(f"write samples=[...] for op {name}: {samples!r:.80} is no list of samples")
    found = tuple(samples)
    for sample in found:
        if not isinstance(sample, Sample):
            raise TypeError(f"a sample of op {name} is Sample(...), not {sample!r:.80}")
    return found
