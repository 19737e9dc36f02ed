"""What things cost, side by side."""

import train  # noqa: F401 - before NumPy, for the kernels that the commands have
