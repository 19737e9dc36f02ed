"""What things cost, side by side."""

from train.kernels import choose_kernels

choose_kernels()  # as the commands of train do, before NumPy
