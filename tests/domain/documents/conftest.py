"""A client who is signed in, for the tests of documents that commit."""

import pytest
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from tests import cast


@pytest.fixture
def access() -> PortalAccess:
    ana = cast.ana(cast.alder())
    cast.in_the_portal(Browser(), ana)
    return PortalAccess.objects.get(own_client=ana)
