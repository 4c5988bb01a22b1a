"""Commands, targets and links on the pages are there."""

import re
from pathlib import Path

import pytest

from dexjax.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
EVERY_PAGE = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def test_targets_on_the_pages_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    text = "\n".join(page.read_text() for page in EVERY_PAGE)
    used = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, flags=re.MULTILINE))
    assert {"train-base", "test", "eval", "demo", "lint", "bench"} <= used
    assert used <= targets


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: page.name)
def test_commands_on_a_page_are_commands(page):
    text = page.read_text()
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL))
    said = re.findall(r"^dexjax ([^#\n]+)", blocks, flags=re.MULTILINE)
    for line in said + re.findall(r"`dexjax ([^`\n]+)`", text):
        words = line.split()
        if words[0].startswith("-"):
            continue
        known = {" ".join(words[:count]) for count in (1, 2)} & COMMANDS.keys()
        assert known, line


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    for link in links:
        if not link.startswith("https://"):
            assert (page.parent / link).exists(), link


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
