"""Submissions as they come: honest ones in every wrapping, hostile archives, names that would shadow something."""

import os
import stat
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.grading.files import SUBMISSION
from autograder.grading.intake import Intake, reserved_modules, unpack
from autograder.grading.near_names import near
from autograder.stamp import LARGEST, Stamp
from autograder.writing import write_files
from tests.kit.archives import write_zip, zipped

EXPECTED = ("VAE.py", "ELBO.py", "gmvae.py", "gmvae.safetensors")
COMPLETE = {name: f"# {name}\n" for name in EXPECTED}


@pytest.fixture
def into(tmp_path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


@pytest.fixture
def provided(tmp_path) -> Path:
    folder = tmp_path / "provided"
    folder.mkdir()
    for name in ("plotting.py", "VAE.py", "README.md"):
        (folder / name).write_text(f"# provided {name}\n")
    return folder


def write_folder(folder: Path, files: dict[str, str]) -> Path:
    write_files(folder, files)
    return folder


@pytest.fixture(params=["folder", "zip"])
def hand_in(request, tmp_path, into):
    """Takes in these files, as a folder and as a zip."""

    def take(files: dict[str, str], **options) -> Intake:
        if request.param == "zip":
            path = write_zip(tmp_path / "submission.zip", files)
        else:
            path = write_folder(tmp_path / "submission", files)
        return unpack(path, into, **{"expected": EXPECTED, "provided": None, **options})

    return take


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_complete_submission(hand_in, into):
    found = hand_in(COMPLETE)
    assert found == Intake(folder=into, files=tuple(sorted(EXPECTED)))
    assert contents(into) == COMPLETE


def test_copies_are_readable_to_all_and_writable_to_us(hand_in, into):
    before = os.umask(0o077)
    try:
        hand_in({**COMPLETE, "layers/__init__.py": "", "layers/deep/dense.py": ""})
    finally:
        os.umask(before)
    modes = {str(path.relative_to(into)): stat.S_IMODE(path.stat().st_mode) for path in into.rglob("*")}
    assert modes["layers"] == modes["layers/deep"] == 0o755
    assert {mode for name, mode in modes.items() if "." in name} == {0o644}


def test_missing_files_are_named(hand_in):
    found = hand_in({"VAE.py": "", "gmvae.py": ""})
    assert found.missing == ("ELBO.py", "gmvae.safetensors") and found.errors == ()
    assert found.files == ("VAE.py", "gmvae.py")


@pytest.mark.parametrize("prefix", ["homework/", "a/b/c/", "Meine Lösung (1)/", "student/"])
def test_a_folder_in_the_submission_is_found(hand_in, into, prefix):
    found = hand_in({"report.pdf": "", **{prefix + name: content for name, content in COMPLETE.items()}})
    assert contents(into) == COMPLETE and found.missing == ()
    assert found.notes[0].endswith("of your submission was graded.")
    assert found.notes[1:] == ("Not graded, because they are not files to hand in: report.pdf.",)
    assert found.left_out == ()


def test_the_fuller_of_two_folders_is_meant(hand_in, into):
    found = hand_in({"old/VAE.py": "old", **{f"new/{name}": content for name, content in COMPLETE.items()}})
    assert contents(into) == COMPLETE and "new" in found.notes[0]
    assert found.notes[1] == (
        "Not graded, because they lie outside the folder that was: old/VAE.py. Put all that you hand in into one "
        "folder."
    )
    assert found.left_out == ("old/VAE.py",)


def test_two_folders_that_could_be_meant_are_refused(hand_in, into):
    found = hand_in({"one/VAE.py": "", "two/VAE.py": ""})
    assert "one, two" in found.errors[0]
    assert contents(into) == {} and found.missing == tuple(sorted(EXPECTED))


def test_files_at_the_top_win_over_deeper_ones(hand_in, into):
    found = hand_in({**COMPLETE, "old_version/VAE.py": "old"})
    assert contents(into)["VAE.py"] == COMPLETE["VAE.py"]
    assert found.notes == (
        "Not graded, because files of the same names lie further up, and these were graded: old_version/VAE.py. Hand "
        "in only those that you mean.",
    )
    assert found.left_out == ("old_version/VAE.py",)


def test_a_package_that_is_imported_may_have_modules_of_these_names(hand_in):
    found = hand_in({**COMPLETE, "ELBO.py": "from parts.VAE import f", "parts/VAE.py": "", "parts/gmvae_2.py": ""})
    assert found.notes == () and found.left_out == () and "parts/VAE.py" in found.files


@pytest.mark.parametrize("name", ["Vae.py", "vae.py", "VAE.PY"])
def test_the_case_of_a_name_is_repaired(hand_in, into, name):
    found = hand_in({"ELBO.py": "", "gmvae.py": "", "gmvae.safetensors": "", f"{name}": "# mine\n"})
    assert contents(into)["VAE.py"] == "# mine\n" and found.missing == ()
    assert found.notes == (f"{name} was taken as VAE.py: upper and lower case matter in file names.",)


def test_the_right_case_wins(hand_in, into):
    found = hand_in({**COMPLETE, "vae.py": "# other\n"})
    assert contents(into) == COMPLETE and "vae.py" in found.notes[0]


def test_of_two_wrong_cases_of_one_name_none_is_taken_and_the_rest_is_graded(hand_in):
    found = hand_in({"vae.py": "", "Vae.py": "", "ELBO.py": ""})
    assert found.files == ("ELBO.py",) and found.unusable == ("VAE.py",) and set(found.left_out) == {"vae.py", "Vae.py"}
    assert found.notes[0].startswith("Not graded, because several files have the same name: ")


ALMOST = (
    "VAE (1).py", "VAE copy.py", "Copy of VAE.py", "Kopie von VAE.py", "vae-1.py", "VAE_final.py", "VAE.py.txt",
    "VAE.txt.py", "vae2.py", "sub/VAE (2).py",
)  # fmt: skip


@pytest.mark.parametrize("beside", [True, False])
def test_files_called_almost_right_are_asked_about_and_never_taken(hand_in, into, beside):
    """Whether or not the file with the right name is there, which may be the starter's."""
    others = {"gmvae.py": "# mine\n", "gmvae (1).safetensors": ""} | ({"VAE.py": "# starter\n"} if beside else {})
    found = hand_in(others | dict.fromkeys(ALMOST, "x"))
    assert ("VAE.py" in found.files) == beside and "gmvae.safetensors" not in found.files
    assert set(found.left_out) == {*ALMOST, "gmvae (1).safetensors"}
    asked = [note for note in found.notes if "rename it and hand in again" in note]
    assert len(asked) == 2 and " and 5 more were not graded as VAE.py. Is one of them your VAE.py? If so, " in asked[0]
    assert all(" ".join(found.notes).count(name) <= 1 for name in ("gmvae (1)", "Copy of VAE.py", "VAE.py.txt"))
    assert asked[1] == (
        "gmvae (1).safetensors was not graded as gmvae.safetensors. Is it your gmvae.safetensors? If so, rename it and "
        "hand in again."
    )


def test_nothing_is_asked_about_helpers_that_are_imported_or_called_otherwise(hand_in):
    helpers = {"my_vae.py": "", "train_elbo.py": "from my_vae import *", "layers.py": "", "VAE_notes.md": ""}
    assert not any("Is it" in note for note in hand_in({**COMPLETE, "VAE.py": "import train_elbo", **helpers}).notes)


@pytest.mark.parametrize("name", ["gvmae.py", "gmvaes.py", "gmvae.ipynb"])
def test_slips_are_asked_about_where_a_file_is_missing(name):
    assert near(name, EXPECTED, ["gmvae.py"]) == "gmvae.py" and near(name, EXPECTED, ["VAE.py"]) is None


def test_what_computers_add_is_left_behind(hand_in, into):
    junk = [
        "__MACOSX/._VAE.py",
        ".DS_Store",
        "._VAE.py",
        ".git/config.py",
        "__pycache__/VAE.cpython-311.pyc",
        "Thumbs.db",
    ]
    junk += [".ipynb_checkpoints/VAE-checkpoint.py", "myenv/pyvenv.cfg", "myenv/lib/helper.py", "venv/lib/thing.py"]
    junk += ["data/MNIST/loader.py", "results/index.html", "__MACOSX/homework/._ELBO.py"]
    found = hand_in({**COMPLETE, **dict.fromkeys(junk, "junk")})
    assert contents(into) == COMPLETE and found.left_out == ()
    # One line for each reason, and no advice: nothing of the student's own is among them.
    assert sorted(found.notes) == [
        "Not graded, because folders of these names hold no work: __MACOSX/ (2 files), __pycache__/ (1 file), data/ "
        "(1 file), results/ (1 file), venv/ (1 file).",
        "Not graded, because it is a virtual environment or holds thousands of files: myenv/ (2 files).",
        "Not graded, because the names begin with a dot: .DS_Store, ._VAE.py, .git/ (1 file), .ipynb_checkpoints/ (1 "
        "file).",
        "Not graded, because they are not files to hand in: Thumbs.db.",
    ]


DEEP = "/".join("123456789")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (f"{DEEP}/VAE.py", f"the folders lie more than 8 deep: {DEEP}/VAE.py. Hand the files in without so many"),
        ("data/VAE.py", "folders of these names hold no work: data/VAE.py. Move what should be graded out of them."),
        (".work/mine/VAE.py", "the names begin with a dot: .work/mine/VAE.py. Rename what should be graded"),
        ("env/pyvenv.cfg env/VAE.py", "of these names hold no work: env/VAE.py and 1 more in env/. Move what"),
        ("my/pyvenv.cfg my/VAE.py", "or holds thousands of files: my/VAE.py and 1 more in my/. Move your own"),
        ("work.rar more.7z", "Not opened: more.7z, work.rar. Hand in the files themselves, or one zip with nothing"),
        ("VAE.ipynb", "Is it your VAE.py? If so, hand in its code as VAE.py: notebooks are not graded."),
        ("notes.ipynb", "Notebooks are not graded, only Python files are: notes.ipynb."),
        ("report.pdf", "they are not files to hand in: report.pdf."),
    ],
)
def test_what_is_not_graded_is_named_with_the_reason_and_what_to_do(hand_in, into, name, said):
    files = dict.fromkeys(name.split(), "x")
    found = hand_in(files)
    assert contents(into) == {} and len(found.errors) == 1
    assert found.errors[0].startswith("There is nothing to grade: none of the files to hand in is there (ELBO.py, VAE")
    assert any(said in note for note in found.notes), found.notes
    assert bool(found.left_out) == (name not in ("report.pdf", "notes.ipynb"))


