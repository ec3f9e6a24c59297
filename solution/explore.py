"""Pages to explore with, in your browser (provided): `python explore.py`; `python explore.py --help` lists them.

They are served from this machine to this machine, without a network, until you press Ctrl-C.
"""

import argparse
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.files import print_anything

HERE = Path(__file__).resolve().parent
ADDRESS = "localhost"
PORT = 5006


@dataclass(frozen=True)
class Page:
    """A page to explore with.

    Attributes:
        shows: what is on it, in a few words.
        make: makes it, from the command line's options and from whether there are other pages to link to.
        folders: further options of the command line, each a folder, with their help.
    """

    shows: str
    make: Callable[[argparse.Namespace, bool], Any]
    folders: dict[str, str] = field(default_factory=dict)


def kl_page(options: argparse.Namespace, links: bool) -> Any:
    """The KL explorer."""
    from lab.explorers.kl import kl_explorer

    return kl_explorer(links)


def latent_page(options: argparse.Namespace, links: bool) -> Any:
    """The latent explorer."""
    from lab.explorers.latent import latent_explorer

    return latent_explorer((options.results or HERE / "results").absolute(), options.data, links)


PAGES: dict[str, Page] = {}
# FOR kl_univariate_normal triangle_violation kl_symmetry kl_zero kl_negative kl_metric kl_triangle
PAGES["kl"] = Page("two normals, or three, and their divergences", kl_page)
# END FOR
# FOR plot_embeddings decode_grid autoencoder_hundred vae_hundred autoencoder_scatter vae_scatter plot_posterior_rows
PAGES["latent"] = Page(
    "the planes of your trained models: point somewhere, see it decoded",
    latent_page,
    {
        "--results": "what main.py wrote (default: results beside this file)",
        "--data": "folder that holds the four files of the data (default: the assignment's)",
    },
)
# END FOR


class InputError(ValueError):
    """Something that was asked for cannot be; the message says what, and what to do."""


def port_number(text: str) -> int:
    """An argument that is a port."""
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r}: a port is a whole number from 0 to 65535 (0: any that is free)")
    return int(text)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve pages to explore with in your browser.")
    add = parser.add_argument
    pages = "; ".join(f"{name}: {page.shows}" for name, page in PAGES.items())
    add("page", nargs="?", choices=PAGES, default=next(iter(PAGES)), help=f"{pages} (default: %(default)s)")
    add(
        "--port",
        type=port_number,
        metavar="N",
        help=f"where to serve (default: {PORT}, or a free one if that is taken)",
    )
    add("--no-browser", action="store_true", help="print the address and open nothing")
    for page in PAGES.values():
        for name, meaning in page.folders.items():
            add(name, type=Path, metavar="FOLDER", help=meaning)
    return parser.parse_args(arguments)


def start_server(pages: dict[str, Any], port: int | None) -> Any:
    """A server for pages, {name: function that makes one}, which is not serving yet.

    Args:
        port: where to listen; None for the usual one, or any that is free.

    Raises:
        InputError: nobody may listen on that port.
    """
    from panel.io.server import get_server

    from lab.explorers.page import PAGES as TITLES

    titles = {name: TITLES.get(name, "Explorers") for name in pages}
    for candidate in (PORT, 0) if port is None else (port,):
        try:
            return get_server(pages, port=candidate, address=ADDRESS, title=titles)
        except OSError as error:
            reason = error
    raise InputError(f"cannot serve on port {port}: {reason}; choose another with --port, or leave --port out")


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted; returns the exit status."""
    from lab.explorers.page import prepare, whole_page

    prepare()
    links = len(PAGES) > 1
    pages = {name: lambda page=page: whole_page(page.make(options, links)) for name, page in PAGES.items()}
    # Without a page of ours there, Panel's list of pages would ask a network for its fonts.
    pages["/"] = pages[options.page]
    server = start_server(pages, options.port)
    address = f"http://{ADDRESS}:{server.port}/{options.page}"
    print(f"{address}\nOpen this in a browser on this machine. Ctrl-C ends it.", flush=True)
    if not options.no_browser:
        server.io_loop.add_callback(webbrowser.open, address)
    server.run_until_shutdown()
    return 0


def show_all(arguments: list[str] | None = None) -> Any:
    """Every page, for a notebook: one beside the other, under tabs.

    Args:
        arguments: as on the command line.
    """
    import panel as pn

    from lab.explorers.page import PAGES as TITLES
    from lab.explorers.page import prepare

    prepare()
    options = parse_arguments(arguments or [])
    return pn.Tabs(*((TITLES[name], page.make(options, False)) for name, page in PAGES.items()))


def main(arguments: list[str] | None = None) -> int:
    """Serve the explorers; returns the exit status: 0 when interrupted, 2 for bad input."""
    print_anything()
    options = parse_arguments(arguments)
    try:
        return run(options)
    except ModuleNotFoundError as error:
        remedy = "pip install -r lab/requirements-explore.txt"
        print(f"explore.py: the package {error.name} is missing: {remedy}", file=sys.stderr)
    except InputError as error:
        print(f"explore.py: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
