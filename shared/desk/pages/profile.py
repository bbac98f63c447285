"""A profile: who receives its next invoice, how each of them got there, and who may open it besides."""

from shared.answers.known import profile_candidates
from shared.answers.receiving import receiving_body
from shared.answers.roster import profile_listed_json
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page, problem
from shared.desk.frame import Frame
from shared.desk.visitor import Visitor
from shared.domain.guards.holds import Status
from shared.domain.lookup import look_up
from shared.domain.receiving import Recipient, receiving
from shared.domain.roster import ListedProfile


async def show(desk: Desk, _visitor: Visitor, frame: Frame, asked: Asked) -> Page:
    """The page."""
    sight = frame.seen.sight
    text = "/".join(asked.segments[1:])
    profile = next((one for one in sight.view.profiles if str(one.key).lower() == text.lower()), None)
    if profile is None:
        candidates = profile_candidates({one.key: one.name for one in sight.view.profiles})
        near = look_up(asked.segments[-1], candidates).nearest
        nearest = [{"id": one.id, "name": one.best} for one in near]
        return problem(404, "no-profile", looked_for=text[:200], nearest=nearest)
    found = receiving(sight, profile, frame.seen.holds, await desk.state.mail_verdicts())
    waits = [one for one in frame.seen.holds if one.profile == profile.key and one.status is Status.OPEN]
    listed = ListedProfile(found, tuple(waits))
    account = next((one for one in sight.view.accounts if one.name.lower() == profile.key.account.lower()), None)
    told = receiving_body(sight, found)
    body = told | {
        "profile": profile_listed_json(listed) | told["profile"],
        "account": None if account is None else {"id": account.name, "name": account.display_name},
        "min_recipients": desk.policy.min_recipients,
    }
    jobs = {one.row.principal: _job(one) for one in found.receives}
    return Page("profile.html", "who", body, extra={"jobs": jobs, "verdict": found.verdict})


def _job(one: Recipient) -> str:
    """What somebody does and where, which tells them from others of the same name."""
    person = None if one.person is None else one.person.person
    said = [] if person is None else [person.attributes.get(name) for name in ("jobTitle", "companyName")]
    return ", ".join(part for part in said if part)
