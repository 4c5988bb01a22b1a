"""Changes of a text: words, lines, letters; and of what is XML."""

import re
from random import Random

from fuzzing import strange
from fuzzing.changes.bytewise import cut, flip, noise

_ENCODINGS = ("utf-16", "utf-16-be", "utf-8-sig", "utf-32", "latin-1", "cp500")
_ENTITIES = (
    b'<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">\n'
    + b"".join(
        b'<!ENTITY %c "%s">\n' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(8)
    )
)


def changed_text(data: bytes, chance: Random) -> bytes:
    """One to three changes of words, lines or letters; now and then of bytes."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice(_TEXT_CHANGES)(data, chance)
    return data


def changed_xml(data: bytes, chance: Random) -> bytes:
    """An XML file: changed text, entities that unfold, or elements without end."""
    kind = chance.randrange(12)
    if kind == 0:
        return _ENTITIES + b"]>" + re.sub(rb"^<\?xml[^>]*\?>", b"", data) + b"&i;"
    if kind == 1:
        return b"<mujoco>" + b"<worldbody><body>" * 50_000
    return changed_text(data, chance)


def _word(data: bytes, chance: Random) -> bytes:
    words = list(re.finditer(rb"[\w.+-]+", data))
    if not words:
        return data + chance.choice(strange.WORDS).encode()
    start, end = chance.choice(words).span()
    other = chance.random() < 0.3
    new = (
        chance.choice(words).group() if other else chance.choice(strange.WORDS).encode()
    )
    return data[:start] + new + data[end:]


def _line(data: bytes, chance: Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    i, j = chance.randrange(len(lines)), chance.randrange(len(lines))
    kind = chance.randrange(4)
    if kind == 0:
        lines[i], lines[j] = lines[j], lines[i]
    elif kind == 1:
        del lines[min(i, j) : min(i, j) + chance.randint(1, 5)]
    elif kind == 2:
        lines[i] *= chance.choice((2, 1000))
    else:
        lines.insert(i, lines[j])
    return b"".join(lines)


def _encoded(data: bytes, chance: Random) -> bytes:
    text = data.decode("utf-8", errors="replace")
    return text.encode(chance.choice(_ENCODINGS), errors="replace")


def _line_ends(data: bytes, chance: Random) -> bytes:
    return data.replace(b"\n", chance.choice((b"\r", b"\r\n", b"\\\n", b"\0\n", b" ")))


_TEXT_CHANGES = (
    *(_word, _word, _word, _word, _line, _line, _line),
    *(_encoded, _line_ends, flip, cut, noise),
)
