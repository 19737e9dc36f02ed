"""Operators and NumPy's functions of a tensor before `ops` is imported."""

import subprocess
import sys

PROGRAM = """
import math, operator
import numpy as np
from tape import Tensor
t, a = Tensor([1.0, 2.0]), np.ones(2)
calls = {
    "t * 2": lambda: t * 2, "2 * t": lambda: 2 * t, "a * t": lambda: a * t, "a @ t": lambda: a @ t,
    "-t": lambda: -t, "abs(t)": lambda: abs(t), "t ** 2": lambda: t**2,
    "t += 1": lambda: operator.iadd(t, 1),
    "t // 2": lambda: t // 2, "t % 2": lambda: t % 2, "divmod": lambda: divmod(t, 2),
    "t[0]": lambda: t[0], "list(t)": lambda: list(t), "unpack": lambda: (lambda a, b: 0)(*t),
    "np.exp": lambda: np.exp(t), "np.add": lambda: np.add(a, t), "np.sum": lambda: np.sum(t),
    "np.concatenate": lambda: np.concatenate([a, t]), "np.add.reduce": lambda: np.add.reduce(t),
    "t.sum()": lambda: t.sum(),
}
for name, call in calls.items():
    try:
        print(name, "gave", call())
    except (TypeError, AttributeError) as error:
        if "`import ops`" not in str(error):
            print(name, "says", error)
print(len({t: 1}), t.shape, f"{t}")
import ops
print((t * 2).data, t == t)
"""


def test_all_of_them_name_the_cure():
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert ran.stdout.splitlines() == [
        "1 (2,) Tensor([1., 2.], dtype=float32)",
        "[2. 4.] [ True  True]",
    ], ran.stdout + ran.stderr
