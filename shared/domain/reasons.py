"""Reasons: why something was done, held, found or left alone, as a code with its facts.

Lives here: the codes, with the names of the facts that each has, and the value that is kept and passed on. The words
are `shared.wording`'s, and are made when somebody reads: people read them in several languages, and programs none.

A fact is what JSON has: a text, a whole number, several texts, or other reasons where one rests on another. A moment
is an ISO text with its offset. Ids, and never names of people. What a person, an error or another system said in their
own words is a fact called `said`. Errors that are raised stay text (`shared.errors`): their raiser knows no reader.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

_MOST_OF_SEVERAL: Final = 3

type Fact = str | int | tuple[str, ...] | "Reason" | tuple["Reason", ...]


class Code(StrEnum):
    """What a reason says, each with the names of its facts. `Code.GIVEN_BY(rules=("finance",))` is the reason."""

    facts: frozenset[str]

    def __new__(cls, value: str, facts: str = "") -> Self:
        """A member: its value, and the names of its facts."""
        code = str.__new__(cls, value)
        code._value_ = value
        code.facts = frozenset(facts.split())
        return code

    def __call__(self, **facts: Fact) -> "Reason":
        """The reason with these facts."""
        return Reason(self, facts)

    # -- what is not ours to word
    SAID = "said", "said"
    """Words of a person, of an error or of another system."""
    TOGETHER = "together", "reasons"
    """Several reasons for one thing."""
    TEXT = "text", "text"
    """A text that nothing has."""
    TEXT_BUT_THERE_IS = "text-but-there-is", "text near"

    # -- where a person stands with the company
    EMPLOYED = "employed"
    DELETED = "deleted"
    ACCOUNT_DISABLED = "account-disabled"
    DISABLED_UNTIL_HIRE_DATE = "disabled-until-hire-date", "hired"
    HIRE_DATE_TO_COME = "hire-date-to-come", "hired"
    LEAVE_DATE_PAST = "leave-date-past", "left"
    NOT_IN_DIRECTORY = "not-in-directory"
    PERSON_UNREADABLE = "person-unreadable", "said"
    AT_WORK_BEFORE_HIRE_DATE = "at-work-before-hire-date", "because"

    # -- what a check gives and takes away
    GIVEN_BY = "given-by", "rules"
    NO_RULE_GIVES_IT = "no-rule-gives-it"
    NO_RULE_GIVES_IT_ANY_MORE = "no-rule-gives-it-any-more", "gave"
    NO_RULE_GIVES_IT_AND_RULES_ARE_GONE = "no-rule-gives-it-and-rules-are-gone", "gave gone"
    GRANTS_OVER = "grants-over", "grants until"
    NO_RULE_LISTS_THEM = "no-rule-lists-them"
    STALE_LEAVE_DATE = "stale-leave-date", "because days"
    MAY_BE_A_SLIP = "may-be-a-slip", "because"
    NEAR_MISS = "near-miss", "rules near"
    TEXT_WERE = "text-were", "attribute value text"
    TEXT_BEGAN_WITH = "text-began-with", "attribute value text"

    # -- why a rule gives a person nothing, and what it asks for
    HAS_TEXT = "has-text", "attribute value"
    HAS_NO_TEXT = "has-no-text", "attribute"
    ALL_OF = "all-of", "reasons"
    """Several, of which any other one would have done."""
    IN_NO_SUCH_GROUP = "in-no-such-group"
    IS_A_GUEST = "is-a-guest"
    FOR_SOMEBODY_ELSE = "for-somebody-else"
    OVER_SINCE = "over-since", "until"
    WHOSE_ADDRESS_NOT_KNOWN = "whose-address-not-known"
    FITS_NO_PROFILE = "fits-no-profile", "attribute text"
    TEXT_FITS_NO_PROFILE = "text-fits-no-profile", "attribute"
    GIVES_OTHER_PROFILES = "gives-other-profiles", "count"
    GIVES_NO_PROFILE = "gives-no-profile"
    ASKS_FOR = "asks-for", "attribute texts"
    ASKS_FOR_OTHER = "asks-for-other", "attribute texts"
    ASKS_FOR_BEGINNING = "asks-for-beginning", "attribute text"
    ASKS_FOR_OTHER_BEGINNING = "asks-for-other-beginning", "attribute text"

    # -- what a check finds and leaves alone
    PROTECTED = "protected"
    HOLDS_BEFORE_HIRE_DATE = "holds-before-hire-date", "because"
    ATTRIBUTES_UNREADABLE = "attributes-unreadable", "said"
    GIVEN_WHERE_NOT_ACTIVE = "given-where-not-active", "rules status"
    GIVEN_OUTSIDE_MANAGED_ACCOUNTS = "given-outside-managed-accounts", "rule"
    NOT_FOR_GUESTS = "not-for-guests", "rule"
    TEMPLATE_BLANK = "template-blank", "rule attribute"
    TEMPLATE_FITS_NOTHING = "template-fits-nothing", "rule attribute value"
    TEMPLATE_TEXT_FITS_NOTHING = "template-text-fits-nothing", "rule attribute"
    STAYS_OUTSIDE_MANAGED_ACCOUNTS = "stays-outside-managed-accounts"
    STAYS_OUT_OF_SIGHT = "stays-out-of-sight"
    STAYS_WHERE_NOT_LISTED = "stays-where-not-listed"
    STAYS_AS_RULE_NOT_KNOWN = "stays-as-rule-not-known", "rule because"
    LEAVER_HOLDS_UNMANAGED = "leaver-holds-unmanaged", "because remedy"
    LEAVER_HOLDS_OTHER_ROLE = "leaver-holds-other-role", "role"
    HOLDS_UNMANAGED = "holds-unmanaged", "because"
    ALREADY_RECEIVES = "already-receives", "role"
    HAS_ROLE = "has-role", "role"
    REMOVE_BY_HAND_AS_NOBODY_IS_KNOWN = "remove-by-hand-as-nobody-is-known"
    REMOVE_BY_HAND_AS_IT_HAS_NO_TIME = "remove-by-hand-as-it-has-no-time"
    ADOPT_TO_REMOVE = "adopt-to-remove", "profile principal"
    FEW_RECIPIENTS = "few-recipients", "reached asked"
    FEW_CAN_READ = "few-can-read", "reached asked missed"
    NOBODY_CAN_READ = "nobody-can-read", "missed"
    MAILBOXES_NOT_KNOWN = "mailboxes-not-known", "reached asked unsure"
    ENOUGH_CAN_READ = "enough-can-read", "reached asked"
    READERS_NOT_READ = "readers-not-read", "said"
    RECIPIENTS_NOT_COUNTED = "recipients-not-counted", "said"
    RECIPIENTS_NOT_COUNTED_IN_TIME = "recipients-not-counted-in-time"

    # -- why a rule is not known, and what the policy names that does not exist
    RULES_NOT_JUDGED = "rules-not-judged"
    RULE_NOT_SEEN = "rule-not-seen"
    MATCHES_NOBODY = "matches-nobody"
    NOBODY_HAS_ADDRESS = "nobody-has-address"
    SEVERAL_HAVE_ADDRESS = "several-have-address", "count"
    MEANS_A_GUEST = "means-a-guest"
    NOBODY_SEEN_IS_MEANT = "nobody-seen-is-meant"
    NO_SUCH_GROUP = "no-such-group", "group"
    NO_SUCH_PERSON = "no-such-person", "person"
    NO_SUCH_PERSON_BUT = "no-such-person-but", "person near"
    NO_SUCH_ACCOUNT = "no-such-account", "text"
    NO_ACCOUNT_OF_NAME = "no-account-of-name", "text"
    NO_SUCH_PROFILE = "no-such-profile", "text"
    NO_PROFILE_OF_NAME = "no-profile-of-name", "text"
    NO_PROFILE_OF_TAG = "no-profile-of-tag", "tag text"
    NO_PROFILE_OF_ALL = "no-profile-of-all", "selector"
    NOBODY_HAS = "nobody-has", "attribute text"
    NOBODY_STARTS_WITH = "nobody-starts-with", "attribute text"
    NOBODY_HAS_ONE_OF = "nobody-has-one-of", "attribute"
    ASKED_WIDER = "asked-wider", "said"

    # -- whose an assignment is, and who has it
    ANOTHER_ROLE = "another-role"
    MADE_BY = "made-by", "maker"
    MADE_BY_US = "made-by-us", "maker"
    ADOPTED = "adopted", "maker"
    MAKER_UNSAID_BUT_INTENT = "maker-unsaid-but-intent"
    MAKER_UNSAID_NO_INTENT = "maker-unsaid-no-intent"
    MAKER_UNSAID_BEFORE_INTENT = "maker-unsaid-before-intent"
    MAKER_UNSAID_LONG_AFTER_INTENT = "maker-unsaid-long-after-intent"
    BILLING_SAYS = "billing-says", "type"
    BILLING_DOES_NOT_SAY = "billing-does-not-say"
    NOBODY_HAS_THIS_ID = "nobody-has-this-id", "because"
    DIRECTORY_NOT_ASKED = "directory-not-asked"
    DIRECTORY_NOT_READ = "directory-not-read", "said"
    DIRECTORY_KNOWS_A_GROUP = "directory-knows-a-group"
    DIRECTORY_KNOWS_THEM = "directory-knows-them"
    DIRECTORY_KNOWS_THEM_UNREADABLE = "directory-knows-them-unreadable", "said"
    OF_ANOTHER_TENANT = "of-another-tenant", "tenant"

    # -- how a spell began, where the ledger has no intent of it
    CHOSEN_TO_ADOPT = "chosen-to-adopt", "choice"
    ADOPTED_UNRECORDED = "adopted-unrecorded"
    PROVED_UNRECORDED = "proved-unrecorded", "proof"

    # -- adoption: what would follow, and why not
    STAYS_GIVEN_BY = "stays-given-by", "rules"
    STAYS_FOR_NOW = "stays-for-now", "because"
    REVOKED_AT_ONCE = "revoked-at-once", "because"
    REVOKED_WHEN_SEEN_AGAIN = "revoked-when-seen-again", "because"
    REVOKED_ONCE_RELEASED = "revoked-once-released", "because"
    LEAVER = "leaver", "strength because"
    YET_TO_BEGIN = "yet-to-begin", "because"
    ONLY_OBSERVED = "only-observed", "because"
    ADOPTS_NOTHING_PROTECTED = "adopts-nothing-protected"
    MANAGED_ALREADY = "managed-already", "because"
    MANAGED_BY_NOW = "managed-by-now"
    HELD_BY_NO_PERSON = "held-by-no-person", "holder"
    HOLDER_NOT_KNOWN = "holder-not-known", "because"
    HAS_NO_TIME = "has-no-time"
    HOLDS_ANOTHER_ROLE = "holds-another-role", "roles"
    NO_SUCH_ASSIGNMENT = "no-such-assignment"
    NO_SUCH_MANAGED_PROFILE = "no-such-managed-profile"
    PROFILE_NOT_READ = "profile-not-read"
    NOT_READ_ANEW = "not-read-anew", "said"
    ASSIGNMENT_GONE = "assignment-gone"
    NOT_THE_ONE_SHOWN = "not-the-one-shown", "differences"
    MAKER_DIFFERS = "maker-differs", "was now"
    TIME_DIFFERS = "time-differs", "was now"
    NAME_DIFFERS = "name-differs", "was now"
    EVIDENCE_NOT_RECORDED = "evidence-not-recorded", "said"
    EVIDENCE_ALONE_RECORDED = "evidence-alone-recorded", "said"
    CHECK_NOT_ASKED_FOR = "check-not-asked-for", "said"

    # -- what stops an action: pauses, daily limits, holds
    PAUSED = "paused", "kind since because"
    PAUSED_ON = "paused-on", "kind scope since because"
    DAILY_LIMIT_USED_UP = "daily-limit-used-up", "kind most"
    DAILY_LIMIT_EXCEEDED = "daily-limit-exceeded", "because group"
    SWEEP_WANTS_TOO_MANY = "sweep-wants-too-many", "wanted most left"
    GRANTS = "grants", "count"
    MOVER_REVOKES = "mover-revokes", "count"
    LEAVER_REVOKES = "leaver-revokes", "count"
    PROFILE_UPDATES = "profile-updates", "count"
    POLICY_TAKES_AWAY = "policy-takes-away", "difference count"
    POLICY_UNKNOWN_BEFORE = "policy-unknown-before"
    POLICY_CHANGED = "policy-changed", "changes"
    POLICY_CHANGED_BUT_NO_RULE = "policy-changed-but-no-rule"
    RULES_ADDED = "rules-added", "rules"
    RULES_REMOVED = "rules-removed", "rules"
    RULES_CHANGED = "rules-changed", "rules"
    DISMISSED = "dismissed", "by decided"
    RELEASE_LAPSED = "release-lapsed", "released hours"
    RELEASED_FOR_ANOTHER_REASON = "released-for-another-reason", "was now"
    RELEASED_WHERE_STOPPED_OTHERWISE = "released-where-stopped-otherwise", "was now because"
    NOT_IN_THE_PLAN = "not-in-the-plan"
    NOT_ENFORCED_THERE = "not-enforced-there"
    HELD = "held", "kind profile because"
    NO_SUCH_HOLD = "no-such-hold"
    OF_HOLD = "of-hold", "name because"
    HOLD_GONE = "hold-gone"
    HOLD_CAME_IN = "hold-came-in", "since held"
    HOLD_CAME_IN_OR_CHANGED = "hold-came-in-or-changed", "since held"
    HOLD_CHANGED = "hold-changed", "since held"
    HOLD_DISMISSED = "hold-dismissed", "by held"
    NOT_PROPOSED = "not-proposed", "since held"
    OWN_ACCESS = "own-access", "profile"
    ONLY_FOR_OTHERS = "only-for-others"
    PROPOSED_BY_ONESELF = "proposed-by-oneself", "at ends"
    PROPOSAL_MOVED = "proposal-moved", "by at"
    ONE_PERSON_DECIDES = "one-person-decides"

    # -- how a write ended
    ON_ITS_WAY = "on-its-way"
    TOO_LATE_TO_WRITE = "too-late-to-write"
    THAT_NOT_KEPT = "that-not-kept", "because said"
    NOT_VISIBLE_YET = "not-visible-yet"
    NEVER_VISIBLE = "never-visible"
    NO_ANSWER_IN_TIME = "no-answer-in-time"
    READING_BACK_FAILED = "reading-back-failed", "doubt said"
    NOT_FOUND_READING_BACK = "not-found-reading-back"
    SOMEBODY_WAS_QUICKER = "somebody-was-quicker", "maker"
    GIVEN_AGAIN = "given-again", "because"

    # -- how a check ended
    PERSON_HAS_TO_ACT = "person-has-to-act"
    STOPPED = "stopped", "said"
    PAUSE_NOT_SET = "pause-not-set", "because said"
    RETRIES_GIVEN_UP = "retries-given-up", "hours"
    NOT_RECORDED = "not-recorded", "said"
    NOT_RECORDED_AND_TAKEN_AGAIN = "not-recorded-and-taken-again"
    FOUND_BY_NAME = "found-by-name", "directory remembered"
    NOBODY_OF_THIS_NAME_YET = "nobody-of-this-name-yet"
    NOBODY_OF_THIS_NAME = "nobody-of-this-name", "days"
    NOBODY_LOOKED_FOR = "nobody-looked-for", "because"

    # -- invoice mail of a profile
    OUTSIDE_MANAGED_ACCOUNTS = "outside-managed-accounts"
    PROFILE_NOT_LISTED = "profile-not-listed"
    PROFILE_GONE = "profile-gone"
    PROFILE_STATUS = "profile-status", "status"
    NOT_KEPT_OPTED_IN = "not-kept-opted-in"
    MAIL_NOT_SAID = "mail-not-said"
    OPTED_IN = "opted-in"
    OPTED_OUT = "opted-out"
    UPDATED_MOMENTS_AGO = "updated-moments-ago"
    READ_ONCE = "read-once"
    SECOND_READ_TO_COME = "second-read-to-come"
    FIGHTS_BACK = "fights-back", "times"
    UPDATE_DID_HARM = "update-did-harm", "fields"
    UPDATE_MAY_HAVE_DONE_HARM = "update-may-have-done-harm", "fields"
    UPDATE_UNJUDGED = "update-unjudged", "made fields"
    ON_PROFILE = "on-profile", "profile because"
    OPTED_IN_BUT_NOT_KEPT = "opted-in-but-not-kept", "said"
    HOLD_NOT_STORED = "hold-not-stored", "because said"
    NOT_KEPT_YET = "not-kept-yet", "because said"

    # -- what a sweep could not read or keep
    NO_ACCOUNT_LISTED = "no-account-listed"
    ACCOUNT_NOT_LISTED = "account-not-listed", "account"
    ASSIGNMENTS_NOT_READ = "assignments-not-read", "profile said"
    MEMBERS_NOT_READ = "members-not-read", "group said"
    PEOPLE_NOT_READ = "people-not-read", "rules said"
    TOO_MANY_UNREADABLE = "too-many-unreadable", "unreadable listed person said percent"
    SWEEP_FAILED = "sweep-failed", "said"
    AND_MORE = "and-more", "first more"
    POPULATION_SHRANK = "population-shrank", "now at before"
    NOT_REMEMBERED = "not-remembered", "person said"
    READERS_NOT_FOUND_OUT = "readers-not-found-out", "said"
    UNMANAGED_NOT_NOTED = "unmanaged-not-noted", "said"
    PROTECTED_NOT_FOUND_OUT = "protected-not-found-out", "said"
    VIEW_NOT_KEPT = "view-not-kept", "said"
    NAMES_NOT_KEPT = "names-not-kept", "said"
    ROLES_NOT_NOTED = "roles-not-noted", "said"
    LEAVERS_NOT_COUNTED = "leavers-not-counted", "said"
    ACCOUNT_ROLES_NOT_READ = "account-roles-not-read", "account said"

    # -- what a sweep finds and leaves alone
    HAS_NO_INVOICE_MANAGERS = "has-no-invoice-managers", "agreement status"
    NOT_NAMED = "not-named"
    ACCOUNT_OUT_OF_SIGHT = "account-out-of-sight", "count"
    ACCOUNT_NOT_ACTIVE = "account-not-active", "status"
    ACCOUNT_WITHOUT_PROFILES = "account-without-profiles"
    NO_ACCOUNT_MANAGED = "no-account-managed"
    PROFILE_NOT_ACTIVE = "profile-not-active", "status"
    PROFILE_NOT_ACTIVE_BECAUSE = "profile-not-active-because", "status cause"
    ASSIGNMENT_NOT_READ = "assignment-not-read", "said"
    FEED_SILENT = "feed-silent", "never of"
    GRANT_ENDS = "grant-ends", "grant until"

    # -- what is told to people outside: counts, kinds, days and profiles, and no word of a person
    NOTICE_DECISIONS = "notice-decisions", "count"
    DECISION_WAITS = "decision-waits", "kind count profiles"
    MAIL_DECISION_WAITS = "mail-decision-waits", "profiles"
    NOTICE_PAUSES = "notice-pauses"
    PAUSE_STANDS = "pause-stands", "kind scope since"
    NOTICE_CHECK_FAILED = "notice-check-failed"
    CHECK_INCOMPLETE = "check-incomplete", "since"
    CHECK_OVERDUE = "check-overdue", "last"
    NOTICE_LEAVERS = "notice-leavers", "count"
    LEFT_AND_HAS = "left-and-has", "people profile"
    NOTICE_MAIL = "notice-mail", "count"
    PROFILE_MAIL = "profile-mail", "profile day because"
    NOT_CHECKED = "not-checked"
    NOTICE_REJECTED = "notice-rejected"
    REJECTED_WAIT = "rejected-wait", "count more"
    NOTICE_DEAD_LETTERS = "notice-dead-letters"
    DEAD_LETTERS_WAIT = "dead-letters-wait", "count more"
    NOTICE_FEED = "notice-feed"
    MORE_LINES = "more-lines", "count"
    NOTICE_ALL_WILL_MAIL = "notice-all-will-mail", "count"
    NOTICE_SOME_WILL_MAIL = "notice-some-will-mail", "count of"
    NOTICE_MAIL_NOT_KNOWN = "notice-mail-not-known", "since"
    NOTICE_NO_CHECK_YET = "notice-no-check-yet"
    NOTICE_NO_PROFILE = "notice-no-profile"
    MAILS_ON = "mails-on", "day profiles each"
    MAILS_ON_TO_SOME = "mails-on-to-some", "day profiles fewest most"
    MAILS_ON_NO_KNOWN_DAY = "mails-on-no-known-day", "profiles"
    RULE_GAVE_NOTHING = "rule-gave-nothing", "people because"


@dataclass(frozen=True, slots=True)
class Reason:
    """A code with its facts. Raises ValueError where the facts are not those of the code."""

    code: Code
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.facts.keys() != self.code.facts:
            raise ValueError(
                f"the facts of '{self.code}' are {_listed(self.code.facts)}, and not {_listed(self.facts)}"
            )

    def __hash__(self) -> int:
        return hash((self.code, frozenset(self.facts.items())))

    def as_json(self) -> dict[str, Any]:
        """For a store, and for programs: `{"code": ...}`, and `facts` where the code has any."""
        if not self.facts:
            return {"code": self.code.value}
        return {"code": self.code.value, "facts": {name: _plain(fact) for name, fact in self.facts.items()}}

    def shortened(self, characters: int) -> "Reason":
        """The same with every text in it at most so long, and of several the first 3. For what holds no more."""
        return Reason(self.code, {name: _shortened(fact, characters) for name, fact in self.facts.items()})

    @classmethod
    def read(cls, given: object) -> Self:
        """The reason that `as_json` spelled. Raises ValueError for anything else, as of a later build."""
        # Holds are read by the thousand: a dictionary is quicker than the enum, and most facts are texts.
        if not isinstance(given, dict) or "code" not in given or len(given) != 1 + ("facts" in given):
            raise ValueError("a reason is a code, and its facts")
        code = _CODES.get(given["code"]) if isinstance(given["code"], str) else None
        if code is None:
            raise ValueError(f"this build knows no reason {given['code']!r}; a later one wrote it")
        facts = given.get("facts", {})
        if not isinstance(facts, dict):
            raise ValueError(f"the facts of '{code}' are no object")  # noqa: TRY004 - a value that does not fit
        return cls(code, {name: fact if type(fact) is str else _fact(fact) for name, fact in facts.items()})


_CODES: Final[Mapping[str, Code]] = {code.value: code for code in Code}


def _shortened(fact: Any, characters: int) -> Any:
    if isinstance(fact, Reason):
        return fact.shortened(characters)
    if isinstance(fact, tuple):
        return tuple(_shortened(one, characters) for one in fact[:_MOST_OF_SEVERAL])
    return fact[:characters] if isinstance(fact, str) else fact


def _plain(fact: Fact) -> object:
    if isinstance(fact, Reason):
        return fact.as_json()
    return [_plain(one) for one in fact] if isinstance(fact, tuple) else fact


def _fact(given: object) -> Fact:
    match given:
        case str() | int() if not isinstance(given, bool):
            return given
        case list() if all(isinstance(one, str) for one in given):
            return tuple(given)
        case list():
            return tuple(map(Reason.read, given))
        case _:
            return Reason.read(given)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
