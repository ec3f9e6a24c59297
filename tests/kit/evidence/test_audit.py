"""The audit: its corpus fits solution and checks, its judgements are right, and a sample of it is run for real."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.evidence.audit import automatic, batches, command, corpus, execution
from autograder.evidence.audit.corpus import Change, CorpusError, Mutant
from autograder.evidence.audit.execution import Execution, executing
from autograder.evidence.audit.judge import judge_hint, judge_mutant
from autograder.evidence.audit.laboratory import Trial, TrialOutcome
from autograder.evidence.audit.pool import graded, open_pool
from autograder.release.reference import hand_in
from autograder.release.starter import without_markers
from autograder.repository import ROOT
from autograder.tasks import load

COURSE = load()
SOURCES = {name: text.decode() for name, text in hand_in(COURSE).items() if name.endswith(".py")}
CHECKS = {check.id for check in COURSE.checks}
# Of every task there is, whichever course asks for it.
TASKS = list(COURSE.known.values())
SOLUTION = {path.name: without_markers(path.read_text(encoding="utf-8")) for path in command.SOLUTION.glob("*.py")}

ORIGINAL = '''"""Docstring."""

import math


def double(x):
    """Twice x."""
    return 2 * x


class Model:
    def forward(self, x):
        return math.sin(x)
'''
CHANGE = Change("kl.py", "tripled", function="double", find="2 * x", put="3 * x")


# A mistake in the first task that has one, which its first check must notice.
OWN, OTHER = [task.name for task in COURSE.tasks if task.file in SOURCES][:2]


def worth_points(task: str) -> list[str]:
    return [check.id for check in COURSE.checks if check.task == task and check.points]


MUTANT = replace(
    next(mutant for mutant in corpus.load().mutants if corpus.is_of(mutant, COURSE.task(OWN))),
    checks=(worth_points(OWN)[0],),
    hint=("1/2",),
)


# The corpus


def test_the_corpus_is_as_large_as_promised():
    found = corpus.load()
    assert len(found.mutants) >= 200
    assert len(found.variants) >= 60
    assert {mutant.kind for mutant in found.mutants} == set(corpus.KINDS)


def test_every_task_with_code_has_mutants_and_variants():
    assert corpus.lacking(corpus.load(), TASKS) == []


def test_the_command_names_what_the_corpus_lacks(monkeypatch, capsys):
    assert corpus.main([]) == 0 and capsys.readouterr().out == ""
    monkeypatch.setattr(corpus, "load", lambda folder: corpus.Corpus())
    assert corpus.main(["--course", "004"]) == 0
    assert (
        "still to be written: tests/corpus/mutants/utils.toml has none of log_normal_mixture" in capsys.readouterr().out
    )
    with pytest.raises(SystemExit) as refused:
        corpus.main(["--course", "no_such"])
    assert refused.value.code == 2


def test_what_the_corpus_lacks_is_named_with_its_file():
    own = [task for task in TASKS if task.name == OWN]
    stem = Path(COURSE.task(OWN).file).stem
    wanted = [f"tests/corpus/{kind}/{stem}.toml has none of {OWN}" for kind in ("mutants", "variants")]
    assert corpus.lacking(corpus.Corpus(), own) == wanted
    assert corpus.lacking(corpus.Corpus((MUTANT,)), own) == wanted[1:]


def test_every_change_is_of_a_task():
    found = corpus.load()
    changes = (*found.mutants, *found.variants)
    assert [change.id for change in changes if not any(corpus.is_of(change, record) for record in TASKS)] == []


def test_only_what_a_course_asks_for_is_audited():
    fewer = replace(COURSE, tasks=tuple(task for task in COURSE.tasks if task.name != OWN))
    found = corpus.asked(corpus.load(), COURSE)
    gone = {change.id for change in (*found.mutants, *found.variants)}
    left = corpus.asked(found, fewer)
    gone -= {change.id for change in (*left.mutants, *left.variants)}
    assert MUTANT.id in gone
    assert all(change.function in COURSE.task(OWN).functions for change in found.mutants if change.id in gone)


def test_every_change_fits_the_solution_and_names_checks_that_exist():
    found = corpus.load()
    for change in (*found.mutants, *found.variants):
        assert change.apply(SOLUTION[change.file]) != SOLUTION[change.file]
    known = COURSE.possible_checks
    unknown = {(mutant.id, check) for mutant in found.mutants for check in mutant.checks if check not in known}
    assert not unknown


# Batches, written without sight of the checks


def test_batches_are_what_was_judged_at_first():
    assert batches.problems(corpus.load()) == []


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("path", sorted(batches.FIRST.glob("*.json")), ids=lambda path: path.stem)
def test_first_verdicts_are_those_of_the_commit_that_brought_them(path):
    place = path.relative_to(ROOT).as_posix()
    try:
        [brought] = git("log", "--diff-filter=A", "--format=%H", "--", place).split()
    except (OSError, subprocess.CalledProcessError, ValueError):
        pytest.skip("the history is not here: a ZIP, or a shallow clone")
    assert json.loads(git("show", f"{brought}:{place}")) == json.loads(path.read_text(encoding="utf-8"))
    changed = git("show", "--name-only", "--format=", brought).split()
    assert [name for name in changed if name.startswith("tests/") and not name.startswith("tests/corpus/")] == []


IN_A_BATCH = replace(MUTANT, checks=(), batch=3)


def test_a_batch_is_kept_at_its_first_run_and_never_again(tmp_path, capsys):
    found = corpus.Corpus((IN_A_BATCH, replace(IN_A_BATCH, name="other", put="wrong"), MUTANT))
    findings = {"mutants": {"survivors": [IN_A_BATCH.id]}, "variants": {"rejected": []}}
    batches.keep(3, found, findings, tmp_path)
    kept = {id: right for id, (_, right) in batches.first(3, tmp_path)["mutants"].items()}
    assert kept == {IN_A_BATCH.id: False, found.mutants[1].id: True}
    batches.keep(3, found, {"mutants": {"survivors": []}, "variants": {"rejected": []}}, tmp_path)
    assert not batches.first(3, tmp_path)["mutants"][IN_A_BATCH.id][1]
    assert batches.problems(found, tmp_path) == []


def test_an_entry_of_a_batch_is_neither_changed_nor_dropped_without_a_word(tmp_path):
    findings = {"mutants": {"survivors": []}, "variants": {"rejected": []}}
    batches.keep(3, corpus.Corpus((IN_A_BATCH,)), findings, tmp_path)
    changed = replace(IN_A_BATCH, put="another")
    assert len(batches.problems(corpus.Corpus((changed,)), tmp_path)) == 1
    assert batches.problems(corpus.Corpus((replace(changed, amended="it did not parse"),)), tmp_path) == []
    [gone] = batches.problems(corpus.Corpus(), tmp_path)
    assert IN_A_BATCH.id in gone and "withdrawn.toml" in gone
    (tmp_path / "withdrawn.toml").write_text(f'"{IN_A_BATCH.id}" = "it is right"')
    assert batches.problems(corpus.Corpus(), tmp_path) == []
    [new] = batches.problems(corpus.Corpus((replace(IN_A_BATCH, name="late"),)), tmp_path)
    assert "no first verdict" in new


def test_the_report_shows_a_batch_as_it_was_and_as_it_is(monkeypatch):
    id = IN_A_BATCH.id
    monkeypatch.setattr(batches, "first", lambda number: {"mutants": {id: [IN_A_BATCH.digest, False]}})
    found = batches.by_batch("mutants", [IN_A_BATCH, MUTANT], {id})
    assert found == {"3": {"total": 1, "when_written": 0, "now": 1}}
    shown = command.table({"variants": {"accepted": 2, "total": 2, "batches": found}})
    assert "batch 3, accepted when written" in shown and "batch 3, accepted now" in shown


def test_a_mutant_of_a_batch_must_lose_points_of_the_task_that_it_changes():
    own, other = worth_points(OWN), worth_points(OTHER)
    assert judge_mutant(IN_A_BATCH, outcome({own[-1]: "wrong"}), COURSE).killed
    assert not judge_mutant(IN_A_BATCH, outcome({other[0]: "wrong"}), COURSE).killed
    provided = replace(IN_A_BATCH, function="helper", tasks=(OTHER,))
    assert judge_mutant(provided, outcome({other[0]: "wrong"}), COURSE).killed


def test_no_two_changes_are_the_same():
    found = corpus.load()
    for changes in (found.mutants, found.variants):
        texts = [(change.file, change.apply(SOLUTION[change.file])) for change in changes]
        assert len(set(texts)) == len(texts)


def test_a_change_replaces_text_or_a_definition_and_nothing_else():
    assert CHANGE.apply(ORIGINAL) == ORIGINAL.replace("2 * x", "3 * x")
    method = replace(CHANGE, function="Model.forward", find="", put="", source="def forward(self, x):\n    return x\n")
    assert method.apply(ORIGINAL) == ORIGINAL.replace("math.sin(x)", "x")
    with_import = replace(CHANGE, imports="import os")
    assert with_import.apply(ORIGINAL).startswith('"""Docstring."""\nimport os\n')
    whole = Change("kl.py", "all", source="x = 1\n")
    assert whole.apply(ORIGINAL) == "x = 1\n"


@pytest.mark.parametrize(
    "change, complaint",
    [
        (replace(CHANGE, function="triple"), "has no triple"),
        (replace(CHANGE, find="4 * x"), "occurs 0 times"),
        (replace(CHANGE, find="x"), "occurs 3 times"),
        (replace(CHANGE, put="2 * x"), "nothing is changed"),
        (replace(CHANGE, put="2 * * x"), "does not parse"),
    ],
)
def test_a_change_that_does_not_fit_is_named(change, complaint):
    with pytest.raises(CorpusError, match=re.escape(complaint)) as error:
        change.apply(ORIGINAL)
    assert change.id in str(error.value)


@pytest.mark.parametrize(
    "table, complaint",
    [
        ("[[mutants]]", "unknown tables: mutants"),
        ('[[mutant]]\nname = "a"', "wrong is missing"),
        ('[[mutant]]\nname = "a"\nwrong = "b"\nfunction = "f"\nfind = "c"\nput = "d"', "checks that must fail"),
        ('[[mutant]]\nname = "a"\nwrong = "b"\nfind = "c"\nsource = "d"', "either source"),
        ('[[mutant]]\nname = "a"\nwrong = "b"\nsource = "d"\nkind = "odd"', "kind must be one of"),
        ('[[mutant]]\nname = "a"\nwrong = "b"\nsource = "d"\ncolour = "red"', "colour"),
        ("[[mutant]", "kl.toml"),
    ],
)
def test_a_corpus_that_is_wrong_says_where(tmp_path, table, complaint):
    (tmp_path / "mutants").mkdir()
    (tmp_path / "mutants" / "kl.toml").write_text(table)
    with pytest.raises(CorpusError, match=re.escape(complaint)):
        corpus.load(tmp_path)


def test_only_checks_that_execute_a_body_can_notice_a_change(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "SOLUTION", tmp_path)
    (tmp_path / "kl.py").write_text(ORIGINAL)
    # Every line is executed by a check that is called like it.
    lines = {number: frozenset({line.strip()}) for number, line in enumerate(ORIGINAL.splitlines(), start=1)}
    body, method = {'"""Twice x."""', "return 2 * x"}, {"return math.sin(x)"}
    found = Execution({"kl.py": lines})
    assert executing(CHANGE, found) == body
    assert executing(replace(CHANGE, function="Model"), found) == method
    assert executing(replace(CHANGE, function=""), found) == body | method


# Mutants made by machine


def test_machine_made_mutants_change_the_students_lines_only():
    marked = ORIGINAL.replace("    return 2 * x\n", "    # BEGIN SOLUTION\n    return 2 * x\n    # END SOLUTION\n")
    found = automatic.automatic_mutants("kl.py", marked)
    assert {mutant.after for mutant in found} == {"return 3 * x", "return 2 / x"}
    assert {mutant.before for mutant in found} == {"return 2 * x"}
    assert {mutant.function for mutant in found} == {"double"}
    assert all(mutant.text == ORIGINAL.replace(mutant.before, mutant.after) for mutant in found)


MARKED = """
def given(x):
    return x + 1


