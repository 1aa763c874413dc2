"""Adds payments in review to the demo in the current folder, for `make screenshots`."""

import os
import sys

import django

from portico.operating.demo import demo_command


def main(port: int) -> None:
    os.environ.update(demo_command.process_environment(port))
    django.setup()
    # Imported here because they need the settings.
    from portico.domain.clients.models import Client  # noqa: PLC0415
    from tests.support import payment_outcomes  # noqa: PLC0415

    person = Client.objects.select_related("practice").get(portal_access__account__mailbox_key=demo_command.PAYS)
    payment_outcomes.payments_in_doubt(person)


if __name__ == "__main__":
    main(int(sys.argv[1]))
