"""Each layer of the sandbox by itself, what is reported about it, and the Python that a confined worker sees."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

import pytest

from autograder.repository import ROOT

pytest.importorskip("resource", reason="the grader runs on Unix only")

from autograder.sandbox import interpreter, layers, selfcheck
from autograder.sandbox.layers import Confinement, Limits, Protection, Unprotected
from autograder.sandbox.zygote import Zygote, ZygoteSettings, workspace

linux = pytest.mark.skipif(not layers.LINUX, reason="Linux only")
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

FREE_UID = 1_234_567_890


def in_child(code: str, **options) -> subprocess.CompletedProcess:
    """Run code that locks itself in, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


@pytest.fixture(scope="module")
def protection():
    with Zygote(ZygoteSettings(executor=None, preload=())) as zygote:
        return zygote.protection


def test_every_layer_is_in_force_or_explained(protection):
    assert set(protection.layers) | set(protection.missing) == set(layers.LAYERS)
    assert not set(protection.layers) & set(protection.missing)
    for layer in protection.layers:
        assert protection.proofs[layer], layer
        assert "possible" not in protection.proofs[layer].values()


def test_the_session_and_the_limits_need_nothing(protection):
    assert {"session", "rlimits"} <= set(protection.layers)


def test_the_record_goes_into_a_log(protection):
    line = protection.describe()
    assert all(name in line for name in layers.LAYERS) and "\n" not in line


def test_requirements_are_met_or_refused():
    found = Protection(layers=("session", "rlimits"), missing={"uid": "the grader does not run as root"})
    found.require(("session",))
    with pytest.raises(Unprotected, match="uid: the grader does not run as root"):
        found.require(("session", "uid"))
    with pytest.raises(Unprotected, match="seccomp"):
        found.require(("seccomp",))


@linux
@pytest.mark.parametrize("layer", ["uid", "no_new_privs", "landlock", "seccomp"])
def test_a_layer_that_does_nothing_is_found_out(layer, monkeypatch):
    """The probes must succeed where the layer is not on; else they would prove nothing."""
    if layer not in layers.available_layers()[0]:
        pytest.skip(f"{layer} is not available here")
    # `enter` looks for the layer's name; a worker told another one does not put it on.
    original = Zygote._confine

    def without_the_layer(self, layers, *arguments, **options):
        return original(self, tuple(name for name in layers if name != layer), *arguments, **options)

    monkeypatch.setattr(Zygote, "_confine", without_the_layer)
    with Zygote(ZygoteSettings(executor=None, preload=(), layers=("session", layer))) as zygote:
        assert zygote.protection.layers == ("session",)
        assert "the self-check could" in zygote.protection.missing[layer]
        outcomes = zygote.protection.proofs[layer].values()
    assert list(outcomes).count("possible") >= len(outcomes) / 3


@linux
def test_mounts_that_are_not_its_own_are_found_out(monkeypatch):
    """The zygote has them, not each worker; here it is not told to."""
    if "mounts" not in layers.available_layers()[0]:
        pytest.skip("mounts is not available here")
    original = Zygote._start

    def without_mounts(self):
        self._mounts = False
        return original(self)

    monkeypatch.setattr(Zygote, "_start", without_mounts)
    with Zygote(ZygoteSettings(executor=None, preload=(), layers=("session", "mounts"))) as zygote:
        assert zygote.protection.layers == ("session",)
        assert "the self-check could" in zygote.protection.missing["mounts"]
        assert "possible" in zygote.protection.proofs["mounts"].values()


@linux
@root
def test_secrets_are_among_the_probes():
    with workspace() as folder:
        secret = folder / "secret.toml"
        secret.write_text("hidden")
        secret.chmod(0o600)
        with Zygote(ZygoteSettings(executor=None, preload=(), secrets=(secret,))) as zygote:
            assert zygote.protection.proofs["uid"][f"read {secret}"] == "EACCES"
        secret.chmod(0o644)
        with Zygote(ZygoteSettings(executor=None, preload=(), secrets=(secret,))) as zygote:
            assert "secret.toml" in zygote.protection.missing["uid"]


def test_a_confinement_survives_the_journey_to_the_worker():
    confinement = Confinement(layers.LAYERS, 7, 8, ("/a", "/b"), None, Limits(call_seconds=1.5, threads=3))
    assert Confinement.from_json(json.loads(json.dumps(confinement.to_json()))) == confinement


