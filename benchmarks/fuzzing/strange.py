"""What stands where nobody expects it: names of files, words, values; and a canary."""

import math
from typing import Any

# What code that runs makes, in the folder where the command runs.
CANARY = "CODE_RAN"
# Stems of files that a shell, a list or a parser may take for something else.
STEMS = (
    *("it's", 'a "cup"', "a\nb", "a,b", "cup@0.06", "mug", "x" * 240, "é", "\udcff"),
    *("-rf", "--out", "a b", "~", "..x", "$HOME", "%s", "{0}", "a;b", "mug:3"),
    *(f"$(touch {CANARY})", f"`touch {CANARY}`", f";touch {CANARY};"),
)
# What stands where a word or a number stood.
WORDS = (
    *("nan", "-inf", "1e999", "1e308", "-1", "0", "1e-30", "9" * 400, "0x10", "1_0"),
    *("true", "~", "[]", "{}", "*a", "&a", "!!python/name:os.system", "2001-99-99"),
    *("'", '"', "<", "&", "&#0;", "<!--", "]]>", "\0", "\x7f", "é", "\ufeff", "\n"),
    *("\u2028", "../..", "/dev/zero", "x" * 5000, "١٢", "1,5", "-", "+", "."),
    f"!!python/object/apply:os.system [touch {CANARY}]",
    f"$(touch {CANARY})",
)
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 10**400, 1e308, math.nan, math.inf, -math.inf),
    *(
        "",
        "x",
        "é\n",
        "\0",
        "9" * 400,
        "../..",
        "/dev/zero",
        [],
        {},
        [[]],
        [1],
        {"": 0},
    ),
)