@pytest.mark.parametrize("beside", ["VAE.py", "other/VAE.py"])
def test_candidates_that_are_not_graded_are_named_beside_those_that_are(hand_in, into, beside):
    found = hand_in({beside: "# graded", ".work/VAE.py": "x", "data/VAE.py": "x"} | {f"data/{n}": "" for n in range(9)})
    assert contents(into) == {"VAE.py": "# graded"} and found.errors == ()
    notes = " ".join(found.notes)
    assert "data/VAE.py and 9 more in data/." in notes and ".work/VAE.py." in notes
    assert set(found.left_out) == {".work", "data"}


@pytest.mark.parametrize("folder", ["venv", "mine"])
def test_files_of_libraries_are_not_taken_for_the_students(hand_in, folder):
    lies = f"{folder}/lib/python3/site-packages/some"
    found = hand_in({**COMPLETE, f"{folder}/pyvenv.cfg": "", f"{lies}/VAE.py": "", f"{lies}/deep/ELBO.py": ""})
    assert found.left_out == () and len(found.notes) == 1 and found.notes[0].endswith(f": {folder}/ (3 files).")


def test_no_more_names_than_people_read(hand_in):
    found = hand_in({**COMPLETE, **{f"{number:03}.pdf": "" for number in range(345)}})
    (note,) = found.notes
    assert note.endswith("not files to hand in: 000.pdf, 001.pdf, 002.pdf, 003.pdf, 004.pdf and 340 more.")


