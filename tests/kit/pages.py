"""Pages of HTML, as tests look at them."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """The text of a page, and its tags with their attributes; raises if they are not closed in order."""

    VOID = {"meta", "link", "br", "img", "hr"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.open = "", []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """The attributes of every such tag that has these."""
        return [found for name, found in self.tags if name == tag and wanted.items() <= found.items()]
