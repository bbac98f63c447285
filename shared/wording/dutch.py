"""The Dutch words of every reason, in the words of the Azure portal. How facts are filled in says `say`."""

from collections.abc import Mapping
from typing import Final

from shared.domain.reasons import Code

_HOLDKIND: Final = (
    "{kind:grants=toegang geven|"
    "mover_revokes=toegang intrekken van wie hier nog werkt|"
    "leaver_revokes=toegang intrekken van wie uit dienst is|"
    "profile_updates=factuur per e-mail aanzetten}"
)
_PAUSEKIND: Final = (
    "{kind:operator-stop=door een operator|"
    "incomplete-sweep=niet alles kon worden gelezen|"
    "population-shrank=veel minder mensen passen bij de regels|"
    "role-lost=onze factureringsrol is weg|"
    "profile-harm=een wijziging veranderde te veel}"
)
_STATUS: Final = (
    "{status:=niet vermeld|"
    "Active=actief|"
    "Disabled=uitgeschakeld|"
    "Deleted=verwijderd|"
    "UnderReview=in beoordeling|"
    "Warned=gewaarschuwd|"
    "Expired=verlopen|"
    "Terminated=beëindigd|"
    "Transferred=overgedragen|"
    "Pending=in behandeling|"
    "New=nieuw|"
    "Extended=verlengd|"
    "Other=iets anders}"
)
_ROLE: Final = (
    "{role:Invoice manager=Factuurbeheer|"
    "Billing profile owner=Eigenaar van factureringsprofiel|"
    "Billing profile contributor=Inzender van factureringsprofiel|"
    "Billing profile reader=Lezer van factureringsprofiel|"
    "Billing account owner=Eigenaar van factureringsaccount|"
    "Billing account contributor=Inzender van factureringsaccount|"
    "Billing account reader=Lezer van factureringsaccount}"
)

