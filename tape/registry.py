"""Every op by its name."""

from __future__ import annotations

from typing import Any, NoReturn

from tape.engine.op import Op


class Registry(dict[str, Op[..., Any]]):
    """Ops by name, in the order of registration."""

    def __missing__(self, name: str) -> NoReturn:
        raise TypeError(
            "operators, indexing and NumPy's functions of a Tensor are ops: `import ops` first"
        )


REGISTRY = Registry()


def register(op: Op[..., Any]) -> None:
    """Make an op known by its name.

    Raises
    ------
    ValueError
        If another module has an op of that name. One of the same module is replaced: a notebook's
        cell may run again.
    """
    known = REGISTRY.get(op.name)
    if known is not None and known.__module__ != op.__module__:
        raise ValueError(
            f"there is an op {op.name} already, in {known.__module__}: take another name"
        )
    REGISTRY[op.name] = op
