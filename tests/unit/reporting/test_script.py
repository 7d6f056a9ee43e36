"""The script of the page, in a real browser."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from minarch import reporting

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SCRIPT = (Path(reporting.__file__).parent / "report.js.j2").read_text()
PAGE = """<!DOCTYPE html><meta charset="utf-8"><nav><details class="menu"><summary>more</summary></details></nav>
<details id="outer"><summary>o</summary><details id="inner"><summary>i</summary></details></details>
<details id="other"></details>
<div class="scroll"><table><caption>c</caption><tr><th>name</th><th>value</th></tr>{rows}</table></div>
<script>{script}</script><script>{after}</script>"""
ROWS = [("w16", "1,200 <small>1 to 9</small>"), ("w8", "–"), ("w128", "-3.5"), ("a", "≤ 40"), ("b", "yes"), ("W8", "")]

pytestmark = [
    pytest.mark.slow,  # it starts a browser
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def browse(folder: Path, after: str, rows: list[tuple[str, ...]]) -> str:
    """The page as the browser has it once the script and then `after` have run."""
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    (folder / "page.html").write_text(PAGE.format(rows=cells, script=SCRIPT, after=after), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'browser'}", "--dump-dom"]
    command = [str(CHROMIUM), *options, f"file://{folder / 'page.html'}"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout


def names(page: str) -> list[str]:
    return re.findall(r"<tr(?! hidden)[^>]*><td>([^<]+)</td>", page)


def test_a_click_sorts_numbers_by_size_with_what_is_missing_last(tmp_path: Path) -> None:
    click = "const heads = document.querySelectorAll('th'); heads[1].click();"
    assert names(browse(tmp_path, click, ROWS)) == ["w128", "a", "w16", "b", "w8", "W8"]


def test_a_second_click_turns_the_order(tmp_path: Path) -> None:
    click = "const heads = document.querySelectorAll('th'); heads[1].click(); heads[1].click();"
    page = browse(tmp_path, click, ROWS)
    assert names(page) == ["w16", "a", "w128", "b", "w8", "W8"] and 'aria-sort="descending"' in page


def test_names_are_sorted_by_the_numbers_in_them_and_groups_stay_together(tmp_path: Path) -> None:
    click = "const heads = document.querySelectorAll('th'); heads[0].click();"
    assert names(browse(tmp_path, click, ROWS[:3])) == ["w8", "w16", "w128"]
    heading = "const row = document.querySelector('table').insertRow(3); row.innerHTML = '<th colspan=2>group</th>';"
    page = browse(tmp_path, heading + click, ROWS)
    assert names(page.partition("group")[0]) == ["w8", "w16"] and names(page.partition("group")[2])[:2] == ["a", "b"]


def test_a_long_table_has_a_box_that_hides_rows_without_its_words(tmp_path: Path) -> None:
    words = "const box = document.querySelector('input'); box.value = 'ROW 1'; box.dispatchEvent(new Event('input'));"
    page = browse(tmp_path, words, [(f"row {i}", str(i)) for i in range(13)])
    assert names(page) == ["row 1", "row 10", "row 11", "row 12"]
    assert "<input" not in browse(tmp_path, "", [(f"row {i}", str(i)) for i in range(12)])


def test_a_link_opens_what_is_folded_around_its_target(tmp_path: Path) -> None:
    page = browse(tmp_path, "location.hash = '#inner'; reveal();", ROWS)
    opened = re.findall(r'<details id="(\w+)" open="">', page)
    assert opened == ["outer", "inner"]
