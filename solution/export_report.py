"""Make the PDF that you hand in (provided): `python export_report.py` writes report.pdf from report.ipynb.

The notebook is run from the top in a fresh process first, so that the PDF shows what its cells really give. Every
question begins on a page of its own, and the list at the end says which: Gradescope asks for it. Where one PDF is to
hold everything, the code of the files to hand in follows the last question, each file on pages of its own.
"""

import argparse
import os
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from lab.course import read_course
from lab.files import TASKS, print_anything, write_whole

HERE = Path(__file__).resolve().parent
# Set in the process that runs the cells: one of them may be `!python export_report.py`.
EXPORTING = "REPORT_IS_BEING_EXPORTED"
ONLY_OUTPUT = "only-output"  # the tag of cells whose code is of no interest in the report
# Where a question begins, such as "### W4, a title" or "### 2.1.1, a title", with the heading of a section above it.
QUESTION = re.compile(r"(^## [^\n]+\n\s*)?<!-- BEGIN QUESTION -->\s*### ([^\s,]+),", re.MULTILINE)
UNANSWERED = re.compile(r"_Type your answer here")
CELL_SECONDS = 600


class ExportError(Exception):
    """No PDF can be made; the message says why and what to do."""


@dataclass(frozen=True)
class Export:
    """What came out.

    Attributes:
        pdf: the document.
        pages: first and last page of each question, then of each file with code, in order.
        errors: cells that stopped with an error, and files that are missing, as text.
        unanswered: questions whose answer is still the placeholder.
        warnings: what could not be converted.
    """

    pdf: bytes
    pages: dict[str, tuple[int, int]]
    errors: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_notebook(path: Path):
    """The notebook.

    Raises:
        ExportError: it is missing or damaged, or a package is not installed.
    """
    try:
        import nbformat
    except ImportError as error:
        raise ExportError(f"{error.name} is not installed: pip install -r lab/requirements-report.txt") from None
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise ExportError(f"{path} is missing") from None
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, AttributeError, UnicodeDecodeError) as error:
        raise ExportError(f"{path} is no notebook: {str(error)[:200]}") from None


