"""What a Tensor does with operators while nobody has imported `ops`: it names the cure."""

from __future__ import annotations

from typing import Any, NoReturn

BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "matmul")
UNARY = ("neg", "pos", "abs")
COMPARISONS = ("lt", "le", "eq", "ne", "gt", "ge")
OTHERS = ("getitem", "setitem", "iter", "contains", "round", "array_ufunc", "array_function")

NAMES = [*BINARY, *(f"r{name}" for name in BINARY), *UNARY, *COMPARISONS, *OTHERS]


def needs_ops(*args: Any, **options: Any) -> NoReturn:
    """Raise TypeError: operators, indexing and NumPy's functions come with `ops`."""
    raise TypeError(
        "operators, indexing and NumPy's functions of a Tensor are ops: `import ops` first"
    )


def name_the_cure(kind: type) -> None:
    """Give a class `needs_ops` for all that `ops` will put in its place."""
    for name in NAMES:
        setattr(kind, f"__{name}__", needs_ops)
