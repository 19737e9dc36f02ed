"""Text in, trained language model out: data, loop, checkpoints, report and the commands."""

import signal
import sys

from train.kernels import choose_kernels

if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) == signal.default_int_handler:
    # Python is looking for a command in here: until that begins, Ctrl-C ends it without a word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

choose_kernels()  # before NumPy, which everything else here imports
