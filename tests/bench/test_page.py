"""Sections of a page come and are replaced, and leave the others alone."""

from bench.page import quartiles, table, update


def test_a_section_is_added_last_and_replaced_in_its_place(tmp_path):
    page = tmp_path / "page.md"
    update(page, "Speed", "fast")
    update(page, "Memory", "little")
    update(page, "Speed", "faster \\1\n\n### by op\n\nall")
    assert page.read_text() == "## Speed\n\nfaster \\1\n\n### by op\n\nall\n\n## Memory\n\nlittle\n"


def test_a_table_and_its_figures():
    assert quartiles([3, 1, 2, 4, 5], ".1f") == "3.0 (2.0, 4.0)"
    assert table([("op", "ms"), ("add", "1")]) == "| op | ms |\n| --- | ---: |\n| add | 1 |"
