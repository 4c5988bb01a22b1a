"""A result says where it comes from."""

import subprocess

from dexjax.runs.records import provenance


def test_provenance_has_commit_device_and_versions():
    found = provenance.provenance()
    assert set(found) == {"commit", "device", "date", "versions"}
    assert found["device"].startswith(("cpu: ", "gpu: ", "tpu: "))
    assert {"python", "jax", "mujoco"} <= set(found["versions"])


def test_commit_of_a_repository_and_of_none(tmp_path):
    assert provenance.commit(tmp_path) == "unknown"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@e"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert provenance.commit(tmp_path) == "unknown"
    (tmp_path / "a").write_text("1")
    subprocess.run([*git, "add", "a"], check=True)
    subprocess.run([*git, "commit", "-qm", "m"], check=True)
    head = provenance.commit(tmp_path)
    assert len(head) == 40
    (tmp_path / "a").write_text("2")
    assert provenance.commit(tmp_path) == head + "+changes"


def test_no_git_program(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit(tmp_path) == "unknown"
