"""Whatever is wrong with the files of a hand, it is said in one line."""

import random
import re
import shutil

import pytest

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand, mjcf_path
from dexjax.hands.description import read_hand

# What stands where a word or a number stood.
_ODD = (
    *("nan", ".nan", "-.inf", "1e999", "-1", "0", "1e-30", "9" * 400, "true", "~"),
    *("[]", "{}", "[[1]]", "*a", "&a", "!!python/name:os", "!!int x", "2001-99-99"),
    *("'", '"', "<", "&", "&#0;", "<!--", "]]>", "\0", "\x7f", "é", "\ufeff", "\n"),
    *("object", "palm", "root", "world", "table", "hull0", "FFJ1", "x" * 5000),
    '<include file="hand.xml"/>',
    '<option gravity="0 0 0"><flag contact="disable"/></option>',
    '<geom type="plane" size="1 1 1"/><plugin plugin="mujoco.pid"/>',
    "/dev/zero",
    "..",
)


def _mutated(data, chance):
    """The text with one to four words, lines or bytes of it changed."""
    for _ in range(chance.randint(1, 4)):
        words = list(re.finditer(rb"[\w.+-]+", data))
        kind = chance.randrange(6)
        if kind < 3 and words:
            word = chance.choice(words)
            start, end = word.span()
            new = chance.choice(_ODD).encode()
            if kind == 1:
                new = chance.choice(words).group()
        elif kind < 5:
            lines = [0, *(m.end() for m in re.finditer(rb"\n", data)), len(data)]
            start, end = sorted(chance.choices(lines, k=2))
            end = min(end, start + 2000)
            new = b"" if kind == 3 else data[start:end] * 2
        else:
            start = chance.randrange(len(data) + 1)
            end = min(len(data), start + chance.choice((0, 1, len(data))))
            new = bytes(chance.choices(range(256), k=chance.randint(0, 3)))
        data = data[:start] + new + data[end:]
    return data


@pytest.mark.parametrize("name", ["shadow", "allegro"])
@pytest.mark.parametrize("ending", ["yaml", "xml"])
def test_mutated_files_work_or_are_refused_in_one_line(name, ending, tmp_path):
    chance = random.Random(f"{name} {ending}")
    for kind in ("yaml", "xml"):
        shutil.copy(mjcf_path(f"{name}_hand.{kind}"), tmp_path)
    path = tmp_path / f"{name}_hand.{ending}"
    whole, refused = path.read_bytes(), 0
    for _ in range(50):
        path.write_bytes(_mutated(whole, chance))
        try:
            hand = read_hand(tmp_path / f"{name}_hand.yaml")
        except DexjaxError as error:
            refused += 1
            assert len(str(error).splitlines()) == 1 and len(str(error)) < 1000
        else:
            assert hand.joints and hand.fingertips
    assert 25 < refused < 50  # neither all work nor none


ALIASES = "\n".join(
    ["name: &a0 [x]"]
    + [f"n{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
)
BAD_YAML = [
    (ALIASES, "alias"),
    ("a: &a {b: 1}\n<<: [*a, *a]", "alias"),
    ("[" * 10_000, "nested too deeply"),
    ("name: a\nname: b", "twice"),
    ("3: 4", "unknown field 3"),
    ("? [a]\n: b", "not YAML"),
    ("a: 2001-99-99", "not YAML"),
    ("a: !!python/object/apply:os.getcwd []", "not YAML"),
    ("\x89PNG\x00\x01", "not YAML"),
    ("name: claw\n" * 10_000, "too large"),
]


@pytest.mark.parametrize(("text", "message"), BAD_YAML)
def test_files_that_are_no_description(text, message, tmp_path):
    path = tmp_path / "claw.yaml"
    path.write_text(text)
    with pytest.raises(DexjaxError, match=message) as error:
        load_hand(str(path))
    assert len(str(error.value).splitlines()) == 1 and len(str(error.value)) < 1000
