from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from cli.errors import CommandError
from cli.respondents.rows import LONGEST_LINE, Refused, Row, open_csv, read_rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "respondents.csv"


def read(path: Path, content: str | bytes) -> list[Row | Refused]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_csv(path) as opened:
        return list(read_rows(opened))


def refused(path: Path, content: str | bytes) -> list[tuple[int, str]]:
    return [(each.line, each.reason) for each in read(path, content) if isinstance(each, Refused)]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_are_read_however_a_spreadsheet_writes_them(
    path: Path, mark: bytes, end: str, delimiter: str
) -> None:
    text = end.join(("EMail,token", "jana@example.com,T-1", "")).replace(",", delimiter)
    assert read(path, mark + text.encode()) == [
        Row(2, {"email": "jana@example.com", "token": "T-1"})
    ]


def test_a_row_is_known_by_the_line_on_which_it_begins(path: Path) -> None:
    text = 'email,name\n\na@x.cz,"Jana\nNová, ""J""\n"\n,\n  , \nb@x.cz,B\n'
    assert read(path, text) == [
        Row(3, {"email": "a@x.cz", "name": 'Jana\nNová, "J"\n'}),
        Row(8, {"email": "b@x.cz", "name": "B"}),
    ]


def test_a_line_end_within_quotes_stays_as_it_is(path: Path) -> None:
    (row,) = read(path, 'email,name\r\na@x.cz,"A\r\nB"\r\n')
    assert row == Row(2, {"email": "a@x.cz", "name": "A\r\nB"})


def test_a_wrong_number_of_fields_is_refused(path: Path) -> None:
    found = refused(path, "email,token\na@x.cz\nb@x.cz,T,U\nc@x.cz,T\n")
    assert found == [
        (2, "it has 1 fields, the first line has 2"),
        (3, "it has 3 fields, the first line has 2"),
    ]


def test_a_nul_byte_and_another_encoding_are_refused_by_line(path: Path) -> None:
    found = read(path, b"email,name\na@x.cz,A\0\nb@x.cz,Nov\xe1\nc@x.cz,Nov\xc3\xa1\n")
    assert found == [
        Refused(2, "it holds a NUL byte"),
        Refused(3, "it is not UTF-8"),
        Row(4, {"email": "c@x.cz", "name": "Nová"}),
    ]


def test_after_quotes_that_do_not_match_the_next_line_is_read(path: Path) -> None:
    text = 'email,name\na@x.cz,"A"a\nb@x.cz,B\nc@x.cz,"C\nd@x.cz,D\n'
    assert read(path, text) == [
        Refused(2, "its quotes don't match"),
        Row(3, {"email": "b@x.cz", "name": "B"}),
        Refused(4, "its quotes don't match, so lines 4 to 5 were not read"),
    ]


def test_an_open_quote_does_not_swallow_the_whole_file(path: Path) -> None:
    line = f"{'x' * 999}\n"
    found = read(path, f'email,name\na@x.cz,"A\n{line * 200}b@x.cz,B\n')
    assert found[0] == Refused(2, "its quotes don't match, so lines 2 to 134 were not read")
    assert found[-1] == Row(203, {"email": "b@x.cz", "name": "B"})


def test_a_line_that_never_ends_ends_the_reading(path: Path) -> None:
    endless = "x" * (LONGEST_LINE + 1)
    assert read(path, f"email\na@x.cz\n{endless}\nb@x.cz\n") == [
        Row(2, {"email": "a@x.cz"}),
        Refused(3, "it has more than 65,536 characters; nothing was read from here on"),
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "there is no column email"),
        ("\nemail\n", "there is no column email"),
        ("jana@example.com,T-1\n", "there is no column email"),
        ("e" * (LONGEST_LINE + 1), "there is no column email"),
        ('"email\na@x.cz\n', "there is no column email"),
        ("email,token,jana@example.com\n", "column 3 is none that is known"),
        ("email,\n", "column 2 is none that is known"),
        ("email,token,Email\n", "a column is there twice"),
        ("email\n".encode("utf-16"), "not UTF-8"),
        (b"email,n\xe1zev\n", "not UTF-8"),
    ],
)
def test_a_first_line_that_names_no_columns_is_an_error_and_is_not_shown(
    path: Path, content: str | bytes, text: str
) -> None:
    with pytest.raises(CommandError, match=text) as caught:
        read(path, content)
    assert "jana" not in str(caught.value)


def test_what_is_no_file_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(CommandError, match=r"is no file\. Name a CSV file"):
            open_csv(path)


def test_a_file_that_may_not_be_read_is_an_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path.touch()
    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(CommandError, match=r"respondents.csv: Permission denied\."):
        open_csv(path)


def test_memory_does_not_grow_with_the_file(path: Path) -> None:
    with path.open("w") as file:
        file.write("email,name\n")
        file.writelines(f"{number}@example.com,{'x' * 400}\n" for number in range(20_000))
    tracemalloc.start()
    try:
        with open_csv(path) as opened:
            rows = sum(1 for _ in read_rows(opened))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == 20_000
    assert peak < 1_000_000 < path.stat().st_size
