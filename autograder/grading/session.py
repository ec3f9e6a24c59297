"""How submissions are graded: what is the same for all that are graded together, and what one grading adds to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from autograder import tasks
from autograder.grading.intake import PROVIDED
from autograder.repository import student_folder
from autograder.stamp import Stamp, stamp_in

PATHS = ("course", "provided", "submission", "out")


@dataclass(frozen=True)
class Session:
    """The same for all submissions that are graded together. Travels to other processes as JSON.

    Attributes:
        secret: seeds the inputs of all checks.
        seconds: wall-clock limit of the whole grading; Gradescope gives 600 by default.
        task_seconds: limit for the calls of one task's checks together. What they could not finish in it runs again
            after all other tasks, for twice as long, if there is time left.
        call_seconds: limit for one call; importing scikit-learn takes 10 s on a busy half processor.
        memory_mib: what the code of one worker may use beyond PyTorch itself.
        course: the course's file; the checks are in tests/ beside the folder that it is in.
        provided: folder with the modules that students need not hand in, or None.
    """

    secret: str
    seconds: float = 480.0
    task_seconds: float = 45.0
    call_seconds: float = 20.0
    memory_mib: int = 384
    course: Path = field(default_factory=tasks.course_file)
    provided: Path | None = PROVIDED

    @classmethod
    def of(cls, course: tasks.Course, secret: str, **limits: Any) -> Session:
        """For a course, with the modules that its students are given.

        Raises:
            CourseError: these modules are not there.
        """
        provided = student_folder(course.name, course.root)
        if not provided.is_dir():
            folder = provided.relative_to(course.root)
            raise tasks.CourseError(f"{folder}/ is missing: run `make student COURSE={course.name}` first")
        return cls(secret, course=course.path, provided=provided, **limits)

    @property
    def tests(self) -> Path:
        """The folder with conftest.py, public/ and hidden/."""
        return tasks.root_of(self.course) / "tests"

    @property
    def release(self) -> Stamp | None:
        """The release that is graded for: that of the modules which students are given."""
        return stamp_in(self.provided) if self.provided else None

    def load(self) -> tasks.Course:
        """The course's tasks and checks. CourseError if it does not hold together."""
        return tasks.load(self.course)

    def to_json(self) -> dict[str, Any]:
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Grading:
    """One grading.

    Attributes:
        session: see there.
        submission: folder or zip.
        out: where results.json goes.
        private: files that the graded code must not be able to read, besides results.json.
        gradescope: take everybody else's rights from `private`, and refuse to grade unless grade.REQUIRED_LAYERS are in
            force.
        publish: applied to the document before it is written (visibility, late penalty), or None.
        zygote: fields of ZygoteSettings that differ from the usual ones.
    """

    session: Session
    submission: Path
    out: Path
    private: tuple[Path, ...] = ()
    gradescope: bool = False
    publish: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    zygote: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Grading:
        """From one flat object that holds the session's values, too; paths are strings."""
        values: dict[str, Any] = {
            name: Path(value) if value and name in PATHS else value for name, value in document.items()
        }
        values["private"] = tuple(map(Path, values.get("private", ())))
        names = [one.name for one in fields(Session) if one.name in values]
        session = Session(**{name: values.pop(name) for name in names})
        return cls(session, **values)
