"""What is asked of referral."""

from shared.runtime.field import Text
from shared.runtime.form import Form

ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class ReferralQuery(Form):
    """Whose referrals to show."""

    case_id = Text(36, required=True, pattern=ID, what="the id of a case")
