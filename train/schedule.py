"""The learning rate over a run."""


def learning_rate(step: int, steps: int, peak: float, warmup: float, final: float) -> float:
    """The rate for the update after `step` updates of `steps`.

    It rises linearly to `peak` over the first `warmup` (a share of the steps), then falls linearly
    to `final * peak`, which the update after the last would reach.
    """
    rise = max(1, round(warmup * steps))
    if step < rise:
        return peak * (step + 1) / rise
    left = (steps - step) / (steps - rise + 1)
    return peak * (final + (1 - final) * left)