@linux
def test_without_landlock_no_file_can_be_created():
    """Empty files fill a disk as well; where Landlock is missing, the filter refuses to make any."""
    found = in_child("""
    import os
    from autograder.sandbox import layers
    from autograder.sandbox.layers import Confinement, Limits
    if layers.load_seccomp() is None:
        print("skipped")
        raise SystemExit
    layers.enter(Confinement(("no_new_privs", "seccomp"), 0, 0, (), None, Limits()))
    print(open("/etc/passwd").readline().split(":")[0])
    name = f"/tmp/must-not-be-{os.getpid()}"
    create, unnamed = os.O_CREAT | os.O_WRONLY, os.O_TMPFILE | os.O_RDWR
    for path, flags in ((name, create), (name, create | os.O_EXCL), ("/tmp", unnamed)):
        try:
            os.open(path, flags)
            print("created")
        except OSError as error:
            print(type(error).__name__)
    """)
    if found.stdout == "skipped\n":
        pytest.skip("seccomp is not available here")
    assert found.stdout.split() == ["root", "OSError", "OSError", "OSError"], found


@linux
def test_threads_start_and_processes_do_not():
    found = in_child("""
    import os, signal, subprocess, threading
    from autograder.sandbox import layers
    from autograder.sandbox.layers import Confinement, Limits
    if layers.load_seccomp() is None:
        print("skipped")
        raise SystemExit
    layers.enter(Confinement(("rlimits", "no_new_privs", "seccomp"), 0, 0, (), "/tmp", Limits()))
    thread = threading.Thread(target=print, args=["thread"])
    thread.start()
    thread.join()
    spawn = lambda: os.posix_spawn("/bin/true", ["true"], {})
    for attempt in (os.fork, os.forkpty, lambda: subprocess.run(["true"]), spawn):
        try:
            attempt()
            print("started")
        except OSError as error:
            print("refused")
    signal.raise_signal(signal.SIGURG)  # to itself, ignored: allowed
    print(os.getpgid(0) > 0)
    """)
    if found.stdout == "skipped\n":
        pytest.skip("seccomp is not available here")
    assert found.stdout.split() == ["thread", *["refused"] * 4, "True"], found


@linux
@root
def test_privileges_are_gone_for_good():
    found = in_child(f"""
    import os
    from pathlib import Path
    from autograder.sandbox import layers
    os.setgroups([0, 4, 27])
    layers.drop_privileges({FREE_UID}, {FREE_UID})
    print(os.getresuid(), os.getresgid(), os.getgroups())
    status = Path("/proc/self/status").read_text().splitlines()
    print([line.split()[1].strip("0") for line in status if line.startswith("Cap")])
    for back in (lambda: os.setuid(0), lambda: os.seteuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])):
        try:
            back()
            print("back")
        except PermissionError:
            print("no way")
    """)
    uid = str((FREE_UID,) * 3)
    assert found.stdout.splitlines() == [f"{uid} {uid} []", str([""] * 5), *["no way"] * 4], found


@linux
@root
def test_processes_are_found_by_uid_even_if_they_hide():
    """A process that is not dumpable has a /proc folder that belongs to root."""
    code = textwrap.dedent(f"""
    import os, sys, time
    from autograder.sandbox import layers
    layers.drop_privileges({FREE_UID}, {FREE_UID})
    layers.prctl(layers.PR_SET_DUMPABLE, 0)
    print("ready", flush=True)
    time.sleep(60)
    """)
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    assert layers.processes_of(range(FREE_UID, FREE_UID + 1)) == [child.pid]
    # From a process without threads, as the zygote is: Python warns when another one forks.
    kill = f"from autograder.sandbox import layers; print(layers.kill_processes_of({FREE_UID}, {FREE_UID}))"
    assert in_child(kill).stdout == "[]\n"
    assert child.wait(5) == -9


@linux
@root
def test_a_chosen_identity_belongs_to_nobody():
    first = layers.choose_identity()
    assert first > 40_000
    assert layers.processes_of(range(first, first + 1000)) == []
    assert layers.choose_identity() != first


def test_a_worker_reads_its_python_with_another_uid():
    found = interpreter.find_runtime(for_other_user=os.geteuid() == 0)
    library = next(path for path in found.paths if (path / "os.py").exists())
    assert (library / "json" / "decoder.py").exists()
    if os.geteuid() == 0:
        assert all(interpreter.open_to_others(path) for path in found.paths)
        assert not any(path.stat().st_mode & 0o022 for path in found.paths)


@pytest.fixture
def closed_library(tmp_path, monkeypatch):
    """A folder of modules that other users cannot reach, and a cache to mirror it to."""
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(interpreter, "cache_folder", lambda: tmp_path / "cache")
    source = tmp_path / "closed" / "lib"
    (source / "package" / "data").mkdir(parents=True)
    (source / "test").mkdir()
    for name in ("module.py", "package/__init__.py", "package/data/weights", "test/secret.py"):
        (source / name).write_text(name)
    (source / "module.py").chmod(0o600)
    (source / "link.py").symlink_to(source / "module.py")
    (source / "hanging").symlink_to(source / "nothing")
    (tmp_path / "closed").chmod(0o700)
    return source


