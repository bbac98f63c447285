"""Billing, over Azure Resource Manager: the `Billing` port.

Lives here: which requests are made, following their links and long-running answers. How a request goes out is in
`http.pipeline`, what an answer says in `http.answers` and `wire`.

The requests are spelled here, and not made by azure-mgmt-billing, for three reasons: its operations read an answer that
lacks its list as an empty list; their poller waits 30 s where the service said 0, and their create raises on 201; and
their paging decodes and re-encodes the links that the service wants back as they were.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urljoin

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.rest import AsyncHttpResponse, HttpRequest

from shared.adapters.billing.wire import (
    assignment_name,
    grant_body,
    made_by,
    opt_in_body,
    read_account,
    read_account_assignment,
    read_assignment,
    read_json,
    read_listed_assignment,
    read_page,
    read_profile,
)
from shared.adapters.http.answers import (
    MAY_BE_WRITTEN,
    NEW_PRINCIPAL_WAIT,
    answered_at,
    asked_wait,
    calls_left,
    capped_wait,
    failure,
    is_absence,
    is_principal_unknown,
    read_refusal,
)
from shared.adapters.http.claims import ARM_SCOPE, claims_of
from shared.adapters.http.gate import Gate, Kind
from shared.adapters.http.pipeline import AzureApi, Limits, Transport, is_success
from shared.domain.access.ownership import ManagedAssignment
from shared.domain.billing import (
    AccountAssignment,
    AccountAssignments,
    Assignment,
    Assignments,
    BillingAccount,
    BillingProfile,
    UnreadRow,
    Written,
)
from shared.domain.keys import ProfileKey
from shared.errors import FailedRead, MaybeWritten, Transient
from shared.settings import ClientSettings

"""What our token is for, at any address of ARM."""

API_VERSION: Final = "2024-04-01"
"""The newest stable version of Microsoft.Billing."""

POLL_SECONDS: Final = 2.0
"""Seconds between polls of a long-running answer where the service does not say."""

LEAST_POLL_SECONDS: Final = 0.5
"""Seconds between polls at the least, also where the service says 0."""

MOST_PAGES: Final = 1000
"""Pages of one list after which something is wrong; 50 rows a page were documented as the service's most."""

MOST_UNREAD: Final = 3
"""Rows of one list that may be unread although they are more than those that were read."""

PER_SECOND: Final = {Kind.READS: 25, Kind.WRITES: 10, Kind.DELETES: 10}
"""Calls a second that ARM grants one identity for long, beside a burst of ten seconds' worth. As published, for all."""

_ROOT = "/providers/Microsoft.Billing/billingAccounts"
_OK, _CREATED, _ACCEPTED, _NO_CONTENT, _CONFLICT = 200, 201, 202, 204, 409