def test_a_few_small_files_of_data_go_with_the_code(hand_in, into, tmp_path):
    write_files(tmp_path / "given", {"lab/tasks.json": "ours", "lab/requirements.txt": "ours", "lab/html.py": "ours"})
    small = {"config.json": "{}", "settings/rates.CSV": "1", "losses.npy": "x", "empty.txt": ""}
    others = {"large.csv": "x" * (256 * 1024 + 1), "tasks.json": "", "tests/case.json": "", "photo.png": ""}
    others |= {"lab/tasks.json": "", "lab/requirements.txt": ""}  # in front they lay in an earlier release
    found = hand_in({**COMPLETE, **small, **others}, provided=tmp_path / "given")
    assert contents(into) == COMPLETE | small
    assert found.files == tuple(sorted(EXPECTED)) and found.left_out == ()
    assert found.notes == (
        "Your code can read these, and they are not graded: config.json, empty.txt, losses.npy, settings/rates.CSV.",
        "Not used, because the grader has its own tests: tests/case.json.",
        "Your code cannot read these here, because it gets at most 20 files of data, of at most 256 KiB each: "
        "large.csv.",
        "Not graded, because they are not files to hand in: photo.png, lab/requirements.txt, lab/tasks.json, "
        "tasks.json.",
    )