def test_a_link_in_a_closed_folder_is_followed(tmp_path, monkeypatch):
    """An environment may be a link in a folder that other users cannot enter."""
    [packages, *_] = interpreter.installed_packages()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "packages").symlink_to(packages)
    monkeypatch.setattr(interpreter, "installed_packages", lambda: (closed / "packages",))
    monkeypatch.setattr(interpreter, "open_to_others", lambda folder: True)
    assert packages.resolve() in interpreter.find_runtime(for_other_user=True).paths


def test_a_closed_folder_is_mirrored_readable_and_once(closed_library):
    before = os.umask(0o077)
    try:
        copy = interpreter.mirror(closed_library, Path("lib") / "python", {"test"})
    finally:
        os.umask(before)
    assert (copy / "package" / "data" / "weights").read_text() == "package/data/weights"
    assert (copy / "link.py").read_text() == "module.py" and not (copy / "link.py").is_symlink()
    assert not (copy / "test").exists() and not (copy / "hanging").exists()
    for path in [copy, *copy.rglob("*"), copy.parent, copy.parent.parent]:
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    assert interpreter.mirror(closed_library, Path("lib") / "python", {"test"}) == copy


def test_a_changed_folder_is_mirrored_again(closed_library):
    first = interpreter.mirror(closed_library, Path("lib"), set())
    (closed_library / "new_package").mkdir()
    second = interpreter.mirror(closed_library, Path("lib"), set())
    assert first != second and (second / "new_package").is_dir()


def test_a_folder_is_open_only_if_the_way_to_it_is(closed_library, tmp_path):
    assert not interpreter.open_to_others(closed_library)
    assert not interpreter.open_to_others(tmp_path / "closed")


@linux
def test_forbidden_calls_have_numbers():
    numbers = selfcheck.raw_call_numbers()
    if not numbers:
        pytest.skip("seccomp is not available here")
    assert {"ptrace", "keyctl", "io_uring_setup", "unshare", "bpf"} <= set(numbers)


@pytest.fixture
def ordinary_python():
    """An interpreter that an ordinary user may run, wherever ours lives; for tests that give up being root."""
    with workspace() as folder:
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        library = folder / "lib" / name
        interpreter._copy_readable(interpreter.standard_library()[0], library, interpreter.LEFT_OUT)
        packages = interpreter.installed_packages()[0]
        if not interpreter.open_to_others(packages):
            pytest.skip("installed packages are closed to other users")
        for common_name in ("site-packages", "dist-packages"):  # Debian's Pythons look for the second
            (library / common_name).symlink_to(packages)
        (folder / "bin").mkdir()
        (folder / "bin").chmod(0o755)
        shutil.copy2(Path(sys.executable).resolve(), folder / "bin" / name)
        (folder / "bin" / name).chmod(0o755)
        for shared in Path(sysconfig.get_config_var("LIBDIR")).glob(f"lib{name}*.so.*"):
            shutil.copy2(shared, folder / "lib" / shared.name)
        package = folder / "code" / "autograder"
        interpreter._copy_readable(ROOT / "autograder", package, {"__pycache__"})
        yield folder / "bin" / name


@linux
@root
def test_an_ordinary_user_gets_the_layers_that_need_no_root(ordinary_python):
    """What an instructor's laptop has; run as such a user, since the tests themselves run as root here."""
    code = f"""
    import os, sys
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    os.environ.clear()
    os.environ["LD_LIBRARY_PATH"] = {str(ordinary_python.parent.parent / "lib")!r}
    os.environ["XDG_CACHE_HOME"] = "/tmp/cache-of-" + str(os.getpid())
    os.execv({str(ordinary_python)!r}, [{str(ordinary_python)!r}, "-c", sys.argv[1]])
    """
    inner = f"""
    import json, os, shutil, sys
    sys.path.insert(0, {str(ordinary_python.parent.parent / "code")!r})
    from autograder.sandbox.zygote import Zygote, ZygoteSettings
    with Zygote(ZygoteSettings(executor=None, preload=("numpy",))) as zygote:
        print(json.dumps(vars(zygote.protection)))
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), textwrap.dedent(inner)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd="/",
    )
    assert child.returncode == 0, child.stderr
    found = json.loads(child.stdout)
    expected = [name for name in layers.available_layers()[0] if name not in ("uid", "mounts")]
    assert found["layers"] == expected
    assert found["missing"]["uid"] == "the grader does not run as root"


def test_limits_only_ever_shrink():
    """A limit that is already lower than ours stays: raising it would need root."""
    found = in_child("""
    import resource
    from autograder.sandbox import layers
    resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
    layers._set_rlimits(layers.Limits(open_files=100), scratch=False, own_uid=False)
    print(resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_FSIZE))
    """)
    assert found.stdout == "(50, 50) (0, 0)\n", found
