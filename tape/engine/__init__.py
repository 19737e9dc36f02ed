"""The engine: NumPy, and what carries gradients back along the ops that ran.

To read in this order: `variable` (an array that can be followed), `op` (what a call of an op does),
`record` and `recording` (what is written down of it), `walk` (the way back) and `cotangents` (its
sums). `place` knows where in a program an op is called. What looks on while a tape runs is a
`watcher`.
"""
