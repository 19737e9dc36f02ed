"""The base of every layer and model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

from tape import Tensor, scope


class Module:
    """A function with parameters.

    Subclasses set parameters (tensors with `requires_grad`), other modules, or lists of modules
    (complete when they are set) as attributes and define `forward`. Parameters and modules are
    found by attribute, and named by their path: "blocks.3.attention.qkv.weight". What `forward`
    records on a tape carries the module's path as its scope.

    A parameter is frozen by setting its `requires_grad` to False. It is a parameter still, and
    saved with the others.
    """

    training: bool = True
    _scope: str = ""

    def __setattr__(self, attribute: str, value: Any) -> None:
        super().__setattr__(attribute, value)
        own = vars(self).setdefault("_parameters", set())
        if isinstance(value, Tensor) and value.requires_grad:
            own.add(attribute)
        elif not isinstance(value, Tensor):
            own.discard(attribute)
        if isinstance(value, Tensor) and value.name is None:
            value.name = attribute
        for path, child in _modules_in(attribute, value):
            child._scope = path
        for path, parameter in self.named_parameters():
            if path.startswith(f"{attribute}."):  # not one that is shared with an earlier part
                parameter.name = path

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._scope:
            return self.forward(*args, **kwargs)
        with scope(self._scope):
            return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def children(self) -> Iterator[tuple[str, Module]]:
        """The modules set as attributes of this one, and their paths from here."""
        for attribute, value in vars(self).items():
            yield from _modules_in(attribute, value)

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Every parameter with its path, in the order of setting; one that is shared comes once."""
        seen: set[Tensor] = set()
        for path, parameter in self._all_parameters(""):
            if parameter not in seen:
                seen.add(parameter)
                yield path, parameter

    def _all_parameters(self, prefix: str) -> Iterator[tuple[str, Tensor]]:
        for attribute, value in vars(self).items():
            if attribute in self._parameters:
                yield prefix + attribute, value
            for path, child in _modules_in(attribute, value):
                yield from child._all_parameters(f"{prefix}{path}.")

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
        """Turn every parameter into `dtype`; returns the module."""
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
        Naming the first array that is missing, unknown, or of another shape.
    """
    for path in sorted(own.keys() ^ state.keys()):
        raise ValueError(f"{path} is {'missing' if path in own else 'no parameter here'}")
    for path, array in own.items():
        if state[path].shape != array.shape:
            raise ValueError(f"{path} has shape {state[path].shape}, not {array.shape}")
    for path, array in own.items():
        array[...] = state[path]


def _modules_in(attribute: str, value: Any) -> Iterator[tuple[str, Module]]:
    """The modules that an attribute holds, with their paths: itself, or those of a list."""
    if isinstance(value, Module):
        yield attribute, value
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _modules_in(f"{attribute}.{i}", item)
