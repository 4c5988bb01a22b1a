"""The fuzzer notices what it is there to notice, and some inputs hold already."""

import importlib
import json
import random
from pathlib import Path

import pytest
from bad_commands import badly

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def fuzz(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("fuzz")


def test_every_bad_end_is_noticed(fuzz, tmp_path):
    expected = {
        "works": "worked",
        "refuses": "one line",
        "fault": "own fault",
        "traceback": "traceback",
        "two lines": "several lines",
        "warns": "several lines",
        "spins": "hang",
        "sleeps": "hang",
        "dies": "crash",
        "deletes": "file lost",
        "overwrites": "file lost",
        "runs code": "code run",
    }
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    pool = fuzz.Pool(scratch, 0.5, badly)
    try:
        for number, (word, how) in enumerate(expected.items()):
            files = {"in.obj": b"v 0 0 0", "bystander.txt": b""}
            given = fuzz.Input("toy", [word], files)
            found, _ = fuzz.tried(pool, given, tmp_path / f"input{number}")
            assert found == how, word
    finally:
        pool.close()


def test_the_same_seed_makes_the_same_inputs_of_all_kinds(fuzz, tmp_path):
    seeds = fuzz.Seeds(tmp_path)
    first, again = ([make() for make in fuzz.makers(100, 3, seeds)] for _ in range(2))
    assert first == again
    assert {given.kind for given in first} == set(fuzz.KINDS)
    assert [make() for make in fuzz.makers(100, 4, seeds)] != first
    assert sum(given.thorough for given in first) == 5


def test_what_is_sound_works(fuzz, tmp_path, monkeypatch):
    for name in ("bytewise", "text", "values", "arrays", "archives"):
        changes = importlib.import_module(f"fuzzing.changes.{name}")
        for change in [n for n in vars(changes) if n.startswith("changed_")]:
            monkeypatch.setattr(changes, change, lambda data, *_: data)
    monkeypatch.setattr("fuzzing.strange.STEMS", ("thing",))
    monkeypatch.setattr("fuzzing.kinds._odd_file", lambda *_: None)
    monkeypatch.setattr("fuzzing.descriptions.BOMBS", 0.0)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    seeds, pool = fuzz.Seeds(scratch), fuzz.Pool(scratch, 60)
    try:
        for kind in fuzz.KINDS:
            given = fuzz.make_input(seeds, kind, random.Random(0))
            found = fuzz.tried(pool, given, tmp_path / kind)
            assert found[0] == "worked", (given.words, found)
    finally:
        pool.close()


def test_some_inputs_end_well(fuzz, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        fuzz.main(20, seed=1, out=tmp_path / "fuzz.json", keep=tmp_path / "kept")
    said = capsys.readouterr().out
    assert not end.value.code, said
    report = json.loads((tmp_path / "fuzz.json").read_text())
    assert report["inputs"] == 20 == report["worked"] + report["one_line"]
    assert sum(sum(own.values()) for own in report["by_kind"].values()) == 20