def written(x, y):
    # BEGIN SOLUTION
    a = x + 1
    b = y - 2
    return a * b
    # END SOLUTION
"""


def test_provided_functions_are_those_without_a_students_line():
    found = automatic.provided_mutants("kl.py", MARKED)
    assert {(mutant.function, mutant.after) for mutant in found} == {
        ("given", "return x - 1"),
        ("given", "return x + 2"),
    }
    assert [mutant.id for mutant in found] == ["kl.provided.0", "kl.provided.1"]
    whole = MARKED.replace("def given(x):\n    return x + 1\n", "")
    assert automatic.provided_mutants("kl.py", whole) == ()


def test_pairs_change_different_lines_of_one_function():
    single = automatic.automatic_mutants("kl.py", MARKED)
    pairs = automatic.mutants_made_twice("kl.py", MARKED, ())
    assert len(pairs) == round(len(single) / automatic.ONE_PAIR_FOR) > 1
    lines = {mutant.text.splitlines()[mutant.edits[0][0]] for mutant in single}
    for pair in pairs:
        changed = set(pair.text.splitlines()) - set(without_markers(MARKED).splitlines())
        assert pair.function == "written" and len(changed) == len(pair.edits) == 2 and changed <= lines
        # A change that raises would hide the other, and there are enough that do not.
        assert "None" not in pair.text
    assert pairs == automatic.mutants_made_twice("kl.py", MARKED, ())
    assert [pair.id for pair in pairs[:2]] == ["kl.twice.0", "kl.twice.1"]


def test_what_is_as_right_as_the_original_makes_no_pairs():
    single = automatic.automatic_mutants("kl.py", MARKED)
    right = {mutant.key for mutant in single if mutant.before != "b = y - 2"}
    assert automatic.mutants_made_twice("kl.py", MARKED, right) == []
    assert automatic.mutants_made_twice("kl.py", MARKED, {mutant.key for mutant in single}) == []


@pytest.mark.slow
def test_every_explained_survivor_is_a_mutant():
    explained, spared = automatic.explanations(), automatic.unjudged()
    made, given = set(), set()
    for file in SOURCES:
        marked = (ROOT / "solution" / file).read_text(encoding="utf-8")
        provided = automatic.provided_mutants(file, marked)
        twice = automatic.mutants_made_twice(file, marked, explained)
        made |= {mutant.key for mutant in (*automatic.automatic_mutants(file, marked), *twice, *provided)}
        given |= {(file, mutant.function) for mutant in provided}
    assert explained.keys() <= made
    assert spared.keys() <= given
    assert all(len(why.split()) >= 3 for why in (*explained.values(), *spared.values()))


def test_the_table_shows_each_kind_of_machine_made_mutants():
    found = {"total": 9, "killed": 7, "explained": 2}
    shown = command.table(dict.fromkeys(command.MADE, found)).splitlines()
    assert [line.split("  ")[0] for line in shown[::2]] == [f"mutants {what} killed" for what in command.MADE.values()]
    assert len({line.rindex(" of ") for line in shown}) == 1


# Grading


@pytest.fixture(scope="module")
def pool():
    """One process that grades."""
    pytest.importorskip("resource", reason="the grader runs on Unix only")
    with open_pool(1) as one:
        yield one


def test_a_job_runs_its_checks_and_no_others(pool):
    checks = tuple(check.id for check in COURSE.checks if check.task in (OWN, OTHER))
    wrong = {MUTANT.file: MUTANT.apply(SOURCES[MUTANT.file])}
    found = graded(pool, [Trial("right", {}, checks, threads=2), Trial("wrong", wrong, checks)], "gradings")
    outcomes = {outcome.id: outcome for outcome in found}
    assert outcomes["right"].kinds == dict.fromkeys(checks, "passed")
    assert outcomes["wrong"].kinds.keys() == set(checks)
    assert outcomes["wrong"].failed
    assert set(outcomes["wrong"].failed) <= {check.id for check in COURSE.checks if check.task == OWN}


# Judgement


def outcome(failed: dict[str, str]) -> TrialOutcome:
    return TrialOutcome(MUTANT.id, {check: "wrong" if check in failed else "passed" for check in CHECKS}, failed)


def judge(failed: dict[str, str]):
    return judge_mutant(MUTANT, outcome(failed), COURSE)


def test_a_mutant_is_killed_by_the_points_of_its_own_task_only():
    own, other = worth_points(OWN), worth_points(OTHER)
    assert not judge({}).killed
    assert judge({own[0]: "wrong"}).killed
    only_elsewhere = judge({other[0]: "wrong"})
    assert not only_elsewhere.killed
    assert only_elsewhere.elsewhere == (OTHER,)
    worthless = [check.id for check in COURSE.checks if not check.points]
    assert not judge(dict.fromkeys(worthless, "wrong")).killed


@pytest.mark.parametrize(
    ("read", "causes", "hint"),
    [
        ("it is wrong. the factor 1/2 is lost.", ["the factor 1/2 is lost"], "right"),
        ("half of it is lost: 1/2", [], "right"),  # what was seen says it all
        ("it is wrong.", [], "none"),
        ("it is wrong. the sign is lost.", ["the sign is lost"], "false"),
        ("1/2 is lost. the sign is lost.", ["1/2 is lost", "the sign is lost"], "false"),
    ],
)
def test_a_named_cause_is_right_or_false(read, causes, hint):
    assert judge_hint(["1/2", "half"], read, causes) == hint


def test_the_right_hint_is_looked_for_in_its_own_rows():
    own, other = worth_points(OWN), worth_points(OTHER)
    assert judge({own[0]: "The factor 1/2 is lost."}).hint == "right"
    assert judge({own[0]: "It is wrong."}).hint == "none"
    assert judge({own[0]: "It is wrong.", other[0]: "The factor 1/2 is lost."}).hint == "none"


def test_checks_that_should_have_failed_are_named():
    assert judge({worth_points(OWN)[-1]: "wrong"}).not_failed == MUTANT.checks
    assert judge(dict.fromkeys(MUTANT.checks, "wrong")).not_failed == ()


# The committed report


def test_the_committed_audit_meets_its_targets_and_stands_in_the_readme():
    found = json.loads(command.REPORT.read_text(encoding="utf-8"))
    assert found["mutants"]["total"] >= 200
    assert found["mutants"]["survivors"] == []
    assert found["mutants"]["killed"] == found["mutants"]["total"] == found["mutants"]["only_own_task"]
    assert [found[part]["survivors"] for part in command.MADE if part in found] == [[]] * len(
        command.MADE.keys() & found
    )
    assert found["variants"]["total"] >= 60
    assert found["variants"]["accepted"] == found["variants"]["total"]
    assert found["submissions"]["full_marks"] == found["submissions"]["total"] >= 6
    assert found["hints"]["right_share"] >= command.RIGHT_HINTS
    assert len(found["hints"]["by_hint"]["false"]) <= command.FALSE_HINTS * found["mutants"]["killed"]
    assert command.badge(found) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_committed_audit_found_no_flake():
    found = json.loads(command.REPORT.read_text(encoding="utf-8"))
    assert found["flakes"]["differing"] == 0
    assert found["flakes"]["gradings"] >= command.FLAKES == 1000


def test_the_committed_audit_is_about_this_corpus():
    """Of all that the default course asks for, and of nothing that is gone; tasks of other courses need no audit."""
    found = json.loads(command.REPORT.read_text(encoding="utf-8"))
    present = corpus.load()
    asked = corpus.asked(present, COURSE)
    for kind in ("mutants", "variants"):
        fewest, most = len(getattr(asked, kind)), len(getattr(present, kind))
        assert fewest <= found[kind]["total"] <= most, f"{kind}: run `make audit`"


# The command


def audit(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "autograder", "audit", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500)


def test_an_unknown_part_is_refused():
    refused = audit("--parts", "mutant")
    assert refused.returncode == 2
    assert "no such part: mutant" in refused.stderr


@pytest.mark.slow
def test_a_sample_of_the_audit(tmp_path):
    """Every fourteenth change and a dozen repeated gradings, for real; whole submissions: test_audit_submissions.py.

    No problem means, too: every mutant is executed by the checks that it must fail, and the levels of a grading's laws
    add up to no more than the bound.
    """
    out = tmp_path / "report.json"
    parts = "automatic,twice,mutants,variants,flakes"
    finished = audit("--quick", "--parts", parts, "--processes", "1", "--out", str(out))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = json.loads(out.read_text())
    assert found["mutants"]["killed"] == found["mutants"]["total"] >= 25
    assert found["variants"]["accepted"] == found["variants"]["total"] >= 8
    assert found["automatic"]["total"] >= 50
    assert found["twice"]["total"] >= 10
    assert found["flakes"] | {"differing": 0} == found["flakes"]
    assert found["flakes"]["laws"] > 20
    assert "mutants killed" in finished.stdout


@pytest.mark.parametrize(("lines", "total"), [(range(0), 0), (range(1, 1000), 1)], ids=["no check", "some"])
def test_provided_code_is_judged_by_the_checks_that_execute_it(pool, lines, total):
    file = next(task.file for task in COURSE.tasks if task.file in SOURCES and provided(task.file))
    checks = frozenset(corpus.checks_of([task.name for task in COURSE.tasks if task.file == file], COURSE))
    execution = Execution({file: dict.fromkeys(lines, checks)})
    sources, only = {file: SOURCES[file]}, (provided(file)[-1].id,)
    run = command.Audit(COURSE, corpus.Corpus(), sources, pool, lambda: execution, only=only)
    command.audit_provided(run)
    found = run.findings["provided"]
    assert found["total"] == found["killed"] + len(found["survivors"]) == total
    assert len(run.problems) == len(found["survivors"])


def provided(file: str) -> list[automatic.AutomaticMutant]:
    """The mutants of a file's given functions, but those that nobody judges."""
    marked, spared = (ROOT / "solution" / file).read_text(encoding="utf-8"), automatic.unjudged()
    return [one for one in automatic.provided_mutants(file, marked) if (file, one.function) not in spared]


