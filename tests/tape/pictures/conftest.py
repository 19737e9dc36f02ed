import os

import pytest


@pytest.fixture
def no_graphviz(monkeypatch):
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def fake_dot(monkeypatch, tmp_path):
    """Put a shell script in the place of dot."""

    def install(script):
        program = tmp_path / "bin" / "dot"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    return install
