"""Tables that strangers' words go into, as spreadsheets read them: divided at commas, semicolons or tabs."""

import csv
import io

import pytest

from autograder.tables import csv_text

FORMULAS = [
    "=cmd()",
    "+1",
    "-1",
    "@x",
    "\t=1",
    "  =1",
    "\uff1d1",
    "a;=cmd()",
    "a; =cmd()",
    "a\t=1",
    "a\n=1",
    "a,-1",
    '";=1',
]


@pytest.mark.parametrize("cell", FORMULAS)
def test_no_cell_is_a_formula_wherever_a_spreadsheet_divides(cell):
    text = csv_text([["ada", cell, -1.5], [cell, "", None]])
    for delimiter in ",;\t":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            for read in row:
                assert read.strip(' "')[:1] not in {*"=+@", "\uff1d"} or read == "-1.5", (delimiter, row)
                assert not read.startswith("-") or read == "-1.5"


def test_all_cells_are_quoted_and_plain_ones_stay():
    assert csv_text([["a b", 2, "x-y", "-"]]) == '"a b","2","x-y","-"\r\n'
