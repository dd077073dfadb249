from __future__ import annotations

from local.licences import REQUIREMENTS, ROOT, locked

PAGE = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")


def test_every_package_of_the_layer_has_a_row_on_the_page_of_advisories() -> None:
    carried = PAGE.partition("## What the functions carry")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in carried.splitlines() if line.startswith("|")]
    names = {name.strip() for row in rows[2:] for name in row.split(",")}
    assert names == locked(REQUIREMENTS.read_text(encoding="utf-8")).keys()


def test_the_page_says_that_it_replaces_no_audit() -> None:
    assert "no substitute for `make audit`" in PAGE
