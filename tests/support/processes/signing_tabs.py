"""Many tabs of one browser, in which a client presses the same button at the same moment."""

from portico.domain.clients.models import Client
from tests.support.processes.visitor import Visitor

TABS = 50
SIGNATURE = {"name": "Ana Abreu", "relationship": "Self", "agrees": "on", "page_language": "en", "agreement": "shown"}


def tabs_of(person: Client, urls: list[str]) -> list[Visitor]:
    """Signs the person in; returns fifty tabs of their browser, spread over the servers."""
    browser = Visitor(urls[0]).sign_in(person)
    browser.get(f"{person.practice.portal_path}documents/")
    tabs = [Visitor(urls[number % len(urls)]) for number in range(TABS)]
    for tab in tabs:
        tab.subject = browser.subject
        for cookie in browser.cookies:
            tab.cookies.set_cookie(cookie)
    return tabs
