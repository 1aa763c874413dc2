"""The demo's books hold something of everything, and are sound."""

from portico.domain.billing import listing, verifying
from portico.domain.billing.listing import Show
from portico.domain.practices.models import Practice
from portico.operating.demo_books import Books
from tests import cast


def test_the_demo_shows_every_state_that_needs_no_card(practice: Practice) -> None:
    names = ("alex", "dana", "lena", "lucia", "child-1", "child-2")
    clients = {name: cast.client(practice, name.title()) for name in names}
    Books(practice, by=cast.DESK).keep(clients)
    counts = listing.counts(practice)
    assert {show for show, number in counts.items() if not number} == {Show.PROCESSING}
    assert list(verifying.mismatches()) == []
