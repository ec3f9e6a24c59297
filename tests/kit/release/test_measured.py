"""Numbers and comparisons that texts take from a run's metrics."""

import json

import pytest

from autograder.release.measured import fill, read, recorded, typed

METRICS = {
    "model": {"error": 0.5449, "steps": 20_000, "used": 3, "curve": [1.5, 2.25], "name": "x", "done": True},
    "other": {"error": 1.0951, "gone": float("nan"), "tiny": -0.001},
}


def filled(text: str, metrics: dict = METRICS) -> str:
    problems: list = []
    result = fill(text, metrics, "a.md", problems)
    assert problems == []
    return result


@pytest.mark.parametrize(
    ("placeholder", "text"),
    [
        ("model.error", "0.5449"),
        ("model.error:.2f", "0.54"),
        ("model.error:.0%", "54%"),
        ("model.steps:,", "20,000"),
        ("model.curve.1:.1f", "2.2"),
        ("10 - model.used", "7"),
        ("other.error - model.error:.2f", "0.56"),  # 1.10 - 0.54; of the unrounded numbers it would be 0.55
        ("model.error + other.error:.1f", "1.6"),
        ("other.error\n/ model.error:.1f", "2.0"),
        ("other.tiny:.2f", "0.00"),  # and not -0.00
    ],
)
def test_a_number(placeholder: str, text: str) -> None:
    assert filled(f"It is {{{{metric:{placeholder}}}}}.") == f"It is {text}."


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ("model.error, other.error:.2f", "better by 0.56 nats"),
        ("other.error, model.error:.2f", "worse by 0.56 nats"),
        ("other.error, 1.0999:.2f", "as good"),
        ("model.used, 3", "as good"),
        ("model.error - other.error, 0:.1f", "better by 0.6 nats"),
    ],
)
def test_a_comparison(numbers: str, text: str) -> None:
    """Decided by the numbers as they are shown, ties included."""
    words = "| better by {} nats |\nworse by {} nats | as good"
    assert filled(f"**It is {{{{compare:{numbers} {words}}}}}**") == f"**It is {text}**"


@pytest.mark.parametrize(
    ("placeholder", "complaint"),
    [
        ("{{metric:model.eror}}", "no number 'model.eror'; 'model.error'?"),
        ("{{metric:model.name}}", "no number 'model.name'"),
        ("{{metric:model.done}}", "no number 'model.done'"),
        ("{{metric:other.gone:.2f}}", "'other.gone' is nan"),
        ("{{metric:model.curve.2}}", "'model.curve.1'?"),
        ("{{metric:model.error:.2q}}", "does not format"),
        ("{{metric:model.error / 0}}", "divides by zero"),
        ("{{metric:1 + 2 + 3}}", "at most two numbers"),
        ("{{metric model.error}}", "is no placeholder"),
        ("{{metric:model.error}", "is no placeholder"),
        ("{{compare:model.error:.2f | less | more | same}}", "a comparison is A, B:FORMAT"),
        ("{{compare:model.error, 1:.2f | less | more}}", "a comparison is A, B:FORMAT"),
        ("{{compare:model.error, 1:g | less | more | same}}", "a comparison is A, B:FORMAT"),
    ],
)
def test_complaints(placeholder: str, complaint: str) -> None:
    """With file and line, and the nearest path; the placeholder stays."""
    problems: list = []
    assert fill(f"One\n\n{placeholder}\n", METRICS, "a.md", problems) == f"One\n\n{placeholder}\n"
    assert [(problem.path, problem.line) for problem in problems] == [("a.md", 3)]
    assert complaint in problems[0].text


def test_what_several_runs_gave(tmp_path) -> None:
    """Over the runs that have a number."""
    runs = [{"a": {"b": [1, 2.5]}, "c": 1}, {"a": {"b": [3]}, "d": 2}]
    found = recorded(runs)
    assert found["a"]["b"]["0"] == {"mean": 2, "std": pytest.approx(2**0.5), "min": 1, "max": 3, "runs": 2}
    assert found["d"] == {"mean": 2, "std": 0, "min": 2, "max": 2, "runs": 1}
    (tmp_path / "metrics.json").write_text(json.dumps(METRICS))
    (tmp_path / "runs.json").write_text(json.dumps({"runs": runs}))
    metrics = read(tmp_path / "metrics.json", tmp_path / "runs.json")
    assert filled("{{metric:recorded.a.b.0.min}} to {{metric:recorded.a.b.0.max}}", metrics) == "1 to 3"
    assert "recorded" not in read(tmp_path / "metrics.json")


def test_typed_numbers() -> None:
    """At least three significant digits, in prose and formulas; not in code, links and placeholders."""
    text = "1,000 and 1,250 of\n$-0.545$ or $1{,}255 / 784$, 0.05, 2.00 [x](a1.md#345)\n`0.777` {{metric:a:.123f}}\n"
    text += "```\n1.234\n```\n<!-- 4.567\n -->\nx123 v1.23 or 12.34.\n"
    assert list(typed(text)) == [
        *[(1, "1250"), (2, "0.545"), (2, "1255"), (2, "784"), (2, "2.00"), (9, "12.34")],
    ]
