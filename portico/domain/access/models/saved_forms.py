"""Portal forms that were submitted after their session had ended."""

from django.db import models

from portico.domain.access.models.accounts import PortalAccount
from portico.domain.clients.models import Client
from portico.plumbing.database.base_models import RowQuerySet
from portico.plumbing.database.constraints import SamePractice
from portico.plumbing.form_recovery import SavedFormRow


class PortalSavedForm(SavedFormRow):
    """A form that was submitted after its session had ended, saved for its mailbox and the client it was about."""

    KIND = "portal-kept-post"

    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="saved_forms")
    # The client whose page the form was on: a mailbox may serve several.
    client = models.ForeignKey(Client, models.PROTECT, related_name="+")

    objects = RowQuerySet.as_manager()

    class Meta(SavedFormRow.Meta):
        constraints = (
            *SavedFormRow.Meta.constraints,
            SamePractice("account", name="access_portalsavedform_account"),
            SamePractice("client", name="access_portalsavedform_client"),
        )
        indexes = (models.Index(fields=("created_at",), name="access_savedform_by_created"),)
