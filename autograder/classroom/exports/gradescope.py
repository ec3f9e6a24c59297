"""Exports of Gradescope: a folder for each submission, names and times in submission_metadata.yml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from autograder.classroom.exports.submission import HandedIn
from autograder.classroom.roster import Student, iso_time
from autograder.grading.files import MIB, Tree, UnreadableError
from autograder.sandbox.text import safe_text

METADATA = ("submission_metadata.yml", "submission_metadata.yaml")
FOLDER = re.compile(r"submission_\d+")
LARGEST_METADATA = 512 * MIB
NO_FILES = "the export has no files of this submission: export the submissions again"
NAMELESS = "submission_metadata.yml does not name its students"


def read(tree: Tree) -> list[HandedIn] | None:
    """The submissions of an export; None if it is not one of Gradescope's."""
    listing = next((entry for entry in tree.entries if str(entry.path) in METADATA), None)
    folders = [top for top in tree.tops() if FOLDER.fullmatch(top)]
    others = [top for top in tree.tops() if top not in METADATA]
    if not (listing or folders) or 2 * len(folders) < len(others):
        return None  # a student may have called something so
    metadata = _read_metadata(listing.read(LARGEST_METADATA)) if listing else {}
    submissions = []
    for folder in [*folders, *(name for name in metadata if name not in folders)]:
        about = metadata.get(folder, {})
        submitters = about.get("submitters")
        students = tuple(
            Student(name=_text(person, "name"), sid=_text(person, "sid"), email=_text(person, "email"))
            for person in (submitters if isinstance(submitters, list) else ())
            if isinstance(person, dict)
        )
        own = tree.below(PurePosixPath(folder))
        submissions.append(
            HandedIn(
                slug="",
                students=students or (Student(name=folder, id=folder),),
                entries=own.entries,
                time=iso_time(about.get("created_at")),
                source=folder,
                doubt="" if own.entries else NO_FILES,
                notes=() if students else (NAMELESS,),
            )
        )
    return submissions


def _read_metadata(content: bytes) -> dict[str, dict[str, Any]]:
    """Folder -> what is known of it, keys without Ruby's colons. Results and history, nearly all of it, are left out.

    Raises:
        UnreadableError: it is not YAML as Gradescope writes it.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Ruby's own types are read as what they consist of; nothing is ever constructed from them."""

    def plain(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        return loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else str(node.value)

    Loader.add_multi_constructor("!", plain)
    kept, keep = [], False
    for line in content.decode("utf-8", "replace").splitlines(keepends=True):
        key = re.match(r"  :?(\w+):", line)
        if key:
            keep = key[1] in ("submitters", "created_at")
        elif line[:1] not in (" ", "\n", "\r", ""):
            keep = not line.startswith(("---", "..."))
        if keep:
            kept.append(line)
    try:
        document = yaml.load("".join(kept), Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableError(f"submission_metadata.yml cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise UnreadableError("submission_metadata.yml cannot be read: it lists no submissions")
    return {str(folder): _without_colons(about) for folder, about in document.items() if isinstance(about, dict)}


def _without_colons(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key).lstrip(":"): _without_colons(inner) for key, inner in value.items()}
    return [_without_colons(inner) for inner in value] if isinstance(value, list) else value


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return "" if value is None else safe_text(str(value), 200)
