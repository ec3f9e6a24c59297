"""Every hostile submission of evidence/attacks, graded for real: the grader in its own process, with real workers.

By default a part of them, which covers every goal and every way for a worker to end, and those that need two students;
`make test-slow` runs all by two students, and attacks on the assignment itself, with its own starters and checks.
"""

import os
import re
from dataclasses import replace

import pytest

pytest.importorskip("resource", reason="the grader runs on Unix only")
pytest.importorskip("jsonschema")

from autograder.evidence.attacks import corpus, judge, stage
from autograder.sandbox import layers

if stage.obstacles():
    pytest.skip(f"nothing here would keep attacks in: {stage.obstacles()}", allow_module_level=True)

ATTACKS = {attack.name: attack for attack in corpus.load()}
# What is tried by default.
QUICK = """
    leak_by_file forge_results_file leak_files leak_sockets
    forge_at_exit leak_proc signal_grader limits
    leak_environment frames_ahead hang_signals_blocked fork_bomb
    output_flood exit_at_once memory_objects forge_lying_objects
    weights_pickle shadowed_libraries links_to_secrets
    figure_title memory_remap
"""
# What one student's hidden checks leave for another's public ones.
TRACES = [name for name in ATTACKS if name.startswith("leak_by_")]


def _groups(names):
    return stage.group([ATTACKS[name] for name in names])


def _parameters(groups, *marks):
    return [pytest.param(members, id="+".join(attack.name for attack in members), marks=marks) for members in groups]


def _bad(outcomes):
    return "\n".join(outcome.explain() for outcome in outcomes if outcome.problems)


@pytest.mark.parametrize("attacks", _parameters(_groups(QUICK.split())))
def test_an_attack_is_contained(attacks):
    """No points, no secret, valid results, no process and no file left, in time, and no harm to the other tasks."""
    assert not _bad(stage.try_attacks(attacks))


@pytest.mark.parametrize(
    "attacks",
    [
        *_parameters(_groups(TRACES)),
        *_parameters(_groups(name for name in ATTACKS if name not in TRACES), pytest.mark.slow),
    ],
)
def test_an_attack_is_contained_after_an_accomplice(attacks):
    """The same by the second of two students whose workers come from one zygote, and by the first."""
    assert not _bad(stage.try_attacks(attacks, students=2))


def _pretend(name, text, **fields):
    """An attack that is not in the corpus."""
    return replace(ATTACKS["forge_results_file"], name=name, text=text, **fields)


def test_the_stage_notices_what_it_is_for():
    """Else every attack would seem contained."""
    found = {
        outcome.name: " ".join(outcome.problems)
        for outcome in stage.try_attacks(
            [
                _pretend("earns", "def target(x, outpath=None):\n    return 2 * x + 1\n"),
                _pretend("succeeds", "from known import attempt\nattempt('add', lambda: 1 + 1)\n"),
                _pretend("does_nothing", ""),
                _pretend("ends_otherwise", "import os\nos._exit(3)\n"),
            ]
        )
    }
    assert "it earned points: [1, 3]" in found["earns"]
    assert "it could add: DONE 2" in found["succeeds"]
    assert "it did not run" in found["does_nothing"]
    assert "it ended with crash" in found["ends_otherwise"]
    assert "earned points" not in found["succeeds"] + found["does_nothing"] + found["ends_otherwise"]


def test_what_the_grader_takes_is_measured_and_bounded():
    honest = stage.honest_usage(layers.LAYERS)
    assert 30 < honest["peak_mib"] < judge.MOST_MIB and 0 < honest["cpu_seconds"] < 60
    assert judge.excesses(honest, honest) == []
    more = {"peak_mib": judge.MOST_MIB, "cpu_seconds": honest["cpu_seconds"] + judge.MORE_CPU_SECONDS}
    memory, seconds = judge.excesses(more, honest)
    assert "256 MiB" in memory and "5.0 s of processor time" in seconds


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_attacks_succeed_without_the_layers():
    """The same attacks, with all layers of the sandbox but the first left out, do what they are meant to."""
    found = {}
    # One at a time: what the first does to the submission would keep the others from running.
    for name in ("forge_results_file", "leak_files", "leak_sockets"):
        (outcome,) = stage.try_attacks([ATTACKS[name]], worn=("session",))
        found[name] = " ".join(outcome.problems)
    assert "it could write: DONE" in found["forge_results_file"]
    assert "it could shadow: DONE" in found["leak_files"] and "tests is in results.json" in found["leak_files"]
    assert "messages arrived by TCP" in found["leak_sockets"] and "messages arrived by UDP" in found["leak_sockets"]


FORGERIES = [
    attack
    for attack in ATTACKS.values()
    if attack.kind == "code" and (attack.goal == "forge" or attack.name in ("leak_return_values", "endless_values"))
]


@pytest.mark.slow
def test_a_forgery_in_every_file_of_the_assignment_earns_nothing():
    bad = [outcome.explain() for outcome in stage.try_on_assignment(FORGERIES) if outcome.problems]
    assert not bad, "\n".join(bad)


def test_the_corpus_covers_what_it_has_to():
    assert len(ATTACKS) >= 40
    assert {attack.goal for attack in ATTACKS.values()} == set(corpus.GOALS)
    assert {ended for attack in ATTACKS.values() for ended in attack.ends} == set(judge.ENDS)
    assert all(re.fullmatch(r"[A-Z].*[.!?]", attack.title) for attack in ATTACKS.values())
    grouped = [attack.name for members in _groups(ATTACKS) for attack in members]
    assert sorted(grouped) == sorted(ATTACKS)
