"""Under which identities the app writes, for whoever reads with a login of their own.

Lives here: that one question. Whose a row is, `provenance` says.
"""

from shared.services.app import App


async def app_identities(app: App) -> tuple[frozenset[str], bool]:
    """The object ids under which the app writes or wrote, and whether the app itself said so.

    An operator reads with a login of their own: what they made by hand is not managed, and what the app made is. So the
    latest sweep's word counts, and one's own token only where there has been no sweep.
    """
    for report in await app.state.reports(1):
        if report.identities:
            return frozenset(report.identities) | frozenset(one.lower() for one in app.settings.former_identities), True
    return await app.billing.identities(), False
