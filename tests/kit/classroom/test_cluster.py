"""A class on a Dask cluster: the documented commands, lost workers, other graders, no scheduler at all."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import threading
import time
import zipfile

import pytest

from autograder.classroom import cluster
from autograder.classroom.cluster import ClusterError, OtherGraderError
from autograder.classroom.results_folder import Store
from tests.kit.archives import write_zip
from tests.kit.classroom.test_class import RIGHT, course, judged, quick  # noqa: F401
from tests.kit.documented import commands, page, section
from tests.kit.processes import alive, descendants, until, usual_environment
from tests.kit.test_own_assignment import Tree, command

distributed = pytest.importorskip("distributed")


@contextlib.contextmanager
def in_this_process(monkeypatch, workers=2, grade=judged):
    """The address of a Dask cluster of threads of ours, so that a stand-in for the grader works there, too."""
    monkeypatch.setattr(cluster, "grade_fairly", grade)
    with distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=False, dashboard_address=":0", protocol="tcp"
    ) as started:
        yield started.scheduler_address


def test_a_cluster_gives_the_same_results(course, quick, monkeypatch):  # noqa: F811
    for student in ("ada", "ben", "cyd", "dot", "eve"):
        course.hand_in(student, task1=f"# {student}\n{'wrong' if student == 'ben' else RIGHT}")
    course.hand_in("fay", task1="grader's fault\n")
    local = course.grade()
    before = {slug: (course.out / "students" / slug / "results.json").read_bytes() for slug in local.graded}
    course.out = course.folder / "other"
    with in_this_process(monkeypatch) as address:
        summary = course.grade(scheduler=address)
    assert sorted(summary.graded) == sorted(local.graded) and len(set(summary.graded)) == 5
    assert summary.failed == ["fay"]
    after = {slug: (course.out / "students" / slug / "results.json").read_bytes() for slug in summary.graded}
    assert after == before
    assert Store(course.out, course.session.load()).record("fay").problem == "the sandbox is broken"


def test_a_lost_worker_costs_a_second_try_and_no_more(course, monkeypatch):  # noqa: F811
    """Of four workers three are lost: one in ada's first grading, two in both of ben's. The others are tried once."""
    for student in ("ada", "ben", "cyd", "dot", "eve"):
        course.hand_in(student, task1=f"# {student}\n{RIGHT}")
    tried, over = [], threading.Event()

    def losing(content, session, lane=None):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            student = archive.read("task1.py").split()[1].decode()
        tried.append(student)
        if student == "ben" or (student == "ada" and tried.count("ada") == 1):
            worker = distributed.get_worker()
            worker.loop.add_callback(worker.close, executor_wait=False)
            over.wait(60)
        return judged(content, session)

    with in_this_process(monkeypatch, workers=4, grade=losing) as address:
        summary = course.grade(scheduler=address)
        over.set()
    assert sorted(tried) == ["ada", "ada", "ben", "ben", "cyd", "dot", "eve"]
    assert sorted(summary.graded) == ["ada", "cyd", "dot", "eve"] and summary.failed == ["ben"]
    assert (
        "each of the 2 workers that graded it was lost"
        in Store(course.out, course.session.load()).record("ben").problem
    )


def test_a_worker_that_joins_with_another_grader_gets_nothing_to_do(course, monkeypatch):  # noqa: F811
    students = ["ada", "ben", "cyd"]
    for student in students:
        course.hand_in(student, task1=f"# {student}\n{RIGHT}")

    def first_differs(content, session, lane=None):
        if distributed.get_worker().name == 0:
            raise OtherGraderError
        return judged(content, session)

    with in_this_process(monkeypatch, grade=first_differs) as address:
        assert sorted(course.grade(scheduler=address).graded) == students


def test_a_cluster_that_cannot_grade_is_refused(course, monkeypatch):  # noqa: F811
    course.hand_in("ada")
    with in_this_process(monkeypatch, workers=0) as address, pytest.raises(ClusterError, match="has no workers"):
        course.grade(scheduler=address)
    digests = iter(["ours", "the scheduler's"])
    monkeypatch.setattr(cluster, "grader_digest", lambda *_: next(digests, "another"))
    with in_this_process(monkeypatch, workers=1) as address, pytest.raises(ClusterError, match="a different grader"):
        course.grade(scheduler=address)


def test_a_cluster_that_loses_its_last_worker_is_given_up(course, monkeypatch):  # noqa: F811
    course.hand_in("ada")
    monkeypatch.setattr(cluster, "EMPTY_SECONDS", 0.1)

    def differs(content, session, lane=None):
        raise OtherGraderError

    with (
        in_this_process(monkeypatch, workers=1, grade=differs) as address,
        pytest.raises(ClusterError, match="no worker left"),
    ):
        course.grade(scheduler=address)


@pytest.mark.parametrize(
    "address",
    ["", " ", "nonsense", "tcp://", "http://x:y", "tcp://127.0.0.1:port", "tcp://127.0.0.1:99999", "../x:1 2"],
)
def test_nonsense_is_no_address(address):
    with pytest.raises(ClusterError, match="is not an address such as tcp://10.0.0.1:8786"):
        cluster.reach(address)


@pytest.mark.parametrize("answer", [None, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9])
def test_where_no_scheduler_answers(answer, monkeypatch):
    """Nobody listens, somebody who is silent does, or a program of another kind."""
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.6)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if answer is None:
            server.close()
        elif answer:
            threading.Thread(target=lambda: server.accept()[0].sendall(answer), daemon=True).start()
        with pytest.raises(ClusterError, match=rf"no Dask scheduler (answers )?at 127.0.0.1:{port}"):
            cluster.reach(f"127.0.0.1:{port}")


@pytest.fixture
def repository(tmp_path):
    """The tiny assignment with the Makefile, and a class of four."""
    tree = Tree(tmp_path / "repository")
    tree.can_make()
    tree.run(command("student"))
    right = (tree.folder / "solution" / "line.py").read_text()
    work = {"ada": right, "ben": right.replace("+ intercept", "- intercept"), "cyd": "", "dot": right + "\n# dot\n"}
    write_zip(tree.folder / "submissions.zip", {f"{name}/line.py": text for name, text in work.items()})
    return tree


@pytest.mark.slow
def test_the_documented_commands_grade_although_a_worker_is_killed(repository):
    """Word by word but for the name and the port of the scheduler; one of two workers is killed in a grading."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    lines = commands(section(page("class.md"), "On a cluster"))
    shown = [line.replace("SCHEDULER", "127.0.0.1").replace("8786", port) for line in lines]
    environment = usual_environment(AUTOGRADER_SECRET="not much of a secret")

    def start(line):
        return subprocess.Popen(line, shell=True, cwd=repository.folder, env=environment, start_new_session=True)

    scheduler, workers = map(start, shown[:2])
    try:
        address = f"127.0.0.1:{port}"
        until(lambda: answers(address), 60)
        with distributed.Client(address, set_as_default=False) as client:
            until(lambda: len(client.nthreads()) == 2, 60)
            ours = dict(client.run(os.getpid))
        grading = start(shown[2])
        victim = until(lambda: next((pid for pid in ours.values() if len(descendants(pid)) >= 3), None), 120)
        gone = [victim, *descendants(victim)]
        os.kill(victim, signal.SIGKILL)
        assert grading.wait(200) == 0
        # The grading that the worker had started went with it, sandboxed process and all.
        until(lambda: not any(map(alive, gone)), 60)
    finally:
        for process in (workers, scheduler):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    scores = {name: repository.score(f"grades/students/{name}/results.json") for name in ("ada", "ben", "cyd", "dot")}
    assert scores == {"ada": 4, "ben": 2, "cyd": 0, "dot": 4}
    assert len((repository.folder / "grades" / "grades.csv").read_text().splitlines()) == 5


def answers(address):
    try:
        cluster.reach(address)
    except ClusterError:
        time.sleep(0.5)
        return False
    return True
