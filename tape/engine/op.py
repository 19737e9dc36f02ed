"""A function of arrays that returns its result and its VJP, and what a call of it does."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from tape.engine.cotangents import FLOAT32, FLOAT64
from tape.engine.place import describe_call_site, here
from tape.engine.record import Operands, describe_call
from tape.engine.recording import Recording
from tape.engine.variable import Variable

P = ParamSpec("P")
Results = TypeVar("Results")

QUICK, NOT_QUICK = (FLOAT32, FLOAT64), np.empty(0, bool)


Call = tuple[Callable[..., Any], Operands, list[Any], dict[str, Any]]
"""A function, the operands as they are recorded, and what it gets by place and by name."""


class Op(Generic[P, Results]):
    """A function from arrays to `(result, vjp)`, or to a list of such pairs, run on variables.

    A call with variables of one dtype goes straight to the function. What else users hand over
    is for a subclass to convert, as that of `tape.op` does.

    Parameters
    ----------
    fn : callable
    operand_names : tuple of str
        Its first parameters, which are the operands.
    tensor : type
        What results are.
    flops : callable, optional
        From the arguments of `fn` to its floating-point operations.
    """

    __slots__ = ("__dict__", "flops", "fn", "n_quick", "name", "operand_names", "tensor")

    def __init__(
        self,
        fn: Callable[P, Any],
        operand_names: tuple[str, ...],
        tensor: type[Variable] = Variable,
        flops: Callable[..., int] | None = None,
    ) -> None:
        self.fn: Callable[..., Any] = fn
        self.name = fn.__name__
        self.operand_names = operand_names
        self.tensor = tensor
        self.flops = flops
        self.n_quick: int | None = len(operand_names)

    def __call__(self, *args: P.args, **options: P.kwargs) -> Results:
        """Run the op, and record it if a tape is open."""
        fn, tensor = self.fn, self.tensor
        operands: Sequence[Any] = args
        named: dict[str, Any] = options
        arguments: list[Any] = []
        dtype = None
        quick = not options and len(args) == self.n_quick
        for x in operands if quick else ():
            value = x.data if x.__class__ is tensor else NOT_QUICK
            if value.dtype is not dtype and (dtype is not None or value.dtype not in QUICK):
                quick = False
                break
            dtype = value.dtype
            arguments.append(value)
        recordings = here.recordings
        tape: Recording | None = recordings[-1] if recordings else None
        try:
            if not quick:
                fn, operands, arguments, named = self.convert(args, options, tape is not None)
            if tape is not None:
                for watcher in tape.watchers:
                    watcher.before_op()
            found = fn(*arguments, **named) if named else fn(*arguments)
            flops = self.flops(*arguments, **named) if self.flops and tape is not None else 0
            if found.__class__ is not tuple or len(found) != 2:
                return self._several(tape, operands, found, flops)  # type: ignore[return-value]
            result, vjp = found
            if result.__class__ is not np.ndarray:
                result = tensor(result).data
            if tape is None:
                return tensor.of(result)  # type: ignore[return-value]
            return tape.record(self, operands, result, vjp, flops)  # type: ignore[return-value]
        except Exception as error:
            error.add_note(f"in {describe_call(self, args)}, {describe_call_site()}")
            if "memoryview" in str(error):
                error.add_note("an op is given arrays, not tensors: leave out .data")
            raise

    def convert(self, args: Sequence[Any], options: dict[str, Any], recorded: bool) -> Call:
        """What any other call comes to."""
        raise TypeError(f"{self.name} takes {self.n_quick} variables of one dtype")

    def _several(
        self, tape: Recording | None, operands: Operands, found: Any, flops: int
    ) -> list[Variable]:
        """The results of a list of pairs, each recorded."""
        if found.__class__ is not list or any(len(pair) != 2 for pair in found):
            raise TypeError("an op returns its result and its VJP, or a list of such pairs")
        pairs = [(self.tensor(result).data, vjp) for result, vjp in found]
        if tape is None:
            return [self.tensor.of(result) for result, _ in pairs]
        return [tape.record(self, operands, *pair, flops // len(pairs)) for pair in pairs]