def test_a_verdict_or_a_cause_that_depends_on_the_secret_is_reported(monkeypatch):
    """Under the third secret hidden checks let a mutant pass and refuse a variant; under the fifth they lie."""
    hidden = next(check.id for check in COURSE.checks if check.task == OWN and check.hidden_inputs and check.points)
    mutant = replace(MUTANT, checks=(hidden,), hint=("1/2",))
    variant = corpus.Variant(MUTANT.file, "fine", MUTANT.function, find=MUTANT.find, put=MUTANT.put)

    def graded(pool, trials, what):
        for trial in trials:
            fails = trial.id.startswith(mutant.id) == (trial.secret != command.SECRETS[2]) and hidden in trial.checks
            said = {hidden: "a lie" if trial.secret == command.SECRETS[4] else "the factor 1/2"} if fails else {}
            kinds = {check: "wrong" if check in said else "passed" for check in trial.checks}
            yield TrialOutcome(trial.id, kinds, said, said)

    monkeypatch.setattr(command, "graded", graded)
    executed = Execution({MUTANT.file: {line: frozenset({hidden}) for line in range(1, 1000)}})
    found = command.Audit(COURSE, corpus.Corpus((mutant,), (variant,)), SOURCES, None, lambda: executed)
    command.audit_secrets(found)
    first, second, third, fourth, fifth = command.SECRETS
    report = found.findings["secrets"]
    assert report["differing"] == {mutant.id: [first, second, fourth, fifth], variant.id: [third]}
    right, false = {"right": 1}, {"false": 1}
    assert report["hints"] == {first: right, second: right, third: {}, fourth: right, fifth: false}
    assert f"a false cause is named for 1 of 1 mutants under the secret {fifth!r}" in found.problems
    assert sum("fails under some secrets only" in problem for problem in found.problems) == 2


