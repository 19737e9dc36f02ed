"""Random programs: tapes of any shape, for properties that hold of all of them."""

from contextlib import ExitStack

import numpy as np
from hypothesis import strategies as st

import ops
from tape import Tape, Tensor, scope

OPS = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a @ b,
    lambda a, b: ops.tanh(a),
    lambda a, b: ops.maximum(a, b.mean(0)),
    lambda a, b: ops.stack([a, b, a]).sum(0),
]
SCOPES = ["", "head", "blocks.0", "blocks.1", "blocks.0.mlp", "blocks.1.mlp", "a.b.c"]

steps = st.tuples(
    st.sampled_from(OPS),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.sampled_from(SCOPES),
)


@st.composite
def tapes(draw):
    """A tape of up to 15 ops on three leaves, perhaps traced and perhaps walked."""
    rng = np.random.default_rng(0)
    pool = [
        Tensor(0.5 * rng.standard_normal((3, 3)), requires_grad=True, name="w"),
        Tensor(0.5 * rng.standard_normal((3, 3)), requires_grad=True),
        Tensor(0.5 * rng.standard_normal((3, 3)), name="x"),
    ]
    with Tape(trace=draw(st.booleans())) as tape:
        for op, i, j, path in draw(st.lists(steps, max_size=15)):
            with ExitStack() as stack:
                if path:
                    stack.enter_context(scope(path))
                pool.append(op(pool[i % len(pool)], pool[j % len(pool)]))
        loss = (pool[-1] * pool[0]).sum()
    if draw(st.booleans()):
        tape.backward(loss, into={})
    return tape
