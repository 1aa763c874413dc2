"""Search terms, by whose prefixes clients are found."""

from django.db import models

from portico.domain.clients.models.clients import Client
from portico.plumbing.database.base_models import PracticeRow, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class SearchTerm(PracticeRow):
    """A word, address or number by whose prefix a client is found."""

    client = models.ForeignKey(
        Client,
        models.CASCADE,
        related_name="search_terms",
        db_index=False,  # The unique constraint below begins with practice and client.
    )
    term = models.CharField(max_length=320)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        # Without the unique pair of PracticeRow: no row references a term.
        constraints = (
            SamePractice("client", name="clients_searchterm_client"),
            models.UniqueConstraint(
                # Begins with the practice, so that for one client SQLite never takes the index below instead.
                fields=("practice", "client", "term"),
                name="clients_searchterm_once_a_client",
                opclasses=("int8_ops", "int8_ops", "varchar_pattern_ops"),
            ),
        )
        indexes = (
            models.Index(
                fields=("practice", "term", "client"),
                name="clients_by_term",
                opclasses=("int8_ops", "varchar_pattern_ops", "int8_ops"),
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)
