"""`dexjax objects …`."""

import re
import subprocess
import sys

import numpy as np
import pytest
import trimesh
from PIL import Image

from dexjax.cli import objects_plan
from dexjax.cli.main import main
from dexjax.objects import catalogue, load_objects
from dexjax.objects.contact_sheet import draw_object, write_contact_sheet
from dexjax.objects.everyday.built_set import choose_members
from dexjax.objects.procedural import CATEGORIES


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["dexjax", "objects", *arguments])
    main()


def test_list(monkeypatch, capsys):
    run(monkeypatch, "list")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(CATEGORIES)


def test_list_real(monkeypatch, capsys, real_data):
    run(monkeypatch, "list", "--dexgraspnet", str(real_data))
    assert "sem/Car-669043a8ce40d9d78781f76a6db4ab62@SCALE" in capsys.readouterr().out


def test_import(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    trimesh.creation.box([3, 2, 1]).export(tmp_path / "brick.stl")
    run(monkeypatch, "import", str(tmp_path / "brick.stl"), "--size", "0.09")
    line = capsys.readouterr().out
    assert re.match(
        r"brick-\w{8}: 9\.\d x 6\.\d x 3\.\d cm, 81 g, 1 hulls of 16 vert", line
    )


def test_import_keeps_the_object(monkeypatch, capsys, tmp_path):
    out = tmp_path / "mine.object.npz"
    run(monkeypatch, "import", "can:2", "--out", str(out))
    assert load_objects([str(out)]).names == ("can:2",)


def test_show_writes_a_sheet(monkeypatch, capsys, tmp_path):
    run(monkeypatch, "show", "box", "soap", "--out", str(tmp_path / "new" / "a.png"))
    assert "2 objects" in capsys.readouterr().out
    picture = np.asarray(Image.open(tmp_path / "new" / "a.png"))
    assert picture.shape[1] == 2 * 220
    assert picture.std() > 10


def test_picture_shows_the_object_and_its_shadow():
    objects = load_objects(["box"])
    picture = draw_object(objects, 0, 60).astype(int)
    table = picture[2, 2]
    centre = picture[30, 30]
    assert np.abs(centre - table).sum() > 100
    assert np.ptp(table) < 20  # the table is grey
    greys = np.ptp(picture, axis=2) < 20
    shadow = greys & (picture.sum(axis=2) < 0.8 * table.sum())
    assert shadow.mean() > 0.02


def test_list_a_part_of_the_everyday_set(monkeypatch, capsys):
    run(monkeypatch, "list", "everyday/train/mug")
    names = capsys.readouterr().out.split()
    assert names == [m.name for m in choose_members("train", "mug")]
    assert all(re.fullmatch(r"mug:\d+@0\.\d+", name) for name in names)


def test_show_a_sample_of_many(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(catalogue, "_MOST_SHOWN", 2)
    run(monkeypatch, "show", "everyday/train/box:4", "--out", str(tmp_path / "a.png"))
    assert "2 of 4 objects" in capsys.readouterr().out


def test_build_counts(monkeypatch, capsys):
    monkeypatch.setattr(catalogue, "build", lambda: ([("mug", 0)], None))
    run(monkeypatch, "build")
    said = capsys.readouterr().out
    assert "train: 3200 objects" in said
    assert re.search(r"^  mug +6\d objects of \d+ meshes$", said, re.M)


def test_plan_is_written(monkeypatch, capsys):
    written = []
    monkeypatch.setattr(objects_plan, "make_plan", lambda: {"train": {}})
    monkeypatch.setattr(objects_plan, "write_plan", written.append)
    run(monkeypatch, "plan")
    assert written == [{"train": {}}]
    assert "everyday_plan.json" in capsys.readouterr().out


def test_unwritable_sheet(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot write"):
        write_contact_sheet(load_objects(["box"]), tmp_path / "file" / "a.png")
    with pytest.raises(ValueError, match="cannot write"):
        write_contact_sheet(load_objects(["box"]), tmp_path / "a.nothing")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("lst", "no command 'objects lst': choose from objects list"),
        ("show --ouut x", "Unrecognized options: --ouut, x"),
        ("show mug --size abc", "Error parsing --size"),
        ("import", "Missing from dexjax objects import:"),
        ("list everyday/trian", "'trian': did you mean train"),
        ("list --dexgraspnet /nowhere", "no DexGraspNet folder '/nowhere'"),
        ("import box --out box.npz", r"box.npz: must end in \.object\.npz"),
    ],
)
def test_typing_errors_are_one_line(monkeypatch, capsys, arguments, says):
    with pytest.raises(SystemExit) as end:
        run(monkeypatch, *arguments.split())
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert re.match(f"error: .*{says}", said), said
    assert said.count("\n") == 1 and "│" not in said


def test_mistake_is_one_line_and_status_2():
    done = subprocess.run(
        [sys.executable, "-m", "dexjax", "objects", "show", "mugg"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown object 'mugg': did you mean mug?")
    assert len(done.stderr.splitlines()) == 1
