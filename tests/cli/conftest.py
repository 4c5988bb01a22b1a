"""`dexjax train base` in a folder of its own: what it says, and how it refuses."""

import sys

import pytest

from dexjax.cli import train_base
from dexjax.cli.main import main


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A function from arguments to (exit status, stdout, stderr), in tmp_path."""
    monkeypatch.chdir(tmp_path)
    # The user's own cache of compiled functions is none of the tests' business.
    monkeypatch.setattr(train_base, "use_compilation_cache", lambda: None)

    def run(*arguments):
        command = ["dexjax", "train", "base", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def refused(run):
    """A function from arguments to the one line with which they are refused."""

    def refused(*arguments):
        status, _, error = run(*arguments)
        assert status == 2
        assert error.startswith("error: ") and error.count("\n") == 1, error
        return error

    return refused
