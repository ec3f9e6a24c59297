"""Two pages to explore with, in your browser (provided): `python explore.py`.

    python explore.py kl        two normals, their divergences in both directions, and a third normal for task 1.3
    python explore.py latent    the planes of your trained autoencoder and VAE: point somewhere, see it decoded

They are served from this machine to this machine, without a network, until you press Ctrl-C.
"""

import argparse
import sys
import webbrowser
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ADDRESS = "localhost"
PORT = 5006
PAGES = ("kl", "latent")


class InputError(ValueError):
    """Something that was asked for cannot be; the message says what, and what to do."""


def port_number(text: str) -> int:
    """An argument that is a port."""
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r}: a port is a whole number from 0 to 65535 (0: any that is free)")
    return int(text)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Explore KL divergences and latent planes in your browser.")
    add = parser.add_argument
    add("page", nargs="?", choices=PAGES, default="kl", help="what to open (default: kl); each links to the other")
    add(
        "--port",
        type=port_number,
        metavar="N",
        help=f"where to serve (default: {PORT}, or a free one if that is taken)",
    )
    add("--no-browser", action="store_true", help="print the address and open nothing")
    add("--results", type=Path, metavar="FOLDER", help="what main.py wrote (default: results beside this file)")
    add("--data", type=Path, metavar="FOLDER", help="folder that holds MNIST/raw/*.gz (default: the assignment's)")
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
    from lab.explorers.kl import kl_explorer
    from lab.explorers.latent import latent_explorer
    from lab.explorers.page import prepare, whole_page

    prepare()
    results = (options.results or HERE / "results").absolute()
    pages = {
        "kl": lambda: whole_page(kl_explorer(links=True)),
        "latent": lambda: whole_page(latent_explorer(results, options.data, links=True)),
    }
    # Without a page of ours there, Panel's list of pages would ask a network for its fonts.
    pages["/"] = pages[options.page]
    server = start_server(pages, options.port)
    address = f"http://{ADDRESS}:{server.port}/{options.page}"
    print(f"{address}\nOpen this in a browser on this machine. Ctrl-C ends it.", flush=True)
    if not options.no_browser:
        server.io_loop.add_callback(webbrowser.open, address)
    server.run_until_shutdown()
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Serve the explorers; returns the exit status: 0 when interrupted, 2 for bad input."""
    options = parse_arguments(arguments)
    try:
        return run(options)
    except ModuleNotFoundError as error:
        print(
            f"explore.py: the package {error.name} is missing: pip install -r requirements-explore.txt", file=sys.stderr
        )
    except InputError as error:
        print(f"explore.py: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
