import os
import signal

import pytest

from train.signals import interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_first_signal_is_noted_and_a_second_acts_as_before(number):
    seen = []
    before = signal.signal(number, lambda *_: seen.append("before"))
    try:
        with interruptible() as interrupt:
            assert interrupt.signal is None
            os.kill(os.getpid(), number)
            assert (interrupt.signal, seen) == (number, [])
            os.kill(os.getpid(), number)
            assert seen == ["before"]
        os.kill(os.getpid(), number)
        assert seen == ["before", "before"]
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible() as interrupt:
            os.kill(os.getpid(), signal.SIGHUP)
        assert interrupt.signal is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_handlers_come_back_after_an_error():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="no"), interruptible():
        assert signal.getsignal(signal.SIGTERM) != before
        raise ValueError("no")
    assert signal.getsignal(signal.SIGTERM) == before
