"""What a class's results are summed up to: item analysis, commonest mistakes, similar submissions, pictures."""

import random
import time

import pytest

from autograder import tasks
from autograder.classroom import analysis, charts, similarity
from autograder.classroom.analysis import Failure, Graded
from autograder.grading.results import Results
from autograder.repository import ROOT
from tests.kit.archives import zipped

COURSE = tasks.load()
CHECKS = [check for check in COURSE.checks if check.points]


def graded(slug: str, passed: set[str], says: str = "it is wrong", elbo: float | None = None, **why) -> Graded:
    """A submission that passes these checks and reads the same about all others.

    Args:
        why: further arguments of Results.set for those.
    """
    results = Results.of(COURSE)
    for check in COURSE.checks:
        if check.id in passed:
            results.set(check.id, 1.0)
        else:
            results.set(check.id, 0.0, says, **why)
    if elbo is not None:
        results.leaderboard = [{"name": "Negative ELBO", "value": elbo, "order": "asc"}]
    return analysis.reduce(slug, results.document())


def ids(checks) -> set[str]:
    return {check.id for check in checks}


def test_item_analysis():
    easy, hard, broken, backwards, untried = CHECKS[0], CHECKS[1], CHECKS[2], CHECKS[3], CHECKS[4]
    rest = CHECKS[5:]
    strong = ids([easy, hard, *rest])
    weak = ids([easy, backwards])
    group = [graded(f"strong{n}", strong) for n in range(6)]
    group += [graded(f"weak{n}", weak, "Still a stub.", kind="not_implemented") for n in range(4)]
    for one in group:
        one.failures[untried.id] = Failure("not_implemented", "", "Still a stub.")
    found = {item.check.id: item for item in analysis.analyse(group, COURSE)}
    assert set(found) == ids(CHECKS)  # checks without points are not listed
    assert found[easy.id].passed == 1 and found[easy.id].remark == "everyone passes"
    assert found[easy.id].discrimination is None
    assert found[hard.id].passed == pytest.approx(0.6) and found[hard.id].discrimination == pytest.approx(1, abs=0.01)
    assert found[hard.id].attempted == pytest.approx(0.6) and found[hard.id].remark == ""
    assert "everyone who tried fails" in found[broken.id].remark
    assert found[backwards.id].discrimination < -0.9 and "weaker students" in found[backwards.id].remark
    assert found[untried.id].remark == "nobody tried it"
    tasks_found = {task.number: task for task in analysis.task_results(group, COURSE)}
    last = tasks_found[rest[-1].number]
    assert last.mean == pytest.approx(0.6) and (last.strong, last.weak, last.gap) == (1, 0, 1)
    # Nobody has written anything for it but the strong.
    assert dict(last.bands) == {**dict.fromkeys(analysis.BANDS, 0), "all points": 6, "not tried": 4}
    assert all(sum(count for _, count in task.bands) == 10 for task in tasks_found.values())


def test_what_chance_alone_gives_is_not_odd():
    """Of twenty the best fails a check, and one of the middle: that says nothing about the check."""
    easy, rest = CHECKS[0], CHECKS[1:]
    group = [graded(f"s{n}", ids(rest[n:]) | (set() if n in (0, 9) else {easy.id})) for n in range(20)]
    (item,) = [item for item in analysis.analyse(group, COURSE) if item.check.id == easy.id]
    assert -0.4 < item.discrimination < -0.1 and item.remark == ""


def test_few_submissions_give_no_correlation():
    found = analysis.analyse([graded("a", ids(CHECKS[:9])), graded("b", set())], COURSE)
    assert all(item.discrimination is None for item in found)
    few = analysis.task_results([graded("a", ids(CHECKS[:9])), graded("b", set())], COURSE)
    assert all(task.gap is None for task in few)
    assert analysis.correlation([1, 2, 3], [2, 4, 6]) == pytest.approx(1)
    assert analysis.correlation([1, 2, 3], [5, 5, 5]) is None


