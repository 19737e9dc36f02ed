"""The pages of this folder run as tests."""

import pytest

import ops  # noqa: F401 - its ops are registered before a page adds to them
from tape import REGISTRY


@pytest.fixture(autouse=True)
def leave_no_trace(monkeypatch, tmp_path):
    """Files go to a folder of their own, and ops that a page registers are forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tape.registry.REGISTRY", dict(REGISTRY))