def run(notebook, folder: Path) -> list[str]:
    """Run all cells in a fresh process, in place; return what stopped with an error, which does not stop the others.

    Raises:
        ExportError: no process could be started, or it died.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from tqdm import tqdm

    code_cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    with tqdm(total=code_cells, desc="running the notebook", unit="cell", leave=False) as bar:
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",  # whatever the notebook was edited with: the Python that runs this program
            allow_errors=True,
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(folder)}},
            on_cell_executed=lambda **_: bar.update(),
        )
        os.environ[EXPORTING] = "1"
        try:
            client.execute()
        except CellTimeoutError:
            limit = f"{CELL_SECONDS // 60} minutes"
            raise ExportError(f"a cell took longer than {limit}: that is too long for a notebook") from None
        except (DeadKernelError, RuntimeError, OSError) as error:
            raise ExportError(f"the notebook could not be run: {error}") from None
        finally:
            del os.environ[EXPORTING]
    errors = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                first_line = cell.source.strip().splitlines()[0]
                errors.append(f"{output.ename}: {output.evalue} (in the cell that begins with `{first_line}`)")
    return errors


def save_notebook(notebook, path: Path) -> None:
    """Write a notebook, whole or not at all."""
    import nbformat

    write_whole(path, (nbformat.writes(notebook).rstrip("\n") + "\n").encode())


def markdown_of(notebook, folder: Path, pictures: Path) -> str:
    """The notebook as Markdown, its pictures written to a folder inside the notebook's.

    Args:
        folder: of the notebook.
        pictures: a folder in it.
    """
    import nbformat
    from nbconvert import MarkdownExporter
    from traitlets.config import Config

    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.startswith("grader.check("):
            cell.metadata.setdefault("tags", []).append(ONLY_OUTPUT)
    config = Config()
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_input_tags = {ONLY_OUTPUT}
    # No HTML: what a check says in plain text is as good.
    config.NbConvertBase.display_data_priority = ["text/markdown", "image/png", "image/jpeg", "text/plain"]
    exporter = MarkdownExporter(config=config)
    exporter.register_preprocessor("nbconvert.preprocessors.TagRemovePreprocessor", enabled=True)
    place = pictures.relative_to(folder).as_posix()
    text, resources = exporter.from_notebook_node(notebook, {"output_files_dir": place, "unique_key": "picture"})
    for name, content in resources["outputs"].items():
        (folder / name).write_bytes(content)
    # Otter's signs of success and failure, which also stand there in words, are in few fonts.
    return re.sub("[\N{CROSS MARK}\N{WHITE HEAVY CHECK MARK}] ", "", text)


def listed_files(folder: Path) -> list[str]:
    """Names of the files whose code goes into the PDF: those with code to hand in, if the course asks for that.

    Args:
        folder: the assignment's.

    Raises:
        ExportError: its lab/tasks.json is missing or damaged.
    """
    try:
        course = read_course(folder / TASKS)
    except ValueError as error:
        raise ExportError(str(error)) from None
    wanted = course.options.get("code_in_report", False)
    return [name for name in course.files if wanted and name.endswith(".py")]


def listing_of(file: Path) -> str:
    """A file as Markdown, on a page of its own, under its name."""
    from lab.report.typeset import NEW_PAGE, listing, mark

    try:
        # The same as Python reads; a letter in another encoding must not keep the PDF from being made.
        text = listing(file.read_text(encoding="utf-8-sig", errors="replace"))
    except OSError:
        text = "*This file is missing.*"
    return f"{NEW_PAGE}{mark(file.name)}\n## {file.name}\n\n{text}\n"


def export(path: Path, execute: bool = True, save: bool = False) -> Export:
    """Make the PDF of a notebook, whose folder is the assignment's.

    Args:
        execute: run it first.
        save: write the outputs back into it; what is open in an editor should then be loaded again.

    Raises:
        ExportError: there is nothing that could be exported.
    """
    from lab.report.typeset import NEW_PAGE, TypesetError, mark, typeset

    path = path.resolve()
    notebook = read_notebook(path)
    files = listed_files(path.parent)
    errors = run(notebook, path.parent) if execute else []
    if execute and save:
        save_notebook(notebook, path)
    errors += [f"{name} is missing: the PDF lacks its code" for name in files if not (path.parent / name).is_file()]
    unanswered = []
    question = ""
    for cell in notebook.cells:
        found = QUESTION.search(cell.source)
        question = found.group(2) if found else question
        if cell.cell_type == "markdown" and UNANSWERED.search(cell.source):
            unanswered.append(question)
    try:
        with tempfile.TemporaryDirectory(prefix=".report-", dir=path.parent) as pictures:
            text = markdown_of(notebook, path.parent, Path(pictures))
            names = [match.group(2) for match in QUESTION.finditer(text)]
            text = QUESTION.sub(lambda found: f"{NEW_PAGE}{mark(found[2])}\n{found[1] or ''}\n### {found[2]},", text)
            text += "".join(listing_of(path.parent / name) for name in files)
            pdf = typeset(text + mark("end"), path.parent, "Report and written answers")
    except TypesetError as error:
        raise ExportError(str(error)) from None
    except OSError as error:
        raise ExportError(f"cannot write beside {path}: {error.strerror}") from None
    names += files
    starts = [pdf.pages[name] for name in names]
    ends = [start - 1 for start in starts[1:]] + [pdf.pages["end"]]
    pages = dict(zip(names, zip(starts, ends, strict=True), strict=True))
    return Export(pdf.content, pages, errors, unanswered, pdf.warnings)


def main(arguments: list[str] | None = None) -> int:
    """Export; return the exit status: 0 if the PDF is there and no cell failed."""
    print_anything()
    parser = argparse.ArgumentParser(description="Run the report's notebook and make the PDF that you hand in.")
    parser.add_argument("notebook", nargs="?", type=Path, default=HERE / "report.ipynb", help="default: report.ipynb")
    parser.add_argument("--out", type=Path, help="where to write (default: beside the notebook, .pdf)")
    parser.add_argument("--no-run", action="store_true", help="take the outputs as they were saved")
    parser.add_argument("--save", action="store_true", help="write the fresh outputs back into the notebook, too")
    options = parser.parse_args(arguments)
    if EXPORTING in os.environ:
        print("This cell makes the PDF.")
        return 0
    out = options.out or options.notebook.with_suffix(".pdf")
    try:
        made = export(options.notebook, execute=not options.no_run, save=options.save)
        out.write_bytes(made.pdf)
    except ExportError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cannot write {out}: {error.strerror}", file=sys.stderr)
        return 1
    for problem in made.errors:
        print(f"error: {problem}", file=sys.stderr)
    for warning in made.warnings:
        print(f"not converted: {warning}", file=sys.stderr)
    if made.unanswered:
        print(f"not answered yet: {', '.join(made.unanswered)}", file=sys.stderr)
    pages = [f"{name} {first}" + f"-{last}" * (last > first) for name, (first, last) in made.pages.items()]
    print(f"pages: {', '.join(pages)}\nwrote {out}")
    return 1 if made.errors else 0


if __name__ == "__main__":
    sys.exit(main())