def test_of_the_numbers_of_a_run_no_word_is_said(hand_in, into):
    """They are there for the report."""
    assert hand_in({**COMPLETE, "metrics.json": "{}"}).notes == ()
    assert contents(into) == COMPLETE | {"metrics.json": "{}"}


def test_data_is_bounded_in_number_and_refuses_nothing(hand_in, into):
    found = hand_in({**COMPLETE, **{f"{number:03}.csv": "1" for number in range(30)}})
    assert len(contents(into)) == len(COMPLETE) + 20 and found.errors == ()
    assert found.notes[1].endswith("256 KiB each: 020.csv, 021.csv, 022.csv, 023.csv, 024.csv and 5 more.")


def test_weights_that_do_not_lie_beside_the_code_are_named(hand_in):
    found = hand_in({"VAE.py": "", "sub/gmvae.safetensors": ""})
    assert found.notes == (
        "Not graded, because they do not lie beside the other files: sub/gmvae.safetensors. Move them there.",
    )
    assert found.left_out == ("sub/gmvae.safetensors",)


def test_an_empty_submission_is_called_so(hand_in, tmp_path):
    (tmp_path / "submission").mkdir()
    found = hand_in({})
    assert found.errors == ("The submission is empty: no file was handed in.",) and found.notes == ()


def hand_in_bytes(folder: Path, into: Path, files: dict[str, bytes]) -> Intake:
    write_files(folder, files)
    return unpack(folder, into, EXPECTED, None)


def test_a_zip_in_a_zip_is_opened(tmp_path, into):
    inner = zipped({f"work/{name}": content for name, content in COMPLETE.items()} | {"work/report.pdf": "x"})
    found = hand_in_bytes(tmp_path / "s", into, {"outer.zip": zipped({"inner.zip": inner}), "notes.md": b"x"})
    assert contents(into) == COMPLETE and found.left_out == ()
    assert found.notes == (
        "The files to grade were taken out of outer.zip/inner.zip, which lies in what was handed in.",
        "The folder work of your submission was graded.",
        "Not graded, because they are not files to hand in: outer.zip/inner.zip/work/report.pdf, notes.md.",
    )


def test_zips_in_zips_are_opened_three_deep(tmp_path, into):
    content = zipped(COMPLETE)
    for number in range(4):
        content = zipped({f"{number}.zip": content})
    found = hand_in_bytes(tmp_path / "s", into, {"x.zip": content})
    assert found.errors and "Not opened: x.zip. Hand in the files themselves" in found.notes[-1]


def test_weights_beside_a_zip_belong_to_its_code(tmp_path, into):
    inner = {f"work/{name}": content for name, content in COMPLETE.items() if name.endswith(".py")}
    found = hand_in_bytes(tmp_path / "s", into, {"x.zip": zipped(inner), "gmvae.safetensors": b"mine"})
    assert contents(into) == COMPLETE | {"gmvae.safetensors": "mine"} and found.missing == ()


def test_a_file_in_the_zip_is_taken_rather_than_one_beside_it(tmp_path, into):
    found = hand_in_bytes(tmp_path / "s", into, {"x.zip": zipped(COMPLETE), "gmvae.safetensors": b"mine"})
    assert contents(into) == COMPLETE
    assert "It has files called gmvae.safetensors, too, and these were taken." in found.notes[0]


