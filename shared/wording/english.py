"""The English words of every reason. How facts are filled in says `say`."""

from collections.abc import Mapping
from typing import Final

from shared.domain.reasons import Code

ENGLISH: Final[Mapping[Code, str]] = {
    # -- what is not ours to word
    Code.SAID: "{said}",
    Code.TOGETHER: "{reasons}",
    Code.TEXT: "{text:shown}",
    Code.TEXT_BUT_THERE_IS: "{text:shown}, but there is {near:shown}",
    # -- where a person stands with the company
    Code.EMPLOYED: "employed",
    Code.DELETED: "the directory keeps them as deleted",
    Code.ACCOUNT_DISABLED: "the account is disabled",
    Code.DISABLED_UNTIL_HIRE_DATE: "the account is disabled until the hire date ({hired:time})",
    Code.HIRE_DATE_TO_COME: "the hire date is to come ({hired:time})",
    Code.LEAVE_DATE_PAST: "the leave date is past ({left:time})",
    Code.NOT_IN_DIRECTORY: "neither the directory nor its deleted items know them",
    Code.PERSON_UNREADABLE: "what the directory has of them cannot be read ({said}): nothing is concluded",
    Code.AT_WORK_BEFORE_HIRE_DATE: "at work: {because}, and what was given before stays",
    # -- what a check gives and takes away
    Code.GIVEN_BY: "given by {rules:rule|rules} {rules}",
    Code.NO_RULE_GIVES_IT: "no rule gives it",
    Code.NO_RULE_GIVES_IT_ANY_MORE: "no rule gives it any more; it was given by {gave:rule|rules} {gave}",
    Code.NO_RULE_GIVES_IT_AND_RULES_ARE_GONE: (
        "no rule gives it any more; it was given by {gave:rule|rules} {gave}, and the policy no longer has "
        "{gone:rule|rules} {gone}"
    ),
    Code.GRANTS_OVER: "{grants:named grant|named grants} {grants} ended with {until:day}",
    Code.NO_RULE_LISTS_THEM: "no rule lists them any more: they moved on or left, which a check finds out",
    Code.STALE_LEAVE_DATE: (
        "{because} for more than {days} days, and the account is enabled: it may be that nobody cleared the date "
        "after a rehire; clear it, disable the account, or release this"
    ),
    Code.MAY_BE_A_SLIP: "it may be a slip: {because}",
    Code.NEAR_MISS: "{rules:rule|rules} {rules} would give it if {near:+ and }",
    Code.TEXT_WERE: "{attribute:named} {value:shown} were {text:shown}",
    Code.TEXT_BEGAN_WITH: "{attribute:named} {value:shown} began with {text:shown}",
    # -- why a rule gives a person nothing, and what it asks for
    Code.HAS_TEXT: "{attribute:named} is {value:plain}",
    Code.HAS_NO_TEXT: "{attribute:named} is blank",
    Code.ALL_OF: "{reasons:+ and }",
    Code.IN_NO_SUCH_GROUP: "in no such group",
    Code.IS_A_GUEST: "an account of another tenant, or a guest's",
    Code.FOR_SOMEBODY_ELSE: "for somebody else",
    Code.OVER_SINCE: "it ended with {until:day}",
    Code.WHOSE_ADDRESS_NOT_KNOWN: "no full check has found out yet that nobody else has the address",
    Code.FITS_NO_PROFILE: "no billing profile fits {attribute:named} {text}",
    Code.TEXT_FITS_NO_PROFILE: "no billing profile fits {attribute:named}",
    Code.GIVES_OTHER_PROFILES: "it gives {count} other {count:profile|profiles}",
    Code.GIVES_NO_PROFILE: "it gives no billing profile",
    Code.ASKS_FOR: "{attribute:named} in ({texts:shown})",
    Code.ASKS_FOR_OTHER: "{attribute:named} not in ({texts:shown})",
    Code.ASKS_FOR_BEGINNING: "{attribute:named} that starts with {text:shown}",
    Code.ASKS_FOR_OTHER_BEGINNING: "{attribute:named} that does not start with {text:shown}",
    # -- what a check finds and leaves alone
    Code.PROTECTED: "the policy protects this person: nothing is given or taken",
    Code.HOLDS_BEFORE_HIRE_DATE: "{because}, and they have what was given before: it stays until then",
    Code.ATTRIBUTES_UNREADABLE: "what the directory has of them cannot be read: {said}",
    Code.GIVEN_WHERE_NOT_ACTIVE: "given by {rules:rule|rules} {rules}, but the profile is {status}",
    Code.GIVEN_OUTSIDE_MANAGED_ACCOUNTS: "rule {rule} gives it, but its billing account is not managed",
    Code.NOT_FOR_GUESTS: "rule {rule} is not for guests",
    Code.TEMPLATE_BLANK: "rule {rule} needs {attribute:named}, which is blank",
    Code.TEMPLATE_FITS_NOTHING: "rule {rule} gives nothing: no billing profile fits {attribute:named} {value:shown}",
    Code.TEMPLATE_TEXT_FITS_NOTHING: "rule {rule} gives nothing: no billing profile fits {attribute:named}",
    Code.STAYS_OUTSIDE_MANAGED_ACCOUNTS: "managed, but its billing account is not managed: it stays",
    Code.STAYS_OUT_OF_SIGHT: (
        "remembered as managed, but its billing account is not managed or not listed: it was not read, and stays"
    ),
    Code.STAYS_WHERE_NOT_LISTED: "managed, but the last bulk read of billing did not list the profile: it stays",
    Code.STAYS_AS_RULE_NOT_KNOWN: "what rule {rule} gave stays: {because}",
    Code.LEAVER_HOLDS_UNMANAGED: (
        "a leaver has Invoice manager by an assignment that is not managed: {because}; {remedy}"
    ),
    Code.LEAVER_HOLDS_OTHER_ROLE: "a leaver has {role}, which is not managed; take it away in the portal",
    Code.HOLDS_UNMANAGED: "Invoice manager by an assignment that is not managed: {because}",
    Code.ALREADY_RECEIVES: "already receives its invoices as {role}",
    Code.HAS_ROLE: "{role}",
    Code.REMOVE_BY_HAND_AS_NOBODY_IS_KNOWN: (
        "the directory knows nobody of this id, so that it cannot be adopted: take it away in the portal"
    ),
    Code.REMOVE_BY_HAND_AS_IT_HAS_NO_TIME: (
        "it does not say when it was made, so that it cannot be adopted: take it away in the portal"
    ),
    Code.ADOPT_TO_REMOVE: "to have it removed: invoice-access adopt {profile:shell} {principal:shell}",
    Code.FEW_RECIPIENTS: "{reached} of the {asked} people whom the policy asks for get its invoices",
    Code.FEW_CAN_READ: (
        "{reached} of the {asked} people whom the policy asks for get its invoices; {missed} more hold a role "
        "there, and are disabled, deleted or without a mailbox"
    ),
    Code.NOBODY_CAN_READ: (
        "nobody who gets its invoices can read mail: {missed} {missed:person has|people have} a role there, and "
        "{missed:is|are} disabled, deleted or without a mailbox"
    ),
    Code.MAILBOXES_NOT_KNOWN: (
        "{reached} of the {asked} people whom it must reach are known to have a mailbox; of {unsure} more the "
        "directory does not say"
    ),
    Code.ENOUGH_CAN_READ: "{reached} {reached:person|people} can read it, and {asked} must",
    Code.READERS_NOT_READ: "who gets its invoices could not be read: {said}",
    Code.RECIPIENTS_NOT_COUNTED: "its recipients could not be counted: {said}",
    Code.RECIPIENTS_NOT_COUNTED_IN_TIME: "its recipients were not counted: the handler's time was over",
    # -- why a rule is not known, and what the policy names that does not exist
    Code.RULES_NOT_JUDGED: "nobody has been able to judge this policy's rules yet",
    Code.RULE_NOT_SEEN: "no sweep could judge it since it changed",
    Code.MATCHES_NOBODY: "it matches nobody",
    Code.NOBODY_HAS_ADDRESS: "nobody has the address that it names",
    Code.SEVERAL_HAVE_ADDRESS: (
        "{count} people have the address that it names: write the object id of the one who is meant"
    ),
    Code.NOBODY_SEEN_IS_MEANT: (
        "nobody whom the last full check saw is meant; invoice-access plan --policy asks the directory"
    ),
    Code.MEANS_A_GUEST: "whom it names is a guest, or of another tenant: it needs guests: true",
    Code.NO_SUCH_GROUP: "there is no group {group}",
    Code.NO_SUCH_PERSON: "the directory knows no person {person}: a typing error, or somebody who was deleted",
    Code.NO_SUCH_PERSON_BUT: "the directory knows no person {person}, but there is {near}",
    Code.NO_SUCH_ACCOUNT: "there is no billing account {text}",
    Code.NO_ACCOUNT_OF_NAME: "no billing account is listed that is called {text}",
    Code.NO_SUCH_PROFILE: "there is no billing profile {text}",
    Code.NO_PROFILE_OF_NAME: "no billing profile is called {text}",
    Code.NO_PROFILE_OF_TAG: "no billing profile has the tag {tag}: {text}",
    Code.NO_PROFILE_OF_ALL: "no billing profile is all of {selector}",
    Code.NOBODY_HAS: "nobody listed has {attribute:named} {text}",
    Code.NOBODY_STARTS_WITH: "nobody listed has a {attribute:named} that starts with {text:shown}",
    Code.NOBODY_HAS_ONE_OF: "nobody listed has one of the texts with which it compares {attribute:named}",
    Code.ASKED_WIDER: "the directory refused what this rule asks, so more people were listed: {said}",
    # -- whose an assignment is, and who has it
    Code.ANOTHER_ROLE: "another role than Invoice manager",
    Code.MADE_BY: "made by {maker}",
    Code.MADE_BY_US: "made by us, as {maker}",
    Code.ADOPTED: "adopted; made by {maker:?it does not say whom}",
    Code.MAKER_UNSAID_BUT_INTENT: "does not say who made it; an intent of ours explains it",
    Code.MAKER_UNSAID_NO_INTENT: "does not say who made it, and no intent of ours explains it",
    Code.MAKER_UNSAID_BEFORE_INTENT: "does not say who made it, and was there before our intent",
    Code.MAKER_UNSAID_LONG_AFTER_INTENT: "does not say who made it, and was made long after our intent",
    Code.BILLING_SAYS: "billing says {type}",
    Code.BILLING_DOES_NOT_SAY: "billing does not say what it is",
    Code.NOBODY_HAS_THIS_ID: "{because}, and no person, group or deleted person has this id",
    Code.DIRECTORY_NOT_ASKED: "the directory was not asked",
    Code.DIRECTORY_NOT_READ: "the directory could not be read: {said}",
    Code.DIRECTORY_KNOWS_A_GROUP: "the directory knows it as a group",
    Code.DIRECTORY_KNOWS_THEM: "the directory knows them",
    Code.DIRECTORY_KNOWS_THEM_UNREADABLE: "the directory knows them, with attributes that cannot be read ({said})",
    Code.OF_ANOTHER_TENANT: "belongs to another tenant ({tenant}), whose directory we do not read",
    # -- how a spell began, where the ledger has no intent of it
    Code.CHOSEN_TO_ADOPT: "{choice}",
    Code.ADOPTED_UNRECORDED: "it was adopted; the record of that is not in the ledger",
    Code.PROVED_UNRECORDED: "it was proved managed ({proof}); how it began is not in the ledger",
    # -- adoption: what would follow, and why not
    Code.STAYS_GIVEN_BY: "stays: given by {rules:rule|rules} {rules}, and taken away when they move or leave",
    Code.STAYS_FOR_NOW: "stays for now: {because}",
    Code.REVOKED_AT_ONCE: "would be revoked at once: {because}",
    Code.REVOKED_WHEN_SEEN_AGAIN: "would be revoked when a second check finds the same: {because}",
    Code.REVOKED_ONCE_RELEASED: "would be revoked once a person releases it: {because}",
    Code.LEAVER: "a leaver ({strength:strong=strong|weak=weak} evidence): {because}",
    Code.YET_TO_BEGIN: "yet to begin: {because}",
    Code.ONLY_OBSERVED: (
        "{because}; the profile is only observed, so that nothing is written before the policy enforces it"
    ),
    Code.ADOPTS_NOTHING_PROTECTED: "the policy protects this person: nothing of theirs is ever ours to take",
    Code.MANAGED_ALREADY: "it is managed already: {because}",
    Code.MANAGED_BY_NOW: "it is managed already",
    Code.HELD_BY_NO_PERSON: "{holder:group=a group|app=an app} has it, and we give and take people's only",
    Code.HOLDER_NOT_KNOWN: "nobody can say who has it: {because}",
    Code.HAS_NO_TIME: "it does not say when it was made, so that nothing would tell it from one made later",
    Code.HOLDS_ANOTHER_ROLE: "they have {roles} there, and only Invoice manager can be managed",
    Code.NO_SUCH_ASSIGNMENT: "there is no such assignment",
    Code.NO_SUCH_MANAGED_PROFILE: "there is no such billing profile in the accounts that the policy manages",
    Code.PROFILE_NOT_READ: "the assignments of its profile could not be read",
    Code.NOT_READ_ANEW: "not read anew: {said}",
    Code.ASSIGNMENT_GONE: "a read of this one assignment does not find it (any more)",
    Code.NOT_THE_ONE_SHOWN: "it is not the one that was shown: {differences}",
    Code.MAKER_DIFFERS: "its maker was {was:?not said} and is {now:?not said}",
    Code.TIME_DIFFERS: "its time was {was:?not said} and is {now:?not said}",
    Code.NAME_DIFFERS: "its name was {was} and is {now}",
    Code.EVIDENCE_NOT_RECORDED: "its evidence was not recorded: {said}",
    Code.EVIDENCE_ALONE_RECORDED: "its evidence is recorded, but what we remember of the person is not: {said}",
    Code.CHECK_NOT_ASKED_FOR: "the check could not be asked for, and the next sweep finds what follows: {said}",
    # -- what stops an action: pauses, daily limits, holds
    Code.PAUSED: "writes are paused ({kind}, since {since:time}): {because}",
    Code.PAUSED_ON: "writes are paused ({kind} on {scope}, since {since:time}): {because}",
    Code.DAILY_LIMIT_USED_UP: (
        "the daily limit for {kind:grants=giving access|mover_revokes=removals (still work "
        "here)|leaver_revokes=removals (left)|profile_updates=turning on invoice mail} is used up: "
        "24 h allow {most}"
    ),
    Code.DAILY_LIMIT_EXCEEDED: (
        "{because}; whatever exceeds it waits for a person as {group}: docs/explanation/guards.md"
    ),
    Code.SWEEP_WANTS_TOO_MANY: (
        "one full check wants {wanted}; {most} a day {most:is|are} allowed, and {left} {left:is|are} left"
    ),
    Code.GRANTS: "to give access {count} {count:time|times}",
    Code.MOVER_REVOKES: "{count} {count:removal (still works here)|removals (still work here)}",
    Code.LEAVER_REVOKES: "{count} {count:removal|removals} (left)",
    Code.PROFILE_UPDATES: "to turn on invoice mail of {count} {count:profile|profiles}",
    Code.POLICY_TAKES_AWAY: (
        "{difference}; {count} {count:removal (still works here) waits|removals (still work here) wait} for a "
        "person to see that"
    ),
    Code.POLICY_UNKNOWN_BEFORE: (
        "no sweep was completed before (a new deployment, or its state was lost), so that nobody knows the policy"
    ),
    Code.POLICY_CHANGED: "the policy changed: rules {changes}",
    Code.POLICY_CHANGED_BUT_NO_RULE: (
        "the policy changed: not its rules, but its accounts, employment or protected people"
    ),
    Code.RULES_ADDED: "added {rules}",
    Code.RULES_REMOVED: "removed {rules}",
    Code.RULES_CHANGED: "changed {rules}",
    Code.DISMISSED: "dismissed by {by} on {decided:time}",
    Code.RELEASE_LAPSED: "it was released on {released:time}, and could not be carried out within {hours} h",
    Code.RELEASED_FOR_ANOTHER_REASON: "it was released as '{was}', and now it is '{now}'",
    Code.RELEASED_WHERE_STOPPED_OTHERWISE: "it was released as stopped by {was}, and now it is {now}: {because}",
    Code.NOT_IN_THE_PLAN: "it is not in the plan that was applied: left to the next check",
    Code.NOT_ENFORCED_THERE: "the policy does not enforce there, or the last sweep did not see the profile",
    Code.HELD: (
        "{kind:grants=give access|mover_revokes=remove access (still works here)|leaver_revokes=remove access "
        "(left)|profile_updates=turn on invoice mail} on {profile}, {because}"
    ),
    Code.NO_SUCH_HOLD: "there is no hold or group of this name, or no longer",
    Code.OF_HOLD: "{name}: {because}",
    Code.HOLD_GONE: "it is gone: nobody wants this action any more",
    Code.HOLD_CAME_IN: "it came in at {since}, after the others were listed: {held}",
    Code.HOLD_CAME_IN_OR_CHANGED: "it came in or changed at {since}, after it was listed: {held}",
    Code.HOLD_CHANGED: "it changed at {since}: {held}",
    Code.HOLD_DISMISSED: "{by} dismissed it meanwhile: {held}",
    Code.NOT_PROPOSED: "it came in at {since}, and was not proposed: {held}",
    Code.OWN_ACCESS: "it is your own access, on {profile}: somebody else decides about it",
    Code.ONLY_FOR_OTHERS: "nobody decides about their own access",
    Code.PROPOSED_BY_ONESELF: (
        "you proposed this yourself on {at:time}; a second operator has to confirm it by {ends:time}"
    ),
    Code.PROPOSAL_MOVED: "it is not what {by} proposed on {at:time}, and that proposal is gone",
    Code.ONE_PERSON_DECIDES: "the policy says that one person alone may release, dismiss and resume everything",
    # -- how a write ended
    Code.ON_ITS_WAY: "written moments ago and not visible yet",
    Code.TOO_LATE_TO_WRITE: "the handler's time was over before this write could begin",
    Code.THAT_NOT_KEPT: "{because}; that it did not could not be kept: {said}",
    Code.NOT_VISIBLE_YET: "accepted, but not visible yet",
    Code.NEVER_VISIBLE: "a write was accepted and never became visible",
    Code.NO_ANSWER_IN_TIME: "the service did not answer within the handler's time",
    Code.READING_BACK_FAILED: "{doubt}; reading back failed: {said}",
    Code.NOT_FOUND_READING_BACK: "the profile could not be found when reading back",
    Code.SOMEBODY_WAS_QUICKER: "somebody else was quicker: {maker:?it does not say who}",
    Code.GIVEN_AGAIN: "{because}; somebody else gave it again since",
    # -- how a check ended
    Code.PERSON_HAS_TO_ACT: "a person has to act",
    Code.STOPPED: "stopped: {said}",
    Code.PAUSE_NOT_SET: "{because}; setting the pause failed: {said}",
    Code.RETRIES_GIVEN_UP: "given up after {hours} h of retries",
    Code.NOT_RECORDED: "not recorded: {said}",
    Code.NOT_RECORDED_AND_TAKEN_AGAIN: "not recorded, and taken again: a person has to act",
    Code.FOUND_BY_NAME: "{directory} in the directory, {remembered} among those who once had something",
    Code.NOBODY_OF_THIS_NAME_YET: "nobody is called that yet",
    Code.NOBODY_OF_THIS_NAME: "nobody was ever called that, up to {days} days past the effective date",
    Code.NOBODY_LOOKED_FOR: "nobody could be looked for: {because}",
    # -- invoice mail of a profile
    Code.OUTSIDE_MANAGED_ACCOUNTS: "not in a billing account that the policy manages",
    Code.PROFILE_NOT_LISTED: "the last bulk read of billing did not list it",
    Code.PROFILE_GONE: "there is no such profile",
    Code.PROFILE_STATUS: "the profile is {status}",
    Code.NOT_KEPT_OPTED_IN: "the policy does not keep this profile opted in",
    Code.MAIL_NOT_SAID: "the answer does not say whether invoices are mailed",
    Code.OPTED_IN: "opted in",
    Code.OPTED_OUT: "opted out although the policy keeps it opted in",
    Code.UPDATED_MOMENTS_AGO: "updated moments ago",
    Code.READ_ONCE: "read once; a second read has to agree in every writable field",
    Code.SECOND_READ_TO_COME: "the second read comes after the settling time",
    Code.FIGHTS_BACK: "opted in {times} times in 24 h and turned off again each time; somebody has to settle this",
    Code.UPDATE_DID_HARM: "an update changed more than the flag: {fields}; no further update by itself",
    Code.UPDATE_MAY_HAVE_DONE_HARM: (
        "more than the flag differs after an update whose answer was lost: {fields}; did anybody edit it?; no "
        "further update by itself"
    ),
    Code.UPDATE_UNJUDGED: (
        "the update of {made:time} could not be judged in time, and the profile differs in {fields}: somebody "
        "has to compare it"
    ),
    Code.ON_PROFILE: "{profile}: {because}",
    Code.OPTED_IN_BUT_NOT_KEPT: "opted in; that this was seen could not be kept: {said}",
    Code.HOLD_NOT_STORED: "{because}; the hold could not be stored: {said}",
    Code.NOT_KEPT_YET: "{because}; not kept yet: {said}",
    # -- what a sweep could not read or keep
    Code.NO_ACCOUNT_LISTED: (
        "billing lists no account at all: the app's identity has no billing role; give it one "
        "(docs/explanation/security.md says which)"
    ),
    Code.ACCOUNT_NOT_LISTED: (
        "billing account {account}: nothing of it is listed any more; our role there is gone, or it is itself"
    ),
    Code.ASSIGNMENTS_NOT_READ: "assignments of {profile}: {said}",
    Code.MEMBERS_NOT_READ: "members of group {group}: {said}",
    Code.PEOPLE_NOT_READ: "people of rule {rules:+ and }: {said}",
    Code.TOO_MANY_UNREADABLE: (
        "{unreadable} of {listed} people listed cannot be read, such as {person} ({said}); up to {percent} % "
        "would be taken for odd values of their own"
    ),
    Code.SWEEP_FAILED: "a sweep failed: {said}",
    Code.AND_MORE: "{first}; and {more} more",
    Code.POPULATION_SHRANK: "{now} people match the rules; at the last good sweep, of {at:time}, it was {before}",
    Code.NOT_REMEMBERED: "what is managed of {person}: {said}",
    Code.READERS_NOT_FOUND_OUT: "looking for who can read mail: {said}",
    Code.UNMANAGED_NOT_NOTED: "noting what is unmanaged: {said}",
    Code.PROTECTED_NOT_FOUND_OUT: "looking for who is protected: {said}",
    Code.VIEW_NOT_KEPT: "storing the view: {said}",
    Code.NAMES_NOT_KEPT: "asking what everybody is called: {said}",
    Code.ROLES_NOT_NOTED: "noting who has another role: {said}",
    Code.LEAVERS_NOT_COUNTED: "counting how long people who left kept their access: {said}",
    Code.ACCOUNT_ROLES_NOT_READ: "roles at account {account}: {said}",
    # -- what a sweep finds and leaves alone
    Code.HAS_NO_INVOICE_MANAGERS: "{agreement}, {status}: only active MCA and MPA accounts have Invoice managers",
    Code.NOT_NAMED: "the policy does not name it",
    Code.ACCOUNT_OUT_OF_SIGHT: (
        "{count} managed assignments are remembered there, and nothing of it is listed: they stay, leavers' too, "
        "until our role there is back, or the policy no longer names it"
    ),
    Code.ACCOUNT_NOT_ACTIVE: "its status is {status:?not said}: nothing is given or taken there until it is Active",
    Code.ACCOUNT_WITHOUT_PROFILES: (
        "it is listed and none of its billing profiles is: it has none, or our role lets us see none"
    ),
    Code.NO_ACCOUNT_MANAGED: "none of the billing accounts that are listed is managed: see those that are left alone",
    Code.PROFILE_NOT_ACTIVE: (
        "its status is {status:?not said}: nobody is given access and no invoice e-mail is turned on until it is Active"
    ),
    Code.PROFILE_NOT_ACTIVE_BECAUSE: (
        "its status is {status:?not said} ({cause}): nobody is given access and no invoice e-mail is turned on "
        "until it is Active"
    ),
    Code.ASSIGNMENT_NOT_READ: "left out of account, {said}: check it in the portal",
    Code.FEED_SILENT: (
        "{never} of {of} drifts of people within a day were never announced, and Microsoft Graph should tell of "
        "them: see whether its notifications still reach this app (docs/how-to/subscriptions.md). Changes of groups "
        "within groups are never told of"
    ),
    Code.GRANT_ENDS: "named grant {grant} ends with {until:day}: what it alone gives is taken away then",
    Code.RULE_GAVE_NOTHING: "it matches {people} {people:person|people} and gives them nothing: {because}",
    # -- what is told to people outside
    Code.NOTICE_DECISIONS: "{count} {count:decision waits|decisions wait} for a person",
    Code.DECISION_WAITS: (
        "{kind:grants=give|mover_revokes=remove (still work here)|leaver_revokes=remove (left)}: {count} "
        "{count:person|people} on {profiles} {profiles:profile|profiles}"
    ),
    Code.MAIL_DECISION_WAITS: "turn on invoice mail: {profiles} {profiles:profile|profiles}",
    Code.NOTICE_PAUSES: "writes are paused",
    Code.PAUSE_STANDS: (
        "{kind:operator-stop=an operator paused them|population-shrank=far fewer people match the rules|role-lost=the "
        "app's billing role is gone|profile-harm=an update changed more than the flag}, {scope:?everywhere}, since "
        "{since:time}"
    ),
    Code.NOTICE_CHECK_FAILED: "the full check (sweep) failed",
    Code.CHECK_INCOMPLETE: (
        "it cannot read everything since {since:time}; until it can, only who surely left loses access"
    ),
    Code.CHECK_OVERDUE: "the last one began at {last:time}, and none has ended since",
    Code.NOTICE_LEAVERS: "{count} {count:assignment|assignments} of people who left {count:is|are} not managed",
    Code.LEFT_AND_HAS: "{profile:plain}: {people} {people:person|people}",
    Code.NOTICE_MAIL: "{count} {count:invoice|invoices} may not reach the people who need {count:it|them}",
    Code.PROFILE_MAIL: "{profile:plain}, invoice day {day:day?not known}: {because}",
    Code.NOT_CHECKED: "it could not be checked for hours",
    Code.NOTICE_REJECTED: "events were rejected",
    Code.REJECTED_WAIT: "{count} {more:more=or more |=}{count:waits|wait} until their sender corrects them",
    Code.NOTICE_DEAD_LETTERS: "messages are dead letters",
    Code.DEAD_LETTERS_WAIT: "{count} {more:more=or more |=}{count:waits|wait} for whoever develops the app",
    Code.NOTICE_FEED: "the feed of events is silent",
    Code.MORE_LINES: "and {count} more",
    Code.NOTICE_ALL_WILL_MAIL: (
        "{count:the|all} {count} active {count:profile|profiles} will mail {count:its|their} next invoice"
    ),
    Code.NOTICE_SOME_WILL_MAIL: "{count} of {of} active profiles will mail their next invoice",
    Code.NOTICE_MAIL_NOT_KNOWN: (
        "nobody knows whether the next invoices will be mailed: the last full check is of {since:time}"
    ),
    Code.NOTICE_NO_CHECK_YET: "nobody knows whether the next invoices will be mailed: there was no full check yet",
    Code.NOTICE_NO_PROFILE: "no active profile is managed",
    Code.MAILS_ON: "{day:day}: {profiles} {profiles:profile|profiles}, {each} {each:person|people} each",
    Code.MAILS_ON_TO_SOME: "{day:day}: {profiles} {profiles:profile|profiles}, {fewest} to {most} people each",
    Code.MAILS_ON_NO_KNOWN_DAY: "on a day that is not known: {profiles} {profiles:profile|profiles}",
}
