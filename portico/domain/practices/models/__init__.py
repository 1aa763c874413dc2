"""Models of practices, their staff, sign-in of staff, and the connection to Stripe."""

from portico.domain.practices.models.online_payments import OnlinePayments, PaymentProblem, StripeKey
from portico.domain.practices.models.practices import (
    SLUG,
    CardState,
    DefaultText,
    DocumentNotices,
    HelpNotices,
    Logo,
    Practice,
    refuse_unknown_zone,
)
from portico.domain.practices.models.staff import (
    CLIENT_EDITORS,
    RESET_LINK_TTL,
    SET_UP_LINK_TTL,
    PasswordResetRequest,
    Role,
    SetUpLink,
    SetUpPurpose,
    StaffMember,
    StaffSavedForm,
    StaffSession,
)

__all__ = [
    "CLIENT_EDITORS",
    "RESET_LINK_TTL",
    "SET_UP_LINK_TTL",
    "SLUG",
    "CardState",
    "DefaultText",
    "DocumentNotices",
    "HelpNotices",
    "Logo",
    "OnlinePayments",
    "PasswordResetRequest",
    "PaymentProblem",
    "Practice",
    "Role",
    "SetUpLink",
    "SetUpPurpose",
    "StaffMember",
    "StaffSavedForm",
    "StaffSession",
    "StripeKey",
    "refuse_unknown_zone",
]