def test_two_zips_that_could_be_meant_are_refused(tmp_path, into):
    found = hand_in_bytes(tmp_path / "s", into, {"a.zip": zipped(COMPLETE), "b.zip": zipped(COMPLETE)})
    assert found.errors == ("More than one zip holds files to grade: a.zip, b.zip. Hand in one of them.",)


def test_a_zip_beside_the_files_is_not_opened(tmp_path, into):
    files = {name: content.encode() for name, content in COMPLETE.items()}
    found = hand_in_bytes(tmp_path / "s", into, files | {"old.zip": zipped({"VAE.py": "old"})})
    assert contents(into) == COMPLETE and found.left_out == ("old.zip",) and "Not opened: old.zip." in found.notes[0]


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04nonsense", b"", zipped({"VAE.py": bytes(60 << 20)}, zipfile.ZIP_STORED)]
)
def test_a_zip_that_cannot_be_opened_is_named(tmp_path, into, content):
    found = hand_in_bytes(tmp_path / "s", into, {"x.zip": content})
    assert found.errors and any("x.zip" in note for note in found.notes) and contents(into) == {}


def test_zips_take_no_more_memory_together_than_one_may(tmp_path, into):
    """Three zips, each with one of 18 MiB in it: the third one's does not fit any more."""
    inner = zipped({"x.bin": os.urandom(18 << 20)}, zipfile.ZIP_STORED)
    folder = {f"{n}.zip": zipped({"inner.zip": inner}) for n in range(3)}
    tracemalloc.start()
    try:
        found = hand_in_bytes(tmp_path / "s", into, folder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.errors and sum("inner.zip was not opened: it is too large" in note for note in found.notes) == 1
    assert peak < 8 << 20, "they are copied to the disk"


def test_no_link_is_followed_to_a_zip(tmp_path, into):
    write_zip(tmp_path / "secret.zip", COMPLETE)
    folder = tmp_path / "submission"
    folder.mkdir()
    (folder / "x.zip").symlink_to(tmp_path / "secret.zip")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "up").symlink_to(tmp_path)
    found = unpack(folder, into, EXPECTED, None)
    assert contents(into) == {} and found.errors and set(found.left_out) == {"loop", "up", "x.zip"}
    with zipfile.ZipFile(tmp_path / "linked.zip", "w") as archive:
        info = zipfile.ZipInfo("x.zip")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, str(tmp_path / "secret.zip"))
    assert unpack(tmp_path / "linked.zip", into, EXPECTED, None).left_out == ("x.zip",)


def test_helpers_of_ones_own_are_kept(hand_in, into):
    helpers = {"my_helpers.py": "", "my_layers/__init__.py": "", "my_layers/dense.py": "", "my_layers/sub/x.py": ""}
    # Names of modules of ours, which lie in packages.
    helpers |= {f"{name}.py": "" for name in ("pictures", "laws", "strategies", "mistakes", "oracles", "executor")}
    found = hand_in({**COMPLETE, **helpers})
    assert set(contents(into)) == {*COMPLETE, *helpers} and found.notes == ()


SHADOWS = """
    conftest.py sitecustomize.py usercustomize.py site.py sys.py __init__.py __main__.py json.py random.py numpy.py
    scipy.py torch/__init__.py torch/nn/fake.py pytest.py _pytest/fake.py hypothesis/__init__.py
    tests/test_mine.py tests/conftest.py support.py support/mine.py autograder/__init__.py
"""


@pytest.mark.parametrize("name", SHADOWS.split())
def test_nothing_is_shadowed(hand_in, into, name):
    found = hand_in({**COMPLETE, name: "raise SystemExit('shadowed')"})
    assert contents(into) == COMPLETE
    assert found.missing == ()
    # What lies in tests/ came with the starter: no reason to alarm anybody.
    assert found.left_out == (() if name.startswith("tests/") else (name,))
    assert [name in note for note in found.notes] == [True]


def test_expected_names_are_never_reserved():
    """Were a library to claim the name of a given module, it would not be added, and everybody's code would fail."""
    names = {path.stem for path in (Path(__file__).parents[3] / "solution").glob("*.py")}
    assert names and not names & reserved_modules()


