"""axe-core's judgement of a page against WCAG 2.2 AA."""

from __future__ import annotations

from typing import Literal

from playwright.sync_api import Page, ViewportSize

from tests.console.console_people import DESK, PHONE, fits

AXE = "/static/axe-core/axe.min.js"  # as a file the browser keeps it, compiled (STATICFILES_DIRS of the test settings)
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OF_THE_LOOK = ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]
RUN = """async ([within, runOnly]) => {
  const options = {
    runOnly, resultTypes: ["violations"], preload: false, elementRef: false,
  };
  const {violations} = await axe.run(within, options);
  return violations.filter(found => ["serious", "critical"].includes(found.impact))
    .flatMap(found => found.nodes.map(node =>
      `${found.id}: ${node.target} ${[...node.any, ...node.all, ...node.none].map(check => check.message)}`));
}"""
LOOKS: tuple[tuple[ViewportSize, Literal["light", "dark"]], ...] = ((DESK, "light"), (PHONE, "dark"))


def serious_findings(page: Page, *, within: str = "html", again: bool = False) -> list[str]:
    """What axe calls serious or critical, one line each; again, in another look, only what a look can spoil."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(url=AXE)
    rules = {"type": "rule", "values": OF_THE_LOOK} if again else {"type": "tag", "values": LEVELS}
    return list(page.evaluate(RUN, [within, rules]))


def wrong_in_any_look(page: Page, *, within: str = "html") -> list[str]:
    """What axe finds, and whether the page scrolls sideways: on a desk in the light, then on a phone in the dark.

    The page is loaded once: a look is the window's, and changes under it.
    """
    wrong = []
    for number, (size, theme) in enumerate(LOOKS):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        wrong += [f"{theme}: {finding}" for finding in serious_findings(page, within=within, again=number > 0)]
        if not fits(page):
            wrong.append(f"{size['width']} px: scrolls sideways")
    return wrong
