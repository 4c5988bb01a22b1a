"""`dexjax train codes`: the encoder of object codes."""

from collections.abc import Sequence

from dexjax.cli.arguments import parse
from dexjax.runs.assemble import use_compilation_cache
from dexjax.systems.resdex.encoder_training import EncoderOptions, train_codes


def run(arguments: Sequence[str]) -> list[dict]:
    """Trains, measures, exports; again, it goes on. A row for each split."""
    options = parse(EncoderOptions, arguments, EncoderOptions(), "train codes")
    use_compilation_cache()
    rows = train_codes(options)
    for row in rows:
        print(
            f"{row['split']:16} Chamfer {row['chamfer_mm2']:6.1f} mm^2, nearest code "
            f"of the same category {row['same_category']:.1%} "
            f"(by chance {row['same_category_by_chance']:.1%})"
        )
    return rows
