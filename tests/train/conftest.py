import signal
from signal import SIGINT

import pytest

from .running import TINY, places, status_if_sent, trained


@pytest.fixture(scope="session", autouse=True)
def ctrl_c():
    """A shell has what it starts in the background ignore Ctrl-C, which the commands respect."""
    before = signal.signal(SIGINT, signal.default_int_handler)
    yield
    signal.signal(SIGINT, before)


@pytest.fixture(scope="session")
def complete(tmp_path_factory):
    """A run trained to its end; tests leave it as it is."""
    return trained(tmp_path_factory.mktemp("complete"), "run")


@pytest.fixture(scope="session")
def stopped(tmp_path_factory):
    """The same run, stopped by Ctrl-C in step 5 of 8; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("stopped")
    assert status_if_sent(SIGINT, 5, *TINY, *places(folder), "--name", "run") == 130
    return folder / "runs" / "run"
