"""Text in, trained language model out: data, loop, checkpoints, report and the commands."""

import signal
import sys

from train.kernels import choose_kernels

if sys.argv[:1] == ["-m"]:  # Python is looking for a command in here
    choose_kernels()  # before NumPy, which every command imports
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until it begins, Ctrl-C ends it silently