class ArmBilling:
    """Implements `shared.ports.Billing`.

    A 404 for an assignment means None also where the profile itself is gone: what does not exist gives
    nobody access. A grant on such a profile is refused with the service's words, so nothing wrong follows
    from it. Lists of what is not there are errors.

    `calls` counts every request that was sent.
    """

    def __init__(
        self, settings: ClientSettings, credential: AsyncTokenCredential, *, transport: Transport | None = None
    ) -> None:
        self._base_url = settings.arm_url
        self._former = frozenset(identity.lower() for identity in settings.former_identities)
        self._wait_cap = timedelta(seconds=settings.retry_cap_seconds)
        self._gate = Gate("Azure Resource Manager", PER_SECOND, settings)
        self._api = AzureApi(
            "Azure Resource Manager",
            self._base_url,
            ARM_SCOPE,
            credential,
            gate=self._gate,
            limits=_limits,
            request_id="x-ms-client-request-id",
            transport=transport,
        )
        self.calls = self._api.calls
        self._token = ""
        self._speaks_for = ("", "")
        self._answered_at: datetime | None = None

    @property
    def waited(self) -> float:
        """Seconds for which calls waited for their turn so far."""
        return self._gate.waited

    async def close(self) -> None:
        """Closes the connections. The credential belongs to its maker."""
        await self._api.close()

    # -- who we are

    async def identities(self) -> frozenset[str]:
        """See `shared.ports.Billing`."""
        object_id, _ = await self._ourselves()
        return self._former | {object_id}

    async def tenant(self) -> str:
        """See `shared.ports.Billing`."""
        _, tenant_id = await self._ourselves()
        return tenant_id

    async def _ourselves(self) -> tuple[str, str]:
        """Our object id and tenant, from our own token; read once per token.

        The signature is not verified: it is our own token, straight from our own credential, and ARM
        verifies it. Only ARM's answers decide what it may do.
        """
        token = (await self._api.credential.get_token(ARM_SCOPE)).token
        if token != self._token:
            try:
                claims = claims_of(token)
                self._speaks_for = (str(claims["oid"]).lower(), str(claims["tid"]).lower())
            except (ValueError, KeyError) as error:
                raise Transient(
                    f"the token that we were given for Azure Resource Manager does not say who we are: {error}"
                ) from error
            self._token = token
        return self._speaks_for

    def service_time(self) -> datetime | None:
        """See `shared.ports.Billing`."""
        return self._answered_at

    # -- reads

    async def accounts(self) -> Sequence[BillingAccount]:
        """See `shared.ports.Billing`."""
        what = "listing the billing accounts"
        found: dict[str, BillingAccount] = {}
        async for row in self._list(_ROOT, what, ""):
            account = read_account(row, what)
            found[account.name.lower()] = account
        return list(found.values())

    async def profiles(self, account: str) -> Sequence[BillingProfile]:
        """See `shared.ports.Billing`."""
        what = f"listing the billing profiles of {account}"
        path = f"{_account_path(account)}/billingProfiles"
        found: dict[ProfileKey, BillingProfile] = {}
        async for row in self._list(path, what, account):
            profile = read_profile(row, account, what)
            found[profile.key] = profile
        return list(found.values())

    async def profile(self, key: ProfileKey) -> BillingProfile | None:
        """See `shared.ports.Billing`."""
        what = f"reading billing profile {key}"
        response = await self._read(_profile_path(key), what, str(key))
        if response is None:
            return None
        profile = read_profile(read_json(response.content, what), key.account, what)
        if profile.key != key:
            raise FailedRead(f"{what}: the answer is about another profile, {profile.key}")
        return profile

    async def assignment(self, profile: ProfileKey, principal_id: str) -> Assignment | None:
        """See `shared.ports.Billing`."""
        what = f"reading the Invoice manager assignment of {principal_id} on {profile}"
        path = f"{_profile_path(profile)}/billingRoleAssignments/{quote(assignment_name(principal_id), safe='')}"
        response = await self._read(path, what, str(profile))
        if response is None:
            return None
        found = read_assignment(read_json(response.content, what), profile, what)
        if found is None or not found.is_invoice_manager or found.principal_id != principal_id.lower():
            raise FailedRead(f"{what}: the answer is about another assignment")
        return found

    async def assignments(self, profile: ProfileKey) -> Assignments:
        """See `shared.ports.Billing`.

        A row that does not fit costs itself; where most of them do not, the list is a failed read.
        """
        what = f"listing the role assignments on {profile}"
        path = f"{_profile_path(profile)}/billingRoleAssignments"
        found: dict[str, Assignment] = {}
        unread: dict[str, UnreadRow] = {}
        async for row in self._list(path, what, str(profile)):
            match read_listed_assignment(row, profile, what):
                case Assignment() as assignment:
                    found[assignment.name.lower()] = assignment
                case UnreadRow() as odd:
                    unread[odd.name.lower()] = odd
        if len(unread) > max(MOST_UNREAD, len(found)):
            raise FailedRead(f"{what}: {len(unread)} rows do not fit, such as {next(iter(unread.values())).why}")
        return Assignments(tuple(found.values()), tuple(unread.values()))

    async def account_assignments(self, account: str) -> AccountAssignments:
        """See `shared.ports.Billing`."""
        what = f"listing the role assignments on account {account}"
        found: dict[str, AccountAssignment] = {}
        unread: set[str] = set()
        async for row in self._list(f"{_account_path(account)}/billingRoleAssignments", what, account):
            match read_account_assignment(row, account, what):
                case AccountAssignment() as assignment:
                    found[assignment.name.lower()] = assignment
                case str(name):
                    unread.add(name)
        return AccountAssignments(tuple(found.values()), tuple(sorted(unread)))

    async def _read(self, path: str, what: str, scope: str) -> AsyncHttpResponse | None:
        """Reads one thing; None when the service says that it is not there."""
        response = await self._send(HttpRequest("GET", self._url(path)), what)
        if response.status_code == _OK:
            return response
        if is_absence(response):
            return None
        raise failure(response, doing=what, scope=scope, cap=self._wait_cap)

    async def _list(self, path: str, what: str, scope: str) -> AsyncIterator[dict[str, Any]]:
        """Reads every row of a list, page by page, following each link as it is spelled."""
        url, seen = self._url(path), set[str]()
        while True:
            seen.add(url)
            response = await self._send(HttpRequest("GET", url), what)
            if response.status_code != _OK:
                raise failure(response, doing=what, scope=scope, cap=self._wait_cap)
            rows, link = read_page(read_json(response.content, what), what)
            for row in rows:
                yield row
            if link is None:
                return
            url = _followed(url, link, what)
            if url in seen or len(seen) >= MOST_PAGES:
                raise FailedRead(f"{what}: its pages have no end")

    # -- writes

    async def grant_invoice_manager(self, profile: ProfileKey, principal_id: str) -> Written:
        """See `shared.ports.Billing`.

        An answer that shows somebody else's assignment says that it was there before. One that may be about a
        principal whom billing does not know yet is worth another try: the directory knows them.
        """
        what = f"making {principal_id} Invoice manager on {profile}"
        object_id, tenant_id = await self._ourselves()
        path = _profile_path(profile)
        url = self._url(f"{path}/createBillingRoleAssignment")
        body = grant_body(path, principal_id, tenant_id)
        response = await self._send(HttpRequest("POST", url, json=body), what)
        if response.status_code == _CONFLICT:
            return Written.ALREADY
        if is_principal_unknown(response):
            asked = capped_wait(response, self._wait_cap)
            wait = min(self._wait_cap, NEW_PRINCIPAL_WAIT) if asked is None else asked
            raise Transient(f"{what}: {response.status_code} {read_refusal(response)}", retry_after=wait)
        final = await self._finished(response, what, str(profile))
        maker = made_by(final.content)
        return Written.DONE if maker is None or maker in self._former | {object_id} else Written.ALREADY

    async def revoke_invoice_manager(self, assignment: ManagedAssignment) -> Written:
        """See `shared.ports.Billing`."""
        row = assignment.assignment
        what = f"taking Invoice manager on {row.profile} from {row.principal_id}"
        path = f"{_profile_path(row.profile)}/billingRoleAssignments/{quote(row.name, safe='')}"
        response = await self._send(HttpRequest("DELETE", self._url(path)), what)
        if response.status_code == _NO_CONTENT or is_absence(response):
            return Written.ALREADY
        await self._finished(response, what, str(row.profile))
        return Written.DONE

    async def opt_in(self, profile: BillingProfile) -> BillingProfile | None:
        """See `shared.ports.Billing`."""
        what = f"turning on invoice e-mail of {profile.key}"
        url = self._url(_profile_path(profile.key))
        response = await self._send(HttpRequest("PUT", url, json=opt_in_body(profile)), what)
        return _shown_profile(await self._finished(response, what, str(profile.key)), profile.key, what)

    async def _finished(self, response: AsyncHttpResponse, what: str, scope: str) -> AsyncHttpResponse:
        """The last answer to an accepted write, waited for as long as the caller lets us.

        Without a Location there is nothing to ask: accepted is all that is known, and reading back tells the
        rest.
        """
        if not is_success(response.status_code):
            raise failure(response, doing=what, scope=scope, cap=self._wait_cap, writing=True)
        if response.status_code not in {_CREATED, _ACCEPTED} or not response.headers.get("location"):
            return response
        url = response.request.url
        while True:
            response = await self._poll(url, response, what, scope)
            if response.status_code != _ACCEPTED:
                return response
            url = response.request.url

    async def _poll(self, url: str, last: AsyncHttpResponse, what: str, scope: str) -> AsyncHttpResponse:
        """Asks once how a write is getting on, where and when the last answer says.

        Whatever goes wrong here, the write itself was accepted.
        """
        asking = f"asking whether {what} is done"
        try:
            url = _followed(url, last.headers.get("location") or url, asking)
            await self._api.sleep(self._until_poll(last))
            response = await self._send(HttpRequest("GET", url), asking)
        except Transient as error:
            raise MaybeWritten(f"{error.reason}; {MAY_BE_WRITTEN}", retry_after=error.retry_after) from error
        if not is_success(response.status_code):
            refused = failure(response, doing=asking, scope=scope, cap=self._wait_cap)
            wait = refused.retry_after if isinstance(refused, Transient) else None
            raise MaybeWritten(f"{refused}; {MAY_BE_WRITTEN}", retry_after=wait)
        return response

    def _until_poll(self, response: AsyncHttpResponse) -> float:
        """Seconds until the next poll: as the service asks, within reason."""
        wait = asked_wait(response.headers)
        asked = POLL_SECONDS if wait is None else min(wait, self._wait_cap).total_seconds()
        return max(LEAST_POLL_SECONDS, asked)

    # -- the wire

    async def _send(self, request: HttpRequest, what: str) -> AsyncHttpResponse:
        """Sends a request; its body is read when this returns."""
        response = await self._api.send(request, what)
        self._answered_at = answered_at(response.headers) or self._answered_at
        return response

    def _url(self, path: str) -> str:
        return f"{self._base_url}{path}?api-version={API_VERSION}"


def _limits(response: AsyncHttpResponse, kind: Kind) -> Limits:
    return {"left": calls_left(response.headers, kind)}


def _shown_profile(response: AsyncHttpResponse, key: ProfileKey, what: str) -> BillingProfile | None:
    """A profile as the answer to a finished update shows it; None where it says nothing whole about it.

    The update was made, whatever the answer looks like.
    """
    if response.status_code != _OK:
        return None
    try:
        shown = read_profile(read_json(response.content, what), key.account, what)
    except FailedRead:
        return None
    state = str(shown.properties.get("provisioningState") or "Succeeded")
    return shown if shown.key == key and state.lower() == "succeeded" else None


def _account_path(account: str) -> str:
    return f"{_ROOT}/{quote(account, safe='')}"


def _profile_path(key: ProfileKey) -> str:
    return f"{_account_path(key.account)}/billingProfiles/{quote(key.profile, safe='')}"


def _followed(url: str, link: str, what: str) -> str:
    """Where a link leads, relative ones as well."""
    try:
        return urljoin(url, link)
    except ValueError as error:
        raise FailedRead(f"{what}: the service named an address that is none") from error
