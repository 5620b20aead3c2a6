"""Reads the lab's pages as a browser would, without a server."""

from __future__ import annotations

from lab.app import create_reader
from lab.errors import ContentError
from lab.lessons import Catalog, Language
from lab.share import FRONT_END

OK = 200
ENTRY = "edition.js"


class Reader:
    """The pages of a course as its static edition has them."""

    def __init__(self, catalog: Catalog) -> None:
        self._client = create_reader(catalog).test_client()

    def get(self, path: str, language: Language) -> str:
        """Return a page, or another text of the lab, in one language. Raises ContentError when there is none."""
        answer = self._client.get(path, query_string={"lang": language})
        if answer.status_code != OK:
            raise ContentError(f"cannot export {path}: the page answers {answer.status_code}; `lab serve` shows what is wrong")
        return answer.text

    @staticmethod
    def front_end() -> dict[str, bytes]:
        """Return the built front end by file name. Raises ContentError when it is not there."""
        files = {file.name: file.read_bytes() for file in sorted(FRONT_END.glob("*")) if file.is_file()}
        if ENTRY not in files:
            raise ContentError(f"cannot find {ENTRY} in {FRONT_END}; run `make setup`, which builds the front end")
        return files
