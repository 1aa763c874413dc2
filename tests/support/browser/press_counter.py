"""Counts what a person presses on a page in a browser."""

from playwright.sync_api import Locator, expect


class Presses:
    """Presses controls and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def press(self, control: Locator, *, in_view: bool = False) -> None:
        """Presses a control; with `in_view`, only where it is seen without scrolling."""
        if in_view:
            expect(control).to_be_in_viewport(ratio=1)
        control.click()
        self.count += 1
