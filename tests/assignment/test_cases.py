"""The cases that public checks compare with are those that the right answers and usual mistakes give."""

from tools.store_cases import STORED, texts


def test_the_stored_cases_are_up_to_date():
    stored = {path.name: path.read_text(encoding="utf-8") for path in STORED.iterdir()}
    assert stored == texts(), "run `make cases`"


def test_students_get_few_bytes():
    assert sum(path.stat().st_size for path in STORED.iterdir()) < 200_000