@pytest.mark.parametrize("name", ["VAE (1).py", "VAE copy.py", "my-helper.py", "2nd.py"])
def test_files_that_no_import_finds_are_named(hand_in, into, name):
    found = hand_in({**COMPLETE, name: ""})
    assert contents(into) == COMPLETE and name in found.notes[0]


def test_a_name_longer_than_files_have_is_named(tmp_path, into):
    """Only zips have such; writing it was the grader's fault before."""
    for name in ("e" * 253, "e" * 300 + "/helper"):
        path = write_zip(tmp_path / "work.zip", {"VAE.py": b"", f"{name}.py": b""})
        place = into / str(len(name))
        place.mkdir()
        found = unpack(path, place, {"VAE.py"}, None)
        assert found.left_out == (f"{name}.py",) and not found.errors


def test_notebooks_beside_the_code_are_not_missed(hand_in):
    assert hand_in({**COMPLETE, "report.ipynb": "{}", "VAE.ipynb": "{}"}).left_out == ()


def test_other_models_are_not_copied(hand_in, into):
    hand_in({**COMPLETE, "other.safetensors": "", "sub/gmvae.safetensors": "", "gmvae.pt": "", "weights.pkl": ""})
    assert contents(into) == COMPLETE


def test_given_modules_are_added_but_never_replace_anything(hand_in, into, provided):
    found = hand_in({"ELBO.py": "", "gmvae.py": "", "gmvae.safetensors": ""}, provided=provided)
    assert contents(into)["plotting.py"] == "# provided plotting.py\n"
    # A starter file in the place of a missing one would be graded as if it had been handed in.
    assert found.missing == ("VAE.py",) and not (into / "VAE.py").exists()
    assert "plotting.py" not in found.files and not (into / "README.md").exists()


def test_a_given_module_that_was_handed_in_stays(hand_in, into, provided):
    found = hand_in({**COMPLETE, "plotting.py": "# mine\n"}, provided=provided)
    assert contents(into)["plotting.py"] == "# mine\n" and "plotting.py" in found.files


