"""The hooks of mkdocs.yml.

Pages link to files as they lie in the repository, so that the links work where the source is read as well. For the
site, each link becomes one of the site, and a file outside docs/ that is linked is added to it.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Pages of the site that are not in docs/.
ELSEWHERE = {"CONTRIBUTING.md": "contributing.md"}
# The target of a link or a picture, without addresses of other sites and places on the same page.
TARGET = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")


def in_repository(page: str, target: str) -> str:
    """Where a link of a page leads: both are paths in the repository."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), target))


def site_path(path: str) -> str:
    """The place of a file of the repository on the site."""
    return ELSEWHERE.get(path, path.removeprefix("docs/"))


def with_site_links(markdown: str, page: str) -> str:
    folder = posixpath.dirname(site_path(page))

    def replaced(target: re.Match[str]) -> str:
        return posixpath.relpath(site_path(in_repository(page, target[1])), folder or ".")

    return TARGET.sub(replaced, markdown)


def linked_elsewhere() -> set[str]:
    """The files outside docs/ that pages of the site link to."""
    pages = [*ELSEWHERE, *(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]
    links = {
        in_repository(page, link)
        for page in pages
        for link in TARGET.findall((ROOT / page).read_text(encoding="utf-8"))
    }
    return {link for link in links if not link.startswith("docs/") and link not in ELSEWHERE}


def on_files(files: Any, config: Any) -> Any:
    from mkdocs.structure.files import File

    for path in sorted({*ELSEWHERE, *linked_elsewhere()}):
        files.append(File.generated(config, site_path(path), abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    return with_site_links(markdown, Path(page.file.abs_src_path).relative_to(ROOT).as_posix())
