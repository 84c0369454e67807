"""axe-core in a page: what keeps people from using it."""

from functools import cache
from pathlib import Path

from django.conf import settings
from playwright.sync_api import Page

SCRIPT = Path(settings.BASE_DIR) / "node_modules" / "axe-core" / "axe.min.js"
# One line for each element with a serious finding.
FIND = """async only => {
  const wanted = only.length ? {runOnly: {type: "rule", values: only}} : {};
  const {violations} = await axe.run(document, {...wanted, resultTypes: ["violations"]});
  return violations.filter(({impact}) => impact === "serious" || impact === "critical").flatMap(({id, nodes}) =>
    nodes.map(({target, failureSummary}) => `${id}: ${target.join(" ")}: ${failureSummary}`));
}"""
CONTRAST = ("color-contrast", "link-in-text-block")


@cache
def _script() -> str:
    return SCRIPT.read_text()


def serious_findings(page: Page, *only: str) -> list[str]:
    """only: the rules to look at, all of them when none is named."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_script())  # not a script of the page, so its policy stays as it is
    found: list[str] = page.evaluate(FIND, list(only))
    return found