def test_what_public_checks_catch_is_looked_at_under_one_secret(monkeypatch):
    public = next(check.id for check in COURSE.checks if check.task == OWN and not check.hidden_inputs and check.points)
    hidden = next(check.id for check in COURSE.checks if check.task == OWN and check.hidden_inputs and check.points)
    mutants = tuple(replace(MUTANT, name=f"{MUTANT.name}_{place}", checks=(public,)) for place in range(6))
    asked = []

    def graded(pool, trials, what):
        for trial in trials:
            asked.append((trial.checks, trial.secret))
            yield TrialOutcome(trial.id, dict.fromkeys(trial.checks, "wrong"), dict.fromkeys(trial.checks, "1/2"))

    monkeypatch.setattr(command, "graded", graded)
    executed = Execution({MUTANT.file: {line: frozenset({public, hidden}) for line in range(1, 1000)}})
    found = command.Audit(COURSE, corpus.Corpus(mutants), SOURCES, None, lambda: executed)
    command.audit_secrets(found)
    assert asked[:6] == [((public,), command.SECRETS[0])] * 6
    assert asked[6:] == [((hidden,), secret) for secret in (*command.SECRETS, command.SECRETS[0])]
    assert found.findings["secrets"]["caught_by_public_checks"] == 6
    assert found.problems == []


def test_the_audit_notices_a_mutant_that_survives(pool):
    """A correct change entered as a mutant is reported as a survivor, and a wrong one as a variant as refused."""
    correct = next(variant for variant in corpus.load().variants if variant.function == MUTANT.function)
    fields = ("file", "name", "function", "note", "find", "put", "source", "imports")
    as_mutant = Mutant(**{name: getattr(correct, name) for name in fields}, checks=("x",), hint=("x",))
    as_variant = corpus.Variant(**{name: getattr(MUTANT, name) for name in fields})
    noticing = frozenset(corpus.checks_of([OWN], COURSE))
    every_line = Execution({MUTANT.file: {line: noticing for line in range(1, 1000)}})
    found = command.Audit(COURSE, corpus.Corpus((as_mutant,), (as_variant,)), SOURCES, pool, lambda: every_line)
    command.audit_mutants(found)
    command.audit_variants(found)
    assert found.findings["mutants"]["survivors"] == [as_mutant.id]
    assert found.findings["variants"]["rejected"] == [as_variant.id]
    assert any("survives" in problem for problem in found.problems)
    assert f"mutant {as_mutant.id}: these checks do not execute it: x" in found.problems
