"""Text in, trained language model out: data, loop, checkpoints, report and the commands."""
