"""The table that `dexjax evaluate` prints."""

import pytest

from dexjax.cli.evaluate import shown


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("mug:12@0.08", "mug:12@0.08"),
        ("mug,can", "2 objects"),
        ("core-mug-8570d9a8d24cb0acbebd3c0c0c70fb03@0.06", "core-mug-8570d9a…03@0.06"),
    ],
)
def test_names_in_the_table_keep_their_scale(name, column):
    assert shown(name) == column
    assert len(column) <= 24
