"""Looking at one state of a page on every kind of screen, without leaving it."""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

#: Width, height, scheme.
SCREENS = {
    "desktop-light": (1280, 800, "light"),
    "desktop-dark": (1280, 800, "dark"),
    "phone-light": (390, 844, "light"),
    "phone-dark": (390, 844, "dark"),
}

#: Colours fade when the scheme changes: halfway there they are of neither.
SETTLED = "() => document.getAnimations().forEach((it) => it instanceof CSSTransition && it.finish())"


def look(page: Page, name: str, pictures: Path, *, whole: bool = True) -> list[str]:
    """What is wrong with what is shown now, on each screen: axe's findings, and what must be pushed sideways.

    Keeps a picture of each; `whole` takes what is below as well, which a dialog has nothing of.
    """
    faults = []
    for screen, (width, height, scheme) in SCREENS.items():
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLED)
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=pictures / f"{name}-{screen}.png", full_page=whole)
        faults += [f"{name}, {screen}: {fault}" for fault in _faults(page)]
    return faults


def _faults(page: Page) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    faults = [f"{wide} pixels too wide"] if wide > 0 else []
    for found in Axe().run(page).response["violations"]:
        where = "; ".join(node["html"][:160] for node in found["nodes"][:3])
        faults.append(f"{found['id']} ({found['impact']}): {where}")
    return faults
