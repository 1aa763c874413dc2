"""Saved forms of staff whose session had ended: stored for an hour, for the same person only."""

from collections.abc import Iterable

from portico.domain.practices.models import StaffMember, StaffSavedForm
from portico.plumbing import form_recovery
from portico.plumbing.database.base_models import RowQuerySet
from portico.plumbing.form_recovery import PostedField


def save(staff: StaffMember, *, path: str, fields: Iterable[PostedField]) -> StaffSavedForm | None:
    """Saves the fields, without secrets and card numbers; returns None if nothing is left."""
    form = StaffSavedForm(practice_id=staff.practice_id, staff=staff, path=path)
    return form_recovery.save(form, fields, among=_forms_of(staff))


def find(staff: StaffMember, ref: str) -> StaffSavedForm | None:
    """Returns the saved form, if this person posted it within the last hour."""
    return form_recovery.unexpired(_forms_of(staff)).filter(ref=ref).first()


def delete_expired() -> int:
    """Deletes expired forms, as a maintenance task. Returns how many."""
    return form_recovery.delete_expired(StaffSavedForm.objects.all())


def _forms_of(staff: StaffMember) -> RowQuerySet[StaffSavedForm]:
    return StaffSavedForm.objects.filter(practice_id=staff.practice_id, staff=staff)
