from train.kernels import choose_kernels  # isort: split

choose_kernels()  # before NumPy: those that the commands have

from hypothesis import settings  # noqa: E402

# How long an example takes says more about the machine than about the code.
settings.register_profile("tapegrad", deadline=None)
settings.load_profile("tapegrad")


def pytest_terminal_summary(terminalreporter):
    """Say how many cases (op, sample, check) held of those that follow from registration."""
    passed = [report.nodeid for report in terminalreporter.stats.get("passed", [])]
    cases = [nodeid for nodeid in passed if "test_registered.py" in nodeid and "[" in nodeid]
    if cases:
        terminalreporter.write_line(f"{len(cases):,} cases (op, sample, check) of registered ops")
