"""Findings: what somebody should know, and nobody puts right by itself. Sweeps report them, and checks record one.

Lives here: their kinds, and what one says. What they rest on is a reason.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.keys import ProfileKey
from shared.domain.reasons import Reason


class FindingKind(StrEnum):
    """What somebody should know that nobody puts right by itself. The first ones are what a check notes of a person."""

    LEAVER_HOLDS_UNMANAGED = "leaver-holds-unmanaged"
    NEAR_MISS = "near-miss"
    UNREADABLE = "unreadable-person"
    STALE_LEAVE_DATE = "stale-leave-date"
    HIRE_DATE_AHEAD = "hire-date-ahead"
    FEW_RECIPIENTS = "few-recipients"
    RULE_GAVE_NOTHING = "rule-gave-nothing"
    RULE_NOT_KNOWN = "rule-not-known"
    GRANT_ENDS = "grant-ends"
    FILTER_REFUSED = "filter-refused"
    COMPARISON_MET_BY_NOBODY = "comparison-met-by-nobody"
    POLICY_NAMES_NOTHING = "policy-names-nothing"
    ACCOUNT_OUT_OF_SIGHT = "account-out-of-sight"
    ACCOUNT_NOT_ACTIVE = "account-not-active"
    ACCOUNT_WITHOUT_PROFILES = "account-without-profiles"
    NO_ACCOUNT_MANAGED = "no-account-managed"
    PROFILE_NOT_ACTIVE = "profile-not-active"
    ASSIGNMENT_NOT_READ = "assignment-not-read"
    FEED_SILENT = "feed-silent"
    DAILY_LIMIT_USED_UP = "daily-limit-used-up"
    PROFILE_FIGHTS_BACK = "profile-fights-back"
    PROFILE_UPDATE_BLOCKED = "profile-update-blocked"
    PROFILE_UPDATE_HARM = "profile-update-harm"
    ONE_PERSON_DECIDES = "one-person-decides"
    PROFILE_UPDATE_UNJUDGED = "profile-update-unjudged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding, and what it is about: what is not said is "" or None. `key` is a key of the policy file."""

    kind: FindingKind
    why: Reason
    account: str = ""
    profile: ProfileKey | None = None
    principal: str = ""
    assignment: str = ""
    rule: str = ""
    key: str = ""
