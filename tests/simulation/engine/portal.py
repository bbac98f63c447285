"""What other administrators click in the portal, and what becomes of billing besides the app.

Lives here: one method per kind of thing; each changes billing by the service's own verbs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from shared.domain.access.opt_in import FLAG
from shared.domain.billing import INVOICE_MANAGER
from shared.domain.keys import ProfileKey
from tests.simulation.engine.telling import Tale, Teller
from tests.simulation.small_world import APP, COMPANIES, MCA, OTHER_APP, OWNER, PROFILES

_COMPANIES: Final = (*COMPANIES, "Nowhere")
_OWNER_OF_ACCOUNT: Final = "50000000-aaaa-bbbb-cccc-100000000000"


@dataclass(eq=False)
class Portal(Teller):
    """Whoever clicks there."""

    _roles_taken: list[tuple[str, str, str]] = field(default_factory=list)

    def kinds(self) -> dict[str, tuple[int, Callable[[], list[Tale]]]]:
        """What may happen, how often it does, and how."""
        return {
            "portal-give": (3, self.portal_give),
            "portal-take": (5, self.portal_take),
            "portal-remake": (2, self.portal_remake),
            "opt-out": (4, self.opt_out),
            "profile-edited": (2, self.edit_profile),
            "profile-tag": (1, self.tag_profile),
            "profile-disabled": (1, self.disable_profile),
            "role-lost": (1, self.take_our_role),
        }

    def portal_give(self) -> list[Tale]:
        """Somebody is made Invoice manager by hand, or by other automation."""
        self._give(self._somebody(), self.rng.choice(PROFILES), self.rng.choice((OWNER, OWNER, OTHER_APP)))
        return []

    def portal_take(self) -> list[Tale]:
        """An assignment, anybody's, is taken away by hand."""
        profile, row = self._one(self.world.managers())
        self._take(profile, row.name)
        return self._about(row.principal_id) if self.rng.random() < 0.3 else []

    def portal_remake(self) -> list[Tale]:
        """One of ours is taken away and made anew by hand: now it is theirs."""
        profile, row = self._one([one for one in self.world.managers() if self.world.maker(*one) == APP])
        self._take(profile, row.name)
        self._give(row.principal_id, profile, OWNER)
        return []

    def opt_out(self, profile: ProfileKey | None = None) -> list[Tale]:
        """Invoice e-mail is turned off by hand."""
        self._edit(profile or self.rng.choice(PROFILES), {FLAG: False})
        return []

    def unsay(self, profile: ProfileKey) -> list[Tale]:
        """A profile no longer says whether its invoices are mailed."""
        self.judge.people_edit(lambda: self.world.profile(profile).properties.pop(FLAG, None))
        return []

    def edit_profile(self, profile: ProfileKey | None = None) -> list[Tale]:
        """Something else about a profile is changed by hand."""
        self._events += 1
        self._edit(profile or self.rng.choice(PROFILES), {"poNumber": f"PO-{self._events}"})
        return []

    def tag_profile(self) -> list[Tale]:
        """A profile gets another company's tag, or its own again."""
        key = self.rng.choice(PROFILES)
        profile = self.world.profile(key)
        company = self.rng.choice(_COMPANIES)
        self.judge.people_edit(lambda: profile.tags.update(company=company))
        return []

    def disable_profile(self) -> list[Tale]:
        """A profile is disabled, or revived."""
        profile = self.world.profile(self.rng.choice(PROFILES))
        status = "Disabled" if profile.properties.get("status") == "Active" else "Active"
        self.judge.people_edit(lambda: profile.properties.update(status=status))
        return []

    def take_our_role(self) -> list[Tale]:
        """Somebody takes the app's own billing role."""
        name = f"{_OWNER_OF_ACCOUNT}_{APP}"
        self.world.do_arm("DELETE", f"{MCA}/billingRoleAssignments/{name}")
        self._roles_taken.append((MCA, _OWNER_OF_ACCOUNT, APP))
        self.judge.out_of_sight.add(MCA)
        return []

    def give_our_roles_back(self) -> None:
        """Whatever was taken from the app itself is given back."""
        for account, role, principal in self._roles_taken:
            definition = f"/providers/Microsoft.Billing/billingAccounts/{account}/billingRoleDefinitions/{role}"
            body = {"principalId": principal, "roleDefinitionId": definition}
            self.at_once(partial(self.world.do_arm, "POST", f"{account}/createBillingRoleAssignment", body))
        self._roles_taken.clear()

    # -- how it is done

    def at_once(self, act: Callable[[], Any]) -> Any:
        """Does something to billing under switches that let it be done before anybody else comes."""
        kept = self.world.billing.switches
        self.world.turn(
            create_status=200,
            update_status=200,
            operation_failure_status=None,
            writes_bucket=10_000,
            duplicate="existing",
        )
        try:
            return act()
        finally:
            self.world.billing.switches = kept

    def _give(self, person: str, profile: Any, by: str) -> None:
        scope = f"{profile.account}/billingProfiles/{profile.profile}"
        root = "/providers/Microsoft.Billing/billingAccounts"
        body = {"principalId": person, "roleDefinitionId": f"{root}/{scope}/billingRoleDefinitions/{INVOICE_MANAGER}"}
        self.at_once(lambda: self.world.do_arm("POST", f"{scope}/createBillingRoleAssignment", body, by=by))

    def _take(self, profile: Any, name: str) -> None:
        path = f"{profile.account}/billingProfiles/{profile.profile}/billingRoleAssignments/{name}"
        self.at_once(lambda: self.world.do_arm("DELETE", path))

    def _edit(self, key: Any, properties: dict[str, Any]) -> None:
        profile = self.world.profile(key)
        kept = {
            name: value for name, value in profile.properties.items() if name not in {"soldTo", "currentPaymentTerm"}
        }
        body = {"properties": {**kept, **properties, "tags": profile.tags}, "tags": profile.tags}
        path = f"{key.account}/billingProfiles/{key.profile}"
        self.judge.people_edit(lambda: self.at_once(lambda: self.world.do_arm("PUT", path, body)))
