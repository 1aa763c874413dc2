"""Counts of rate limits. Our only table without a practice: visitors who are not signed in have none."""

from django.db import models


class RateLimitCount(models.Model):
    key = models.CharField(max_length=100, primary_key=True)
    started_at = models.DateTimeField(db_index=True)
    n = models.PositiveIntegerField()

    class Meta:
        db_table = "limits_spent"

    def __str__(self) -> str:
        return self.key
