import pytest

from tape import REGISTRY


@pytest.fixture(autouse=True)
def throw_away_ops(monkeypatch):
    """Forget the ops that a test registers."""
    monkeypatch.setattr("tape.registry.REGISTRY", dict(REGISTRY))
