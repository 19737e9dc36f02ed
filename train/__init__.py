"""Text in, trained language model out: data, loop, checkpoints, report and the commands."""

from train.kernels import choose_kernels

choose_kernels()  # before NumPy, which everything else here imports
