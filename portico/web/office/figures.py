"""The practice's figures: what is owed, paid and waiting, and the last months as a small drawing."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.billing import figures
from portico.domain.billing.figures import Month
from portico.web.guards import office_page
from portico.web.requests import OfficeRequest

# The drawing's own units.
HEIGHT, WIDTH, GAP = 120, 90, 14


@dataclass(frozen=True)
class Bar:
    """One month's two bars, as the drawing has them; the table beside it says the same in words."""

    month: Month
    x: int
    billed_height: int
    paid_height: int

    @property
    def paid_x(self) -> int:
        return self.x + WIDTH // 2 - GAP // 2

    @property
    def middle(self) -> int:
        return self.x + (WIDTH - GAP) // 2

    @property
    def billed_y(self) -> int:
        return HEIGHT - self.billed_height

    @property
    def paid_y(self) -> int:
        return HEIGHT - self.paid_height


@office_page()
@require_safe
def show(request: OfficeRequest) -> HttpResponse:
    found = figures.of(request.practice)
    context = {
        "figures": found,
        "bars": _bars(found.months),
        "bar_width": WIDTH // 2 - GAP,
        "width": WIDTH * len(found.months),
        "height": HEIGHT,
        "label_y": HEIGHT + 16,
        "whole_height": HEIGHT + 24,
    }
    return render(request, "office/invoices/figures.html", context)


def _bars(months: tuple[Month, ...]) -> list[Bar]:
    highest = max(1, *(max(month.billed_minor, month.paid_minor) for month in months))
    return [
        Bar(
            month,
            number * WIDTH,
            round(HEIGHT * month.billed_minor / highest),
            round(HEIGHT * month.paid_minor / highest),
        )
        for number, month in enumerate(months)
    ]