def test_commonest_mistakes():
    passed = ids(COURSE.checks) - {CHECKS[0].id, CHECKS[1].id}
    assert CHECKS[0].task == CHECKS[1].task
    group = [
        graded("ada", passed, "kl: 12 of 60 values are wrong. Was v used as the standard deviation?"),
        graded("ben", passed, "kl: 9 of 40 values are wrong. Was v used as the standard deviation?"),
        graded("cyd", passed, "kl: all of 40 values are wrong. Was v used as the standard deviation?", printed="x"),
        graded("dot", passed, "Still a stub.", kind="not_implemented"),
        graded("eve", passed, "the sign is wrong"),
    ]
    first, second = analysis.mistakes(group, COURSE)
    # The same mistake with other numbers is one; who fails two checks by it counts once.
    assert first.slugs == ["ada", "ben", "cyd"] and first.task == CHECKS[0].number
    assert "standard deviation?" in first.text and "Your code printed" not in first.text
    assert (second.slugs, second.text) == (["eve"], "the sign is wrong")


def test_a_cause_that_is_named_is_one_mistake_in_whatever_words():
    passed = ids(COURSE.checks) - {CHECKS[0].id}
    lost = {"cause": "the factor 1/2 is lost"}
    group = [graded("ada", passed, "f(x): wrong. Lost?", **lost), graded("ben", passed, "g(x): off. Half?", **lost)]
    group.append(graded("cyd", passed | ids(CHECKS[2:5]), "h(x): wrong.", **lost))
    (mistake,) = analysis.mistakes(group, COURSE)
    assert mistake.slugs == ["ada", "ben", "cyd"] and mistake.cause == "the factor 1/2 is lost"


def test_the_example_of_a_mistake_is_the_best_submission_that_has_it():
    lost = {"cause": "the factor 1/2 is lost"}
    group = [graded("weak", set(), **lost), graded("strong", ids(COURSE.checks) - {CHECKS[0].id}, **lost)]
    (mistake,) = [one for one in analysis.mistakes(group, COURSE) if len(one.slugs) == 2]
    assert mistake.example == "strong"


def test_words_of_students_can_be_left_out():
    said = ["jane_doe.py: NameError: jane", "NameError: name 'joe' is not defined"]
    group = [graded(f"s{n}", ids(COURSE.checks) - {CHECKS[0].id}, text, kind="raised") for n, text in enumerate(said)]
    (mistake,) = analysis.mistakes(group, COURSE, words=False)
    assert (mistake.slugs, mistake.text, mistake.cause) == (["s0", "s1"], "", "") and mistake.check == CHECKS[0].title


def test_leaderboard():
    group = [graded("a", set(), elbo=99.5), graded("b", set()), graded("c", set(), elbo=97.0)]
    assert [one.slug for one in analysis.leaderboard(group)] == ["c", "a"]


def test_a_histogram():
    found = charts.histogram([0, 4.9, 5, 100, 100, 100], 100, "Scores")
    assert [(bar.x, bar.count, bar.label) for bar in found.bars] == [
        (0, 2, "0 to 5"),
        (5, 1, "5 to 10"),
        (95, 3, "95 to 100"),
    ]
    assert found.bars[-1].height == 100 and found.most == 3 and found.median == (52.5, "52.5")
    assert [text for _, text in found.ticks] == ["0", "20", "40", "60", "80", "100"]
    assert charts.histogram([0.0], 0, "All at once").bars[0].count == 1
    assert [text for _, text in charts.ticks(7)] == ["0", "2", "4", "6"]


# Similarity

OWN = '''
def kl_univariate_normal(mu1, var1, mu2, var2):
    """The divergence."""
    log_ratio = torch.log(var2) - torch.log(var1)
    difference = (mu1 - mu2) ** 2
    if difference.shape != log_ratio.shape:
        difference, log_ratio = torch.broadcast_tensors(difference, log_ratio)
    for place in range(difference.dim()):
        assert difference.size(place) == log_ratio.size(place), "shapes"
    quotient = (var1 + difference) / var2
    return 0.5 * (log_ratio + quotient - 1)
'''
# Renamed, with other comments and docstrings, in another place of the file.
DISGUISED = "import torch\n\n\nclass Nothing:\n    pass\n\n" + OWN.replace("log_ratio", "lr").replace(
    "difference", "diff"
).replace("quotient", "q  # quotient?").replace("The divergence", "My own work").replace("mu1", "m_p")
OTHER = """
import torch

def kl_univariate_normal(mu1, var1, mu2, var2):
    first = torch.distributions.Normal(mu1, var1.sqrt())
    second = torch.distributions.Normal(mu2, var2.sqrt())
    with torch.enable_grad():
        result = torch.distributions.kl_divergence(first, second)
    while result.dim() == 0 and result.requires_grad is None:
        result = result.unsqueeze(-1) * torch.ones_like(mu1)
    return result
"""


