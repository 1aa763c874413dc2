"""The authentication backend of staff: allauth's, which finds the member of a session together with the practice."""

from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import QuerySet

from portico.domain.practices.models import StaffMember
from portico.plumbing.database.compiled import CompiledQuery, Parameter


class StaffBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth is not typed.
    def get_user(self, user_id: int) -> StaffMember | None:
        """Returns the member with the practice, unless they may no longer sign in."""
        member = _member.first(member=int(user_id))
        return member if member is not None and self.user_can_authenticate(member) else None


@CompiledQuery
def _member(member: Parameter) -> QuerySet[StaffMember]:
    return StaffMember.objects.filter(pk=member).select_related("practice")
