"""Pictures and numbers of your own run, for the cells of report.ipynb (provided)."""

from pathlib import Path
from typing import Any

from IPython.display import Image, Markdown, display

from lab.files import HERE, read_json
from lab.run.gallery import format_cell

RESULTS = HERE / "results"
WIDTH = 760  # of pictures on the screen, in pixels
# Settings of a full run, and what they count.
FULL_RUN = {
    "vae_iterations": (5000, "each training"),
    "gmvae_iterations": (20_000, "the GMVAE"),
}


def missing(what: str, command: str) -> None:
    """Say in the notebook that results are not there, and what makes them."""
    display(Markdown(f"**Missing: {what}.** Run `{command}` first, then this cell again."))


def table_markdown(table: dict[str, Any]) -> str:
    """One recorded table in Markdown, its title above it."""
    rows = [table["columns"], ["---"] * len(table["columns"]), *table["rows"]]
    cells = [[format_cell(cell).replace("|", "\\|") for cell in row] for row in rows]
    return f"*{table['title']}*\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in cells)


def show(*parts: str, results: Path = RESULTS) -> None:
    """Show every picture and table of parts of the main job, or say what to run.

    Args:
        parts: names of folders in results/, such as "gmm-entropy".
    """
    for part in parts:
        record = read_json(results / part / "part.json")
        if record is None:
            missing(f"results/{part}", f"python main.py {part}")
            continue
        for figure in record["figures"]:
            picture = results / part / figure["file"]
            if picture.is_file():
                display(Markdown(f"*{figure['title']}*"), Image(str(picture), width=WIDTH))
            else:
                missing(f"results/{part}/{figure['file']}", f"python main.py {part}")
        for table in record["tables"]:
            display(Markdown(table_markdown(table)))


def metrics(*keys: str, results: Path = RESULTS) -> dict[str, Any]:
    """A branch of results/metrics.json, such as metrics("gmm", "entropy").

    Returns:
        The branch; empty, after a message in the notebook, if your run has not made it yet.
    """
    branch: Any = read_json(results / "metrics.json")
    for key in keys:
        branch = branch.get(key) if isinstance(branch, dict) else None
    if not isinstance(branch, dict):
        missing(f"{'.'.join(keys)} in results/metrics.json", "python main.py")
        return {}
    return branch


def run_description(found: dict[str, Any] | None) -> str:
    """What the results come from, in a line of Markdown.

    Args:
        found: the content of metrics.json, None if there is none.
    """
    if found is None:
        return "**There are no results yet.** Run `python main.py` first: the report shows its pictures and numbers."
    settings = found["settings"]
    made = [
        f"seed {found['seed']}",
        *(f"{settings[name]:,} iterations for {what}" for name, (_, what) in FULL_RUN.items()),
    ]
    description = f"Results of `main.py` with {', '.join(made)}."
    if any(settings[name] < iterations for name, (iterations, _) in FULL_RUN.items()):
        description += " **Training was cut short: hand in the results of a full run, `python main.py`.**"
    return description


def show_run(results: Path = RESULTS) -> None:
    """Say which run the results come from."""
    display(Markdown(run_description(read_json(results / "metrics.json"))))