def parcel(source: str) -> bytes:
    return zipped({"kl.py": source})


def prints(sources: dict[str, str], starter=()) -> dict[str, similarity.Fingerprints]:
    return {slug: similarity.fingerprint(parcel(text), ["kl.py"], starter) for slug, text in sources.items()}


def test_a_disguised_copy_is_found():
    (pair,) = similarity.pairs(prints({"ada": OWN, "ben": OTHER, "eve": DISGUISED}))
    assert {pair.first, pair.second} == {"ada", "eve"}
    assert pair.shared >= similarity.LEAST_SHARED and pair.files == ("kl.py",) and not pair.identical
    assert max(pair.first_share, pair.second_share) > 0.6


def test_the_passage_that_is_shared_is_found_in_both():
    found = prints({"ada": OWN, "ben": OTHER, "eve": DISGUISED})
    few = similarity.rare(found)
    (passage,) = similarity.passages(few["ada"], few["eve"])
    for place, source in ((passage.one, OWN), (passage.other, DISGUISED)):
        lines = source.splitlines()[place.first - 1 : place.last]
        assert place.file == "kl.py" and any("broadcast_tensors" in line for line in lines) and len(lines) >= 8
    assert similarity.passages(few["ada"], few["ben"]) == []


def test_a_large_group_with_the_same_code_is_found():
    """What they share is common to many, but not that it is all of their code."""
    found = similarity.pairs(prints({f"s{n:02}": OWN for n in range(14)}))
    assert len(found) == 13 and all(pair.identical for pair in found)


def test_identical_code_comes_first():
    found = similarity.pairs(prints({"ada": OWN, "eve": DISGUISED, "ben": OTHER, "dan": OTHER + "# mine\n"}))
    assert (found[0].first, found[0].second, found[0].identical) == ("ben", "dan", True)


def test_the_starters_code_is_no_evidence(tmp_path):
    (tmp_path / "kl.py").write_text(OWN)
    starter = similarity.starter_hashes(tmp_path)
    found = prints({"ada": OWN, "eve": OWN + "\n\nx = 1\n"}, starter)
    assert len(found["ada"].own) == 0 and similarity.pairs(found) == []


def test_the_real_starters_are_not_alike():
    starter = similarity.starter_hashes(ROOT / "student")
    source = (ROOT / "student" / "kl.py").read_text(encoding="utf-8")
    assert similarity.fingerprint(parcel(source), ["kl.py"], starter).own == {}


def test_what_everybody_writes_is_no_evidence():
    """Twelve have one passage in common; two of them another one besides."""
    sources = {f"s{n:02}": OTHER + f"\n\nvalue_{n} = {[n] * 40}\n" for n in range(12)}
    sources["s03"] += OWN
    sources["s07"] += OWN
    (pair,) = similarity.pairs(prints(sources))
    assert (pair.first, pair.second) == ("s03", "s07")


def test_winnowing_keeps_its_promise():
    """Every passage of W + K - 1 tokens that two texts share leaves a fingerprint in both."""
    chooser = random.Random(0)
    length = similarity.W + similarity.K - 1
    for _ in range(50):
        shared = [str(chooser.randrange(1000)) for _ in range(length)]
        texts = [
            [str(chooser.randrange(1000)) for _ in range(chooser.randrange(40))] + shared + ["x"] * chooser.randrange(9)
            for _ in range(2)
        ]
        first, second = (similarity.winnow(similarity.hashes(text)) for text in texts)
        assert first & second


@pytest.mark.parametrize(
    "source",
    ["def (", "'''never closed", "\tx\n  y\n", "(" * 900, "\x00", "'" + "\\'" * 15_000, "x = 1\n" * 60_000, ""],
)
def test_files_that_python_cannot_read_are_compared_as_far_as_they_go(source):
    began = time.process_time()
    found = similarity.fingerprint(parcel(source), ["kl.py"], ())
    assert isinstance(found.own, dict) and time.process_time() - began < 5
    assert found.left_out == (("kl.py",) if len(source) > 10_000 else ())


def test_no_file_takes_the_room_from_those_to_hand_in():
    content = zipped({"kl.py": OWN, "aaa.py": "a = b\n" * 50_000})
    found = similarity.fingerprint(content, ["kl.py"], ())
    assert found.left_out == ("aaa.py",)
    (pair,) = similarity.pairs({"eve": found, **prints({"ada": DISGUISED})})
    assert "kl.py" in pair.files