@pytest.mark.parametrize(
    "name",
    [
        "../VAE.py", "../../etc/cron.d/evil.py", "/tmp/evil.py", "/VAE.py", "a/../../VAE.py", "..\\VAE.py",
        "C:\\VAE.py", "C:VAE.py", "\\\\server\\share\\VAE.py", "a/../VAE.py", "line\nfeed.py", "escape\x1b[2J.py",
    ],
)  # fmt: skip
def test_a_zip_cannot_write_elsewhere(tmp_path, into, name):
    before = set(tmp_path.rglob("*"))
    found = unpack(write_zip(tmp_path / "evil.zip", {**COMPLETE, name: "evil"}), into, EXPECTED, None)
    assert contents(into) == COMPLETE and len(found.notes) == 1
    assert "\x1b" not in found.notes[0] and "\n" not in found.notes[0]
    assert {path for path in tmp_path.rglob("*") if into not in path.parents} == before | {tmp_path / "evil.zip"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(names=st.lists(st.text(st.sampled_from("./\\aA:~\0\n é"), min_size=1, max_size=12), max_size=6, unique=True))
def test_no_name_leads_out_of_the_folder(tmp_path_factory, names):
    place = tmp_path_factory.mktemp("place")
    into = place / "into"
    into.mkdir()
    with zipfile.ZipFile(place / "odd.zip", "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"x")
    unpack(place / "odd.zip", into, EXPECTED, None)
    assert sorted(path.name for path in place.iterdir()) == ["into", "odd.zip"]
    assert not [path for path in into.rglob("*") if path.is_symlink()]


def test_backslashes_of_windows_programs_are_separators(tmp_path, into):
    path = write_zip(tmp_path / "windows.zip", {f"homework\\{name}": content for name, content in COMPLETE.items()})
    unpack(path, into, EXPECTED, None)
    assert contents(into) == COMPLETE


@pytest.mark.skipif(os.name == "nt", reason="there a backslash cannot be in a name")
def test_backslashes_in_the_names_of_unpacked_files_are_separators(tmp_path, into):
    """As a platform leaves them that unpacks a Windows program's zip on Linux."""
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for name, content in COMPLETE.items():
        (folder / f"homework\\{name}").write_text(content)
    for name in ("..\\up.py", "\\etc\\root.py", "__MACOSX\\homework\\mac.py", "\\".join(["deep"] * 10) + ".py"):
        (folder / name).write_text("")
    found = unpack(folder, into, EXPECTED, None)
    assert contents(into) == COMPLETE
    assert any("root.py" in note for note in found.notes)
    assert any("/".join(["deep"] * 9) + "/ (1 file)" in note for note in found.notes)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip_are_not_used(tmp_path, into, kind):
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as archive:
        info = zipfile.ZipInfo("VAE.py")
        info.external_attr = (kind | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("ELBO.py", "")
    found = unpack(tmp_path / "odd.zip", into, EXPECTED, None)
    assert contents(into) == {"ELBO.py": ""} and "VAE.py" in found.missing and "VAE.py" in found.notes[0]


def test_links_and_pipes_in_a_folder_are_not_used(tmp_path, into):
    (tmp_path / "secret.py").write_text("secret")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "gmvae.py").write_text("secret")
    folder = write_folder(tmp_path / "submission", {"ELBO.py": ""})
    (folder / "VAE.py").symlink_to(tmp_path / "secret.py")
    (folder / "package").symlink_to(tmp_path / "secrets")
    os.mkfifo(folder / "gmvae.py")  # reading it would wait for ever
    found = unpack(folder, into, EXPECTED, None)
    assert contents(into) == {"ELBO.py": ""}
    assert all(name in found.notes[0] for name in ("VAE.py", "gmvae.py", "package"))
    assert set(found.left_out) == {"VAE.py", "gmvae.py", "package"}


@given(cut=st.integers(0, 600), flips=st.lists(st.tuples(st.integers(0, 599), st.integers(1, 255)), max_size=4))
def test_no_damage_to_a_zip_is_more_than_an_error(tmp_path_factory, cut, flips):
    """Whatever bytes arrive, there is an Intake: some files, or an error."""
    place = tmp_path_factory.mktemp("place")
    data = bytearray(zipped(COMPLETE))
    for place_of_flip, flip in flips:
        data[place_of_flip % len(data)] ^= flip
    (place / "damaged.zip").write_bytes(data[: len(data) - cut] if cut < len(data) else data)
    (place / "into").mkdir()
    found = unpack(place / "damaged.zip", place / "into", EXPECTED, None)
    assert found.errors or set(found.files) <= set(contents(place / "into"))


@pytest.mark.parametrize("name", ["VAE.py", "helper.py", "gmvae.safetensors"])
def test_what_is_too_large_is_left_out_and_the_rest_is_graded(hand_in, into, name):
    found = hand_in({**COMPLETE, name: "#" * ((33 if name == "gmvae.safetensors" else 1) << 20) + "#"})
    assert contents(into) == {key: content for key, content in COMPLETE.items() if key != name}
    assert found.left_out == (name,) and not found.errors
    assert found.unusable == found.missing == ((name,) if name in COMPLETE else ())
    assert found.notes == (
        f"Not graded, because a Python file may take 1 MiB and weights 32 MiB: {name}. Keep data out of your code, and "
        "save the weights alone.",
    )


def test_a_bomb_of_bytes_is_not_unpacked(tmp_path, into):
    path = write_zip(tmp_path / "bomb.zip", {"VAE.py": bytes(50 << 20)})
    assert unpack(path, into, EXPECTED, None).errors[0].endswith("to hand in cannot be used (VAE.py).")
    assert contents(into) == {}


@pytest.mark.parametrize("limits", [{"files": 6}, {"total_bytes": 2500}])
def test_of_too_many_files_those_further_down_are_left_out(hand_in, into, limits):
    helpers = {f"{folder}helper_{n}.py": "x" * 1000 for folder in ("a/", "") for n in range(2)}
    found = hand_in({**COMPLETE, **helpers}, limits=replace(SUBMISSION, **limits))
    assert set(found.files) == set(contents(into)) == {*COMPLETE, "helper_0.py", "helper_1.py"}
    assert set(found.left_out) == {"a/helper_0.py", "a/helper_1.py"} and not found.errors
    assert "may have 200 Python files and 48 MiB in all: a/helper_0.py, a/helper_1.py. Hand" in found.notes[0]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_crowded_folder_is_not_looked_into_and_the_rest_is_graded(tmp_path, into, kind):
    """In a folder and in a zip alike."""
    files = COMPLETE | {f"a/frames/{n}.png": "" for n in range(30)} | {"b/helper.py": ""}
    path = (write_folder if kind == "folder" else write_zip)(tmp_path / "s", files)
    found = unpack(path, into, EXPECTED, None, replace(SUBMISSION, entries=20))
    assert contents(into) == COMPLETE | {"b/helper.py": ""} and not found.errors
    assert "or holds thousands of files: a/frames/ (30 files)." in found.notes[0]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_work_in_a_crowded_folder_is_graded(tmp_path, into, kind):
    files = {f"hw/{name}": text for name, text in COMPLETE.items()} | {f"hw/{n}.png": "" for n in range(30)}
    path = (write_folder if kind == "folder" else write_zip)(tmp_path / "s", files)
    found = unpack(path, into, EXPECTED, None, replace(SUBMISSION, entries=20))
    assert contents(into) == COMPLETE and not found.errors and not found.left_out
    assert "Only counted, because there are so many of them: hw/ (30 files)." in found.notes


def test_of_a_large_zip_only_what_is_graded_is_read(tmp_path, into):
    path = write_zip(tmp_path / "s.zip", COMPLETE)
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(8):
            archive.writestr(f"data/{number}.bin", os.urandom(8 << 20))
    tracemalloc.start()
    try:
        found = unpack(path, into, EXPECTED, None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert contents(into) == COMPLETE and not found.errors and peak < 4 << 20
    assert "data/ (8 files)" in found.notes[0]


def test_of_two_entries_of_one_name_none_is_taken(tmp_path, into):
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("VAE.py", "honest")
        archive.writestr("VAE.py", "other")
        archive.writestr("ELBO.py", "")
    found = unpack(tmp_path / "twice.zip", into, EXPECTED, None)
    assert found.files == ("ELBO.py",) and found.unusable == ("VAE.py",) and "VAE.py, VAE.py. Hand in" in found.notes[0]


def test_a_damaged_file_costs_only_itself(tmp_path, into):
    path = write_zip(tmp_path / "s.zip", {**COMPLETE, "VAE.py": "x = 1\n" * 100})
    data = path.read_bytes()
    at = data.index(b"VAE.py") + 10
    path.write_bytes(data[:at] + b"\xff\xff" + data[at + 2 :])
    found = unpack(path, into, EXPECTED, None)
    assert set(found.files) == {*COMPLETE} - {"VAE.py"} and found.left_out == ("VAE.py",)
    assert found.notes[0].startswith("VAE.py in the zip file is damaged")
    assert found.notes[1] == "Not graded, because they cannot be read: VAE.py. Hand them in again."


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ('{"version": "0.2.0", "hash": "0123abcd"}', Stamp("0.2.0", "0123abcd")),
        ('{"version": "0.2.0", "hash": "0123ABCD"}', None),
        ('{"version": "<b>", "hash": "0123abcd"}', None),
        ('{"version": 2, "hash": "0123abcd"}', None),
        ('["0.2.0"]', None),
        ("[" * LARGEST, None),
        ('{"version": "0.2.0", "hash": "0123abcd"}' + " " * LARGEST, None),
        ("", None),
    ],
)
def test_a_release_is_read_and_no_word_said(hand_in, into, text, release):
    """It is not copied, not named, and wrong ones are passed over."""
    found = hand_in({f"work/{name}": content for name, content in (COMPLETE | {"release.json": text}).items()})
    assert found.release == release
    assert set(found.files) == set(EXPECTED) == set(contents(into))
    assert not found.left_out and not found.errors and "release" not in " ".join(found.notes)


def test_a_damaged_release_costs_nothing(tmp_path, into):
    content = b'{"version": "0.2.0", "hash": "0123abcd"}'
    path = write_zip(tmp_path / "s.zip", {**COMPLETE, "release.json": content}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(content, content[:-5] + b"?" + content[-4:]))
    found = unpack(path, into, EXPECTED, None)
    assert found.release is None and not found.errors and set(found.files) == set(EXPECTED)