DUTCH: Final[Mapping[Code, str]] = {
    # -- what is not ours to word
    Code.SAID: "{said}",
    Code.TOGETHER: "{reasons}",
    Code.TEXT: "{text:shown}",
    Code.TEXT_BUT_THERE_IS: "{text:shown}, maar er is wel {near:shown}",
    # -- where a person stands with the company
    Code.EMPLOYED: "in dienst",
    Code.DELETED: "de adreslijst heeft deze persoon als verwijderd",
    Code.ACCOUNT_DISABLED: "het account is uitgeschakeld",
    Code.DISABLED_UNTIL_HIRE_DATE: "het account is uitgeschakeld tot de datum in dienst ({hired:time})",
    Code.HIRE_DATE_TO_COME: "de datum in dienst moet nog komen ({hired:time})",
    Code.LEAVE_DATE_PAST: "de datum uit dienst is voorbij ({left:time})",
    Code.NOT_IN_DIRECTORY: "de adreslijst kent deze persoon niet, ook niet bij wat verwijderd is",
    Code.PERSON_UNREADABLE: (
        "wat de adreslijst van deze persoon heeft, kan niet worden gelezen ({said}): er wordt niets uit afgeleid"
    ),
    Code.AT_WORK_BEFORE_HIRE_DATE: "al aan het werk: {because}, en wat eerder was gegeven blijft",
    # -- what a check gives and takes away
    Code.GIVEN_BY: "gegeven door {rules:regel|de regels} {rules}",
    Code.NO_RULE_GIVES_IT: "geen regel geeft dit",
    Code.NO_RULE_GIVES_IT_ANY_MORE: "geen regel geeft dit nog; het was gegeven door {gave:regel|de regels} {gave}",
    Code.NO_RULE_GIVES_IT_AND_RULES_ARE_GONE: (
        "geen regel geeft dit nog; het was gegeven door {gave:regel|de regels} {gave}, en het beleid heeft "
        "{gone:regel|de regels} {gone} niet meer"
    ),
    Code.GRANTS_OVER: "{grants:toegang op naam|toegang op naam} {grants} eindigde op {until:day}",
    Code.NO_RULE_LISTS_THEM: (
        "geen regel noemt deze persoon nog: van werk veranderd of uit dienst, dat zoekt een controle uit"
    ),
    Code.STALE_LEAVE_DATE: (
        "al meer dan {days} dagen: {because}, en het account is ingeschakeld. Misschien heeft niemand de datum "
        "gewist nadat deze persoon terugkwam: wis hem, schakel het account uit, of geef dit vrij"
    ),
    Code.MAY_BE_A_SLIP: "misschien een vergissing: {because}",
    Code.NEAR_MISS: "{rules:regel|de regels} {rules} zou dit geven als {near:+ en }",
    Code.TEXT_WERE: "{attribute:named} {value:shown} gelijk was aan {text:shown}",
    Code.TEXT_BEGAN_WITH: "{attribute:named} {value:shown} begon met {text:shown}",
    # -- why a rule gives a person nothing, and what it asks for
    Code.HAS_TEXT: "{attribute:named} is {value:plain}",
    Code.HAS_NO_TEXT: "{attribute:named} is leeg",
    Code.ALL_OF: "{reasons:+ en }",
    Code.IN_NO_SUCH_GROUP: "niet in zo'n groep",
    Code.IS_A_GUEST: "een account van een andere tenant, of van een gast",
    Code.FOR_SOMEBODY_ELSE: "voor iemand anders",
    Code.OVER_SINCE: "dit eindigde op {until:day}",
    Code.WHOSE_ADDRESS_NOT_KNOWN: "nog geen volledige controle heeft uitgezocht dat niemand anders dit adres heeft",
    Code.FITS_NO_PROFILE: "geen factureringsprofiel past bij {attribute:named} {text}",
    Code.TEXT_FITS_NO_PROFILE: "geen factureringsprofiel past bij {attribute:named}",
    Code.GIVES_OTHER_PROFILES: "geeft {count} {count:ander profiel|andere profielen}",
    Code.GIVES_NO_PROFILE: "geeft geen factureringsprofiel",
    Code.ASKS_FOR: "{attribute:named} een van ({texts:shown})",
    Code.ASKS_FOR_OTHER: "{attribute:named} geen van ({texts:shown})",
    Code.ASKS_FOR_BEGINNING: "{attribute:named} dat begint met {text:shown}",
    Code.ASKS_FOR_OTHER_BEGINNING: "{attribute:named} dat niet begint met {text:shown}",
    # -- what a check finds and leaves alone
    Code.PROTECTED: "het beleid beschermt deze persoon: er wordt niets gegeven of ingetrokken",
    Code.HOLDS_BEFORE_HIRE_DATE: "{because}, en wat eerder was gegeven is er nog: het blijft tot dan",
    Code.ATTRIBUTES_UNREADABLE: "wat de adreslijst van deze persoon heeft, kan niet worden gelezen: {said}",
    Code.GIVEN_WHERE_NOT_ACTIVE: "gegeven door {rules:regel|de regels} {rules}, maar het profiel is " + _STATUS,
    Code.GIVEN_OUTSIDE_MANAGED_ACCOUNTS: "regel {rule} geeft dit, maar het factureringsaccount wordt niet beheerd",
    Code.NOT_FOR_GUESTS: "regel {rule} is niet voor gasten",
    Code.TEMPLATE_BLANK: "regel {rule} heeft {attribute:named} nodig, en dat is leeg",
    Code.TEMPLATE_FITS_NOTHING: (
        "regel {rule} geeft niets: geen factureringsprofiel past bij {attribute:named} {value:shown}"
    ),
    Code.TEMPLATE_TEXT_FITS_NOTHING: "regel {rule} geeft niets: geen factureringsprofiel past bij {attribute:named}",
    Code.STAYS_OUTSIDE_MANAGED_ACCOUNTS: "beheerd, maar het factureringsaccount wordt niet beheerd: het blijft",
    Code.STAYS_OUT_OF_SIGHT: (
        "beheerd volgens onze gegevens, maar het factureringsaccount wordt niet beheerd of niet getoond: het is "
        "niet gelezen, en blijft"
    ),
    Code.STAYS_WHERE_NOT_LISTED: "beheerd, maar bij de laatste keer lezen stond het profiel er niet bij: het blijft",
    Code.STAYS_AS_RULE_NOT_KNOWN: "wat regel {rule} gaf, blijft: {because}",
    Code.LEAVER_HOLDS_UNMANAGED: (
        "iemand die uit dienst is heeft Factuurbeheer door een toewijzing die niet beheerd is: {because}; {remedy}"
    ),
    Code.LEAVER_HOLDS_OTHER_ROLE: (
        "iemand die uit dienst is heeft de rol " + _ROLE + ", die niet beheerd is; trek die in de portal in"
    ),
    Code.HOLDS_UNMANAGED: "Factuurbeheer door een toewijzing die niet beheerd is: {because}",
    Code.ALREADY_RECEIVES: "ontvangt de facturen al als " + _ROLE,
    Code.HAS_ROLE: _ROLE,
    Code.REMOVE_BY_HAND_AS_NOBODY_IS_KNOWN: (
        "de adreslijst kent niemand met deze id, dus het kan niet worden overgenomen: trek het in de portal in"
    ),
    Code.REMOVE_BY_HAND_AS_IT_HAS_NO_TIME: (
        "er staat niet bij wanneer het is gegeven, dus het kan niet worden overgenomen: trek het in de portal in"
    ),
    Code.ADOPT_TO_REMOVE: "om het te laten intrekken: invoice-access adopt {profile:shell} {principal:shell}",
    Code.FEW_RECIPIENTS: "{reached} van de {asked} mensen die het beleid vraagt, ontvangen de facturen",
    Code.FEW_CAN_READ: (
        "{reached} van de {asked} mensen die het beleid vraagt, ontvangen de facturen; {missed} andere hebben er "
        "een rol, en zijn uitgeschakeld, verwijderd of zonder postvak"
    ),
    Code.NOBODY_CAN_READ: (
        "niemand die de facturen ontvangt kan mail lezen: {missed} {missed:persoon heeft|mensen hebben} er een "
        "rol, en {missed:is|zijn} uitgeschakeld, verwijderd of zonder postvak"
    ),
    Code.MAILBOXES_NOT_KNOWN: (
        "van {reached} van de {asked} mensen die het moet bereiken is een postvak bekend; van {unsure} andere zegt "
        "de adreslijst het niet"
    ),
    Code.ENOUGH_CAN_READ: "{reached} {reached:persoon kan|mensen kunnen} het lezen, en {asked} is genoeg",
    Code.READERS_NOT_READ: "wie de facturen ontvangt, kon niet worden gelezen: {said}",
    Code.RECIPIENTS_NOT_COUNTED: "de ontvangers konden niet worden geteld: {said}",
    Code.RECIPIENTS_NOT_COUNTED_IN_TIME: "de ontvangers zijn niet geteld: de tijd daarvoor was voorbij",
    # -- why a rule is not known, and what the policy names that does not exist
    Code.RULES_NOT_JUDGED: "niemand heeft de regels van dit beleid nog kunnen beoordelen",
    Code.RULE_NOT_SEEN: "geen volledige controle kon deze regel beoordelen sinds die is gewijzigd",
    Code.MATCHES_NOBODY: "deze regel past op niemand",
    Code.NOBODY_HAS_ADDRESS: "niemand heeft het adres dat erin staat",
    Code.SEVERAL_HAVE_ADDRESS: (
        "{count} mensen hebben het adres dat erin staat: schrijf de object-id van wie bedoeld is"
    ),
    Code.NOBODY_SEEN_IS_MEANT: (
        "niemand van wie de laatste volledige controle zag, is bedoeld; invoice-access plan --policy vraagt het de "
        "adreslijst"
    ),
    Code.MEANS_A_GUEST: "wie erin staat is een gast, of van een andere tenant: daarvoor is guests: true nodig",
    Code.NO_SUCH_GROUP: "groep {group} is er niet",
    Code.NO_SUCH_PERSON: "de adreslijst kent persoon {person} niet: een typefout, of iemand die verwijderd is",
    Code.NO_SUCH_PERSON_BUT: "de adreslijst kent persoon {person} niet, maar er is wel {near}",
    Code.NO_SUCH_ACCOUNT: "factureringsaccount {text} is er niet",
    Code.NO_ACCOUNT_OF_NAME: "er is geen factureringsaccount dat {text} heet",
    Code.NO_SUCH_PROFILE: "factureringsprofiel {text} is er niet",
    Code.NO_PROFILE_OF_NAME: "geen factureringsprofiel heet {text}",
    Code.NO_PROFILE_OF_TAG: "geen factureringsprofiel heeft de tag {tag}: {text}",
    Code.NO_PROFILE_OF_ALL: "geen factureringsprofiel voldoet aan dit alles: {selector}",
    Code.NOBODY_HAS: "niemand heeft {attribute:named} {text}",
    Code.NOBODY_STARTS_WITH: "niemand heeft {attribute:named} dat begint met {text:shown}",
    Code.NOBODY_HAS_ONE_OF: "niemand heeft een van de teksten waarmee {attribute:named} wordt vergeleken",
    Code.ASKED_WIDER: "de adreslijst weigerde wat deze regel vraagt, dus er zijn meer mensen opgevraagd: {said}",
    # -- whose an assignment is, and who has it
    Code.ANOTHER_ROLE: "een andere rol dan Factuurbeheer",
    Code.MADE_BY: "gegeven door {maker}",
    Code.MADE_BY_US: "gegeven door ons, als {maker}",
    Code.ADOPTED: "overgenomen; gegeven door {maker:?er staat niet bij wie}",
    Code.MAKER_UNSAID_BUT_INTENT: "er staat niet bij door wie; een voornemen van ons verklaart het",
    Code.MAKER_UNSAID_NO_INTENT: "er staat niet bij door wie, en geen voornemen van ons verklaart het",
    Code.MAKER_UNSAID_BEFORE_INTENT: "er staat niet bij door wie, en het was er al vóór ons voornemen",
    Code.MAKER_UNSAID_LONG_AFTER_INTENT: "er staat niet bij door wie, en het kwam er lang na ons voornemen",
    Code.BILLING_SAYS: "facturering zegt {type}",
    Code.BILLING_DOES_NOT_SAY: "facturering zegt niet wat het is",
    Code.NOBODY_HAS_THIS_ID: "{because}, en geen persoon, groep of verwijderde persoon heeft deze id",
    Code.DIRECTORY_NOT_ASKED: "de adreslijst is niet geraadpleegd",
    Code.DIRECTORY_NOT_READ: "de adreslijst kon niet worden gelezen: {said}",
    Code.DIRECTORY_KNOWS_A_GROUP: "de adreslijst kent het als groep",
    Code.DIRECTORY_KNOWS_THEM: "de adreslijst kent deze persoon",
    Code.DIRECTORY_KNOWS_THEM_UNREADABLE: (
        "de adreslijst kent deze persoon, met gegevens die niet te lezen zijn ({said})"
    ),
    Code.OF_ANOTHER_TENANT: "hoort bij een andere tenant ({tenant}), waarvan wij de adreslijst niet lezen",
    # -- how a spell began, where the ledger has no intent of it
    Code.CHOSEN_TO_ADOPT: "{choice}",
    Code.ADOPTED_UNRECORDED: "het is overgenomen; de vermelding daarvan staat niet in het register",
    Code.PROVED_UNRECORDED: "het is bewezen beheerd ({proof}); hoe het begon staat niet in het register",
    # -- adoption: what would follow, and why not
    Code.STAYS_GIVEN_BY: (
        "blijft: gegeven door {rules:regel|de regels} {rules}, en ingetrokken als deze persoon van werk verandert "
        "of uit dienst gaat"
    ),
    Code.STAYS_FOR_NOW: "blijft voorlopig: {because}",
    Code.REVOKED_AT_ONCE: "zou meteen worden ingetrokken: {because}",
    Code.REVOKED_WHEN_SEEN_AGAIN: "zou worden ingetrokken als een tweede controle hetzelfde vindt: {because}",
    Code.REVOKED_ONCE_RELEASED: "zou worden ingetrokken zodra iemand het vrijgeeft: {because}",
    Code.LEAVER: "uit dienst ({strength:strong=sterk|weak=zwak} bewijs): {because}",
    Code.YET_TO_BEGIN: "begint nog: {because}",
    Code.ONLY_OBSERVED: (
        "{because}; op dit profiel kijken we alleen mee, dus er wordt niets gewijzigd zolang het beleid dat niet "
        "doorvoert"
    ),
    Code.ADOPTS_NOTHING_PROTECTED: "het beleid beschermt deze persoon: wij trekken nooit iets van deze persoon in",
    Code.MANAGED_ALREADY: "het is al beheerd: {because}",
    Code.MANAGED_BY_NOW: "het is al beheerd",
    Code.HELD_BY_NO_PERSON: "{holder:group=een groep|app=een app} heeft het, en wij geven en nemen alleen van mensen",
    Code.HOLDER_NOT_KNOWN: "niemand kan zeggen wie het heeft: {because}",
    Code.HAS_NO_TIME: (
        "er staat niet bij wanneer het is gegeven, dus het is niet te onderscheiden van een later gegeven toewijzing"
    ),
    Code.HOLDS_ANOTHER_ROLE: "deze persoon heeft daar {roles}, en alleen Factuurbeheer kan worden beheerd",
    Code.NO_SUCH_ASSIGNMENT: "zo'n toewijzing is er niet",
    Code.NO_SUCH_MANAGED_PROFILE: "zo'n factureringsprofiel is er niet in de accounts die het beleid beheert",
    Code.PROFILE_NOT_READ: "de toewijzingen van dit profiel konden niet worden gelezen",
    Code.NOT_READ_ANEW: "niet opnieuw gelezen: {said}",
    Code.ASSIGNMENT_GONE: "wie deze ene toewijzing leest, vindt die niet (meer)",
    Code.NOT_THE_ONE_SHOWN: "het is niet de toewijzing die was getoond: {differences}",
    Code.MAKER_DIFFERS: "door wie was {was:?niet vermeld} en is {now:?niet vermeld}",
    Code.TIME_DIFFERS: "wanneer was {was:?niet vermeld} en is {now:?niet vermeld}",
    Code.NAME_DIFFERS: "de naam was {was} en is {now}",
    Code.EVIDENCE_NOT_RECORDED: "het bewijs is niet vastgelegd: {said}",
    Code.EVIDENCE_ALONE_RECORDED: "het bewijs is vastgelegd, maar wat wij van deze persoon onthouden niet: {said}",
    Code.CHECK_NOT_ASKED_FOR: (
        "de controle kon niet worden aangevraagd, en de volgende volledige controle vindt wat volgt: {said}"
    ),
    # -- what stops an action: pauses, daily limits, holds
    Code.PAUSED: "wijzigingen zijn gepauzeerd (" + _PAUSEKIND + ", sinds {since:time}): {because}",
    Code.PAUSED_ON: "wijzigingen zijn gepauzeerd (" + _PAUSEKIND + " op {scope}, sinds {since:time}): {because}",
    Code.DAILY_LIMIT_USED_UP: "de daglimiet voor " + _HOLDKIND + " is bereikt: in 24 uur mogen het er {most} zijn",
    Code.DAILY_LIMIT_EXCEEDED: (
        "{because}; wat daarboven komt, wacht op een besluit als {group}: docs/explanation/guards.md"
    ),
    Code.SWEEP_WANTS_TOO_MANY: (
        "één volledige controle wil {wanted}; per 24 uur mogen het er {most} zijn, en daarvan {left:is|zijn} er "
        "{left} over"
    ),
    Code.GRANTS: "{count} keer toegang geven",
    Code.MOVER_REVOKES: "{count} keer toegang intrekken van wie hier nog werkt",
    Code.LEAVER_REVOKES: "{count} keer toegang intrekken van wie uit dienst is",
    Code.PROFILE_UPDATES: "factuur per e-mail aanzetten voor {count} {count:profiel|profielen}",
    Code.POLICY_TAKES_AWAY: (
        "{difference}; {count} {count:intrekking van wie hier nog werkt wacht|intrekkingen van wie hier nog werkt "
        "wachten} tot iemand dat heeft gezien"
    ),
    Code.POLICY_UNKNOWN_BEFORE: (
        "er was nog geen volledige controle die alles kon lezen (een nieuwe installatie, of de gegevens zijn "
        "verloren), dus niemand kent het vorige beleid"
    ),
    Code.POLICY_CHANGED: "het beleid is gewijzigd: regels {changes}",
    Code.POLICY_CHANGED_BUT_NO_RULE: (
        "het beleid is gewijzigd: niet de regels, maar de accounts, het dienstverband of de beschermde mensen"
    ),
    Code.RULES_ADDED: "toegevoegd {rules}",
    Code.RULES_REMOVED: "verwijderd {rules}",
    Code.RULES_CHANGED: "gewijzigd {rules}",
    Code.DISMISSED: "op {decided:time} besloot {by} dit niet te doen",
    Code.RELEASE_LAPSED: "het is op {released:time} vrijgegeven, en kon niet binnen {hours} uur worden gedaan",
    Code.RELEASED_FOR_ANOTHER_REASON: "het is vrijgegeven om '{was}', en nu is het '{now}'",
    Code.RELEASED_WHERE_STOPPED_OTHERWISE: (
        "het is vrijgegeven toen {was} het tegenhield, en nu is dat {now}: {because}"
    ),
    Code.NOT_IN_THE_PLAN: "het staat niet in het plan dat is uitgevoerd: voor de volgende controle",
    Code.NOT_ENFORCED_THERE: "het beleid voert daar niets door, of de laatste volledige controle zag het profiel niet",
    Code.HELD: _HOLDKIND + " op {profile}, {because}",
    Code.NO_SUCH_HOLD: "er wacht niets onder deze naam, of niet meer",
    Code.OF_HOLD: "{name}: {because}",
    Code.HOLD_GONE: "het is weg: niemand wil deze wijziging nog",
    Code.HOLD_CAME_IN: "het kwam erbij op {since:time}, nadat de andere waren getoond: {held}",
    Code.HOLD_CAME_IN_OR_CHANGED: "het kwam erbij of wijzigde op {since:time}, nadat het was getoond: {held}",
    Code.HOLD_CHANGED: "het wijzigde op {since:time}: {held}",
    Code.HOLD_DISMISSED: "{by} besloot intussen het niet te doen: {held}",
    Code.NOT_PROPOSED: "het kwam erbij op {since:time}, en was niet voorgesteld: {held}",
    Code.OWN_ACCESS: "het is uw eigen toegang, op {profile}: iemand anders besluit daarover",
    Code.ONLY_FOR_OTHERS: "niemand besluit over de eigen toegang",
    Code.PROPOSED_BY_ONESELF: (
        "u hebt dit zelf voorgesteld op {at:time}; een tweede operator moet het bevestigen vóór {ends:time}"
    ),
    Code.PROPOSAL_MOVED: "het is niet wat {by} op {at:time} voorstelde, en dat voorstel is weg",
    Code.ONE_PERSON_DECIDES: "volgens het beleid mag één persoon alles vrijgeven, laten en hervatten",
    # -- how a write ended
    Code.ON_ITS_WAY: "zojuist gewijzigd en nog niet te zien",
    Code.TOO_LATE_TO_WRITE: "de tijd was voorbij voordat deze wijziging kon beginnen",
    Code.THAT_NOT_KEPT: "{because}; dat dit niet gebeurde, kon niet worden bewaard: {said}",
    Code.NOT_VISIBLE_YET: "aangenomen, maar nog niet te zien",
    Code.NEVER_VISIBLE: "een wijziging is aangenomen en is nooit te zien geweest",
    Code.NO_ANSWER_IN_TIME: "de dienst antwoordde niet binnen de tijd",
    Code.READING_BACK_FAILED: "{doubt}; teruglezen is mislukt: {said}",
    Code.NOT_FOUND_READING_BACK: "bij het teruglezen was het profiel niet te vinden",
    Code.SOMEBODY_WAS_QUICKER: "iemand anders was sneller: {maker:?er staat niet bij wie}",
    Code.GIVEN_AGAIN: "{because}; iemand anders heeft het sindsdien weer gegeven",
    # -- how a check ended
    Code.PERSON_HAS_TO_ACT: "iemand moet iets doen",
    Code.STOPPED: "gestopt: {said}",
    Code.PAUSE_NOT_SET: "{because}; pauzeren is mislukt: {said}",
    Code.RETRIES_GIVEN_UP: "opgegeven na {hours} uur proberen",
    Code.NOT_RECORDED: "niet vastgelegd: {said}",
    Code.NOT_RECORDED_AND_TAKEN_AGAIN: "niet vastgelegd, en weer ingetrokken: iemand moet iets doen",
    Code.FOUND_BY_NAME: "{directory} in de adreslijst, {remembered} onder wie ooit iets had",
    Code.NOBODY_OF_THIS_NAME_YET: "nog niemand heet zo",
    Code.NOBODY_OF_THIS_NAME: "niemand heeft ooit zo geheten, tot {days} dagen na de ingangsdatum",
    Code.NOBODY_LOOKED_FOR: "er kon niemand worden gezocht: {because}",
    # -- invoice mail of a profile
    Code.OUTSIDE_MANAGED_ACCOUNTS: "niet in een factureringsaccount dat het beleid beheert",
    Code.PROFILE_NOT_LISTED: "bij de laatste keer lezen stond het er niet bij",
    Code.PROFILE_GONE: "dat profiel is er niet",
    Code.PROFILE_STATUS: "het profiel is " + _STATUS,
    Code.NOT_KEPT_OPTED_IN: "het beleid houdt factuur per e-mail voor dit profiel niet aan",
    Code.MAIL_NOT_SAID: "het antwoord zegt niet of facturen worden gemaild",
    Code.OPTED_IN: "aangemeld",
    Code.OPTED_OUT: "afgemeld, terwijl het beleid het profiel aangemeld houdt",
    Code.UPDATED_MOMENTS_AGO: "zojuist bijgewerkt",
    Code.READ_ONCE: "één keer gelezen; een tweede keer moet elk veld hetzelfde zijn",
    Code.SECOND_READ_TO_COME: "de tweede keer lezen komt na de wachttijd",
    Code.FIGHTS_BACK: "{times} keer aangemeld in 24 uur en telkens weer uitgezet; iemand moet dit regelen",
    Code.UPDATE_DID_HARM: (
        "een wijziging veranderde meer dan het aanmelden: {fields}; er wordt niets meer vanzelf gewijzigd"
    ),
    Code.UPDATE_MAY_HAVE_DONE_HARM: (
        "na een wijziging waarvan het antwoord verloren ging, is meer anders dan het aanmelden: {fields}; heeft "
        "iemand dit bewerkt?; er wordt niets meer vanzelf gewijzigd"
    ),
    Code.UPDATE_UNJUDGED: (
        "de wijziging van {made:time} kon niet op tijd worden beoordeeld, en het profiel verschilt in {fields}: "
        "iemand moet het vergelijken"
    ),
    Code.ON_PROFILE: "{profile}: {because}",
    Code.OPTED_IN_BUT_NOT_KEPT: "aangemeld; dat dit is gezien, kon niet worden bewaard: {said}",
    Code.HOLD_NOT_STORED: "{because}; dat het wacht, kon niet worden bewaard: {said}",
    Code.NOT_KEPT_YET: "{because}; nog niet bewaard: {said}",
    # -- what a sweep could not read or keep
    Code.NO_ACCOUNT_LISTED: (
        "facturering toont geen enkel account: de identiteit van de app heeft geen factureringsrol; geef die een "
        "rol (docs/explanation/security.md zegt welke)"
    ),
    Code.ACCOUNT_NOT_LISTED: (
        "factureringsaccount {account}: er is niets meer van te zien; onze rol daar is weg, of het account zelf"
    ),
    Code.ASSIGNMENTS_NOT_READ: "toewijzingen van {profile}: {said}",
    Code.MEMBERS_NOT_READ: "leden van groep {group}: {said}",
    Code.PEOPLE_NOT_READ: "mensen van regel {rules:+ en }: {said}",
    Code.TOO_MANY_UNREADABLE: (
        "van {unreadable} van de {listed} mensen kunnen de gegevens niet worden gelezen, zoals {person} ({said}); "
        "tot {percent} % zou voor toeval doorgaan"
    ),
    Code.SWEEP_FAILED: "een volledige controle is mislukt: {said}",
    Code.AND_MORE: "{first}; en nog {more}",
    Code.POPULATION_SHRANK: (
        "{now} mensen passen bij de regels; bij de laatste goede volledige controle, van {at:time}, waren het er "
        "{before}"
    ),
    Code.NOT_REMEMBERED: "wat van {person} wordt beheerd: {said}",
    Code.READERS_NOT_FOUND_OUT: "uitzoeken wie mail kan lezen: {said}",
    Code.UNMANAGED_NOT_NOTED: "noteren wat niet beheerd is: {said}",
    Code.PROTECTED_NOT_FOUND_OUT: "uitzoeken wie beschermd is: {said}",
    Code.VIEW_NOT_KEPT: "het overzicht bewaren: {said}",
    Code.NAMES_NOT_KEPT: "vragen hoe iedereen heet: {said}",
    Code.ROLES_NOT_NOTED: "noteren wie een andere rol heeft: {said}",
    Code.LEAVERS_NOT_COUNTED: "tellen hoe lang wie uit dienst is de toegang hield: {said}",
    Code.ACCOUNT_ROLES_NOT_READ: "rollen bij account {account}: {said}",
    # -- what a sweep finds and leaves alone
    Code.HAS_NO_INVOICE_MANAGERS: (
        "{agreement}, " + _STATUS + ": alleen actieve MCA- en MPA-accounts hebben de rol Factuurbeheer"
    ),
    Code.NOT_NAMED: "het beleid noemt dit niet",
    Code.ACCOUNT_OUT_OF_SIGHT: (
        "{count} beheerde toewijzingen horen daar te zijn, en er is niets van te zien: zij blijven, ook van wie "
        "uit dienst is, tot onze rol daar terug is of het beleid het account niet meer noemt"
    ),
    Code.ACCOUNT_NOT_ACTIVE: "de status is " + _STATUS + ": daar wordt niets gegeven of ingetrokken tot die actief is",
    Code.ACCOUNT_WITHOUT_PROFILES: (
        "het account is te zien en geen van zijn factureringsprofielen: het heeft er geen, of onze rol laat er "
        "geen zien"
    ),
    Code.NO_ACCOUNT_MANAGED: (
        "geen van de factureringsaccounts die te zien zijn, wordt beheerd: zie die met rust worden gelaten"
    ),
    Code.PROFILE_NOT_ACTIVE: (
        "de status is "
        + _STATUS
        + ": niemand krijgt toegang en factuur per e-mail wordt niet aangezet tot die actief is"
    ),
    Code.PROFILE_NOT_ACTIVE_BECAUSE: (
        "de status is "
        + _STATUS
        + "({cause}): niemand krijgt toegang en factuur per e-mail wordt niet aangezet tot die actief is"
    ),
    Code.ASSIGNMENT_NOT_READ: "niet meegenomen, {said}: bekijk het in de portal",
    Code.FEED_SILENT: (
        "{never} van {of} verschillen bij mensen in een dag zijn nooit aangekondigd, en Microsoft Graph hoort ze "
        "te melden: kijk of zijn meldingen deze app nog bereiken (docs/how-to/subscriptions.md). Wijzigingen van "
        "groepen in groepen worden nooit gemeld"
    ),
    Code.GRANT_ENDS: "toegang op naam {grant} eindigt op {until:day}: wat alleen die geeft, wordt dan ingetrokken",
    Code.RULE_GAVE_NOTHING: "deze regel past op {people} {people:persoon|mensen} en geeft niets: {because}",
    # -- what is told to people outside
    Code.NOTICE_DECISIONS: "{count} {count:besluit wacht|besluiten wachten} op iemand",
    Code.DECISION_WAITS: (
        "{kind:grants=toegang geven|mover_revokes=toegang intrekken (werkt hier nog)|leaver_revokes=toegang "
        "intrekken (uit dienst)}: {count} {count:persoon|mensen} op {profiles} {profiles:profiel|profielen}"
    ),
    Code.MAIL_DECISION_WAITS: "factuur per e-mail aanzetten: {profiles} {profiles:profiel|profielen}",
    Code.NOTICE_PAUSES: "wijzigingen zijn gepauzeerd",
    Code.PAUSE_STANDS: (
        "{kind:operator-stop=een operator heeft ze gepauzeerd|population-shrank=veel minder mensen passen bij de "
        "regels|role-lost=de factureringsrol van de app is weg|profile-harm=een wijziging veranderde meer dan het "
        "aanmelden}, {scope:?overal}, sinds {since:time}"
    ),
    Code.NOTICE_CHECK_FAILED: "de volledige controle is mislukt",
    Code.CHECK_INCOMPLETE: (
        "zij kan sinds {since:time} niet alles lezen; tot dat weer kan, verliest alleen wie zeker uit dienst is de "
        "toegang"
    ),
    Code.CHECK_OVERDUE: "de laatste begon op {last:time}, en sindsdien is er geen afgerond",
    Code.NOTICE_LEAVERS: "{count} {count:toewijzing|toewijzingen} van wie uit dienst is {count:is|zijn} niet beheerd",
    Code.LEFT_AND_HAS: "{profile:plain}: {people} {people:persoon|mensen}",
    Code.NOTICE_MAIL: (
        "{count} {count:factuur bereikt|facturen bereiken} misschien niet de mensen die {count:hem|ze} nodig hebben"
    ),
    Code.PROFILE_MAIL: "{profile:plain}, factuurdag {day:day?niet bekend}: {because}",
    Code.NOT_CHECKED: "het kon uren niet worden gecontroleerd",
    Code.NOTICE_REJECTED: "er zijn meldingen geweigerd",
    Code.REJECTED_WAIT: "{count} {more:more=of meer |=}{count:wacht|wachten} tot de afzender ze verbetert",
    Code.NOTICE_DEAD_LETTERS: "er zijn onbestelbare berichten",
    Code.DEAD_LETTERS_WAIT: "{count} {more:more=of meer |=}{count:wacht|wachten} op wie de app ontwikkelt",
    Code.NOTICE_FEED: "er komen geen meldingen meer binnen",
    Code.MORE_LINES: "en nog {count}",
    Code.NOTICE_ALL_WILL_MAIL: (
        "{count:het|alle} {count} {count:actieve profiel mailt de|actieve profielen mailen hun} volgende factuur"
    ),
    Code.NOTICE_SOME_WILL_MAIL: "{count} van {of} actieve profielen {count:mailt de|mailen hun} volgende factuur",
    Code.NOTICE_MAIL_NOT_KNOWN: (
        "niemand weet of de volgende facturen worden gemaild: de laatste volledige controle is van {since:time}"
    ),
    Code.NOTICE_NO_CHECK_YET: "niemand weet of de volgende facturen worden gemaild: er was nog geen volledige controle",
    Code.NOTICE_NO_PROFILE: "er wordt geen actief profiel beheerd",
    Code.MAILS_ON: "{day:day}: {profiles} {profiles:profiel|profielen}, elk {each} {each:persoon|mensen}",
    Code.MAILS_ON_TO_SOME: "{day:day}: {profiles} {profiles:profiel|profielen}, elk {fewest} tot {most} mensen",
    Code.MAILS_ON_NO_KNOWN_DAY: "op een dag die niet bekend is: {profiles} {profiles:profiel|profielen}",
}
