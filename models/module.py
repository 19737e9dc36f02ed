"""The base of every layer and model."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Self

import numpy as np

from tape import Tensor, scope


class Module:
    """A function with parameters.

    Subclasses set tensors and other modules as attributes, also in lists, tuples and dicts nested
    at will, and define `forward`. Every tensor is a parameter: it is found by `parameters`, and
    saved. One that is not to learn is frozen by setting its `requires_grad` to False; what is not
    to be saved is an array. Parameters and modules are named by their path,
    "blocks.3.attention.qkv.weight", and what `forward` records on a tape carries the path of the
    module as its scope.

    Raises
    ------
    TypeError
        If an attribute is a set, or another container, that holds tensors or modules.
    ValueError
        If a key of a dict that holds them is no path: neither a str without a dot nor an int.
    """

    training: bool = True
    _scope: str = ""

    def __setattr__(self, attribute: str, value: Any) -> None:
        _check_container(attribute, value)
        super().__setattr__(attribute, value)
        if isinstance(value, Tensor):
            value.name = value.name or attribute
        else:
            self._name_parts()

    def _name_parts(self) -> None:
        for path, child in self.children():
            child._scope = path
        for path, parameter in self.named_parameters():
            if "." in path:
                parameter.name = path

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._scope:
            return self.forward(*args, **kwargs)
        with scope(self._scope):
            return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def children(self) -> Iterator[tuple[str, Module]]:
        """The modules among the attributes of this one, and their paths from here."""
        for path, part in _parts(vars(self)):
            if isinstance(part, Module):
                yield path, part

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Every parameter with its path, in the order of setting; one that is shared comes once."""
        seen: set[Tensor] = set()
        for path, parameter in self._all_parameters():
            if parameter not in seen:
                seen.add(parameter)
                yield path, parameter

    def _all_parameters(self) -> Iterator[tuple[str, Tensor]]:
        for path, part in _parts(vars(self)):
            if isinstance(part, Tensor):
                yield path, part
            else:
                for inner, parameter in part._all_parameters():
                    yield f"{path}.{inner}", parameter

    def parameters(self) -> list[Tensor]:
        """The parameters of `named_parameters`."""
        return [parameter for _, parameter in self.named_parameters()]

    @property
    def n_parameters(self) -> int:
        """How many numbers the parameters hold."""
        return sum(parameter.size for parameter in self.parameters())

    def state_dict(self) -> dict[str, np.ndarray]:
        """The parameters' arrays by path; the arrays themselves, not copies."""
        return {path: parameter.data for path, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Copy arrays into the parameters; all of them, or none.

        Raises
        ------
        ValueError
            Naming the first path that is missing, unknown, or of another shape.
        """
        copy_arrays(state, self.state_dict())

    def astype(self, dtype: Any) -> Self:
        """Turn every parameter into `dtype`; returns the module.

        Raises
        ------
        TypeError
            If it is no floating dtype.
        """
        if np.dtype(dtype).kind != "f":
            raise TypeError(f"parameters are of a floating dtype, not {np.dtype(dtype)}")
        for parameter in self.parameters():
            parameter.data = parameter.data.astype(dtype)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set training mode, in which dropout drops, here and in every module below."""
        self.training = mode
        for _, child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Leave training mode."""
        return self.train(False)


def copy_arrays(state: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray]) -> None:
    """Copy `state` into the arrays of the same names; all of it, or nothing.

    Raises
    ------
    ValueError
        Naming the first array that is missing, unknown, or of another shape, or the first of
        `own` that cannot be written to.
    """
    for path in sorted(own.keys() ^ state.keys()):
        raise ValueError(f"{path} is {'missing' if path in own else 'no parameter here'}")
    for path, array in own.items():
        if state[path].shape != array.shape:
            raise ValueError(f"{path} has shape {state[path].shape}, not {array.shape}")
        if not array.flags.writeable:
            raise ValueError(f"{path} cannot be written to: its array is read-only")
    for path, array in own.items():
        array[...] = state[path]


def _parts(value: Any, path: str = "") -> Iterator[tuple[str, Module | Tensor]]:
    """The modules and tensors in lists, tuples and dicts, with their paths."""
    if isinstance(value, Module | Tensor):
        yield path, value
    elif isinstance(value, list | tuple | dict):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            for inner, part in _parts(item, f"{path}.{key}" if path else str(key)):
                if not isinstance(key, str | int) or "." in str(key):
                    raise ValueError(f"a key of {path} is {key!r}: take a str without a dot")
                yield inner, part


def _check_container(attribute: str, value: Any) -> None:
    """Raise if a value, or what is in it, hides modules or tensors from `_parts`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inside = list(vars(value).values()) if hasattr(value, "__dict__") else []
    elif isinstance(value, Mapping):
        inside = list(value.values())
    elif isinstance(value, Collection) and not isinstance(value, str | bytes | np.ndarray | Tensor):
        inside = list(value)
    else:
        return
    hidden = not isinstance(value, list | tuple | dict)
    if hidden and any(isinstance(item, Module | Tensor) for item in inside):
        raise TypeError(
            f"{attribute} holds parameters in a {type(value).__name__}, where nobody would find "
            "them: take a list, a tuple or a dict"
        )
    for item in inside:
        _check_container(attribute, item)
    for _ in _parts(value, attribute):
        pass
