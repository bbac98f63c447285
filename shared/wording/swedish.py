"""The Swedish words of every reason, in the words of the Azure portal. How facts are filled in says `say`."""

from collections.abc import Mapping
from typing import Final

from shared.domain.reasons import Code

_HOLDKIND: Final = (
    "{kind:grants=ge åtkomst|"
    "mover_revokes=ta bort åtkomst för dem som fortfarande arbetar här|"
    "leaver_revokes=ta bort åtkomst för dem som har slutat|"
    "profile_updates=slå på e-postfaktura}"
)
_PAUSEKIND: Final = (
    "{kind:operator-stop=av en operatör|"
    "incomplete-sweep=allt kunde inte läsas|"
    "population-shrank=betydligt färre personer passar reglerna|"
    "role-lost=vår faktureringsroll är borta|"
    "profile-harm=en uppdatering ändrade för mycket}"
)
_STATUS: Final = (
    "{status:=inte angiven|"
    "Active=aktiv|"
    "Disabled=inaktiverad|"
    "Deleted=borttagen|"
    "UnderReview=under granskning|"
    "Warned=varnad|"
    "Expired=utgången|"
    "Terminated=avslutad|"
    "Transferred=överförd|"
    "Pending=väntande|"
    "New=ny|"
    "Extended=förlängd|"
    "Other=något annat}"
)
_ROLE: Final = (
    "{role:Invoice manager=Fakturahanterare|"
    "Billing profile owner=Ägare för faktureringsprofil|"
    "Billing profile contributor=Deltagare för faktureringsprofil|"
    "Billing profile reader=Läsare för faktureringsprofil|"
    "Billing account owner=Ägare för faktureringskonto|"
    "Billing account contributor=Deltagare för faktureringskonto|"
    "Billing account reader=Läsare för faktureringskonto}"
)

SWEDISH: Final[Mapping[Code, str]] = {
    # -- what is not ours to word
    Code.SAID: "{said}",
    Code.TOGETHER: "{reasons}",
    Code.TEXT: "{text:shown}",
    Code.TEXT_BUT_THERE_IS: "{text:shown}, men däremot finns {near:shown}",
    # -- where a person stands with the company
    Code.EMPLOYED: "anställd",
    Code.DELETED: "katalogen har personen som borttagen",
    Code.ACCOUNT_DISABLED: "kontot är inaktiverat",
    Code.DISABLED_UNTIL_HIRE_DATE: "kontot är inaktiverat till anställningens första dag ({hired:time})",
    Code.HIRE_DATE_TO_COME: "anställningens första dag är inte här ännu ({hired:time})",
    Code.LEAVE_DATE_PAST: "slutdatumet har passerat ({left:time})",
    Code.NOT_IN_DIRECTORY: "katalogen känner inte till personen, inte heller bland det som är borttaget",
    Code.PERSON_UNREADABLE: "det som katalogen har om personen kan inte läsas ({said}): inga slutsatser dras",
    Code.AT_WORK_BEFORE_HIRE_DATE: "redan i arbete: {because}, och det som gavs tidigare är kvar",
    # -- what a check gives and takes away
    Code.GIVEN_BY: "given av {rules:regel|reglerna} {rules}",
    Code.NO_RULE_GIVES_IT: "ingen regel ger den",
    Code.NO_RULE_GIVES_IT_ANY_MORE: "ingen regel ger den längre; den gavs av {gave:regel|reglerna} {gave}",
    Code.NO_RULE_GIVES_IT_AND_RULES_ARE_GONE: (
        "ingen regel ger den längre; den gavs av {gave:regel|reglerna} {gave}, och policyn har inte längre "
        "{gone:regel|reglerna} {gone}"
    ),
    Code.GRANTS_OVER: "{grants:namngiven åtkomst|namngivna åtkomster} {grants} upphörde {until:day}",
    Code.NO_RULE_LISTS_THEM: (
        "ingen regel omfattar personen längre: har bytt arbete eller slutat, vilket en kontroll tar reda på"
    ),
    Code.STALE_LEAVE_DATE: (
        "sedan mer än {days} dagar: {because}, och kontot är aktiverat. Kanske har ingen tagit bort datumet när "
        "personen kom tillbaka: ta bort det, inaktivera kontot eller godkänn detta"
    ),
    Code.MAY_BE_A_SLIP: "kanske ett misstag: {because}",
    Code.NEAR_MISS: "{rules:regel|reglerna} {rules} skulle ge den om {near:+ och }",
    Code.TEXT_WERE: "{attribute:named} {value:shown} vore {text:shown}",
    Code.TEXT_BEGAN_WITH: "{attribute:named} {value:shown} började med {text:shown}",
    # -- why a rule gives a person nothing, and what it asks for
    Code.HAS_TEXT: "{attribute:named} är {value:plain}",
    Code.HAS_NO_TEXT: "{attribute:named} är tomt",
    Code.ALL_OF: "{reasons:+ och }",
    Code.IN_NO_SUCH_GROUP: "inte i någon sådan grupp",
    Code.IS_A_GUEST: "ett konto i en annan klientorganisation, eller en gästs",
    Code.FOR_SOMEBODY_ELSE: "för någon annan",
    Code.OVER_SINCE: "det upphörde {until:day}",
    Code.WHOSE_ADDRESS_NOT_KNOWN: "ingen fullständig kontroll har ännu visat att ingen annan har adressen",
    Code.FITS_NO_PROFILE: "ingen faktureringsprofil passar {attribute:named} {text}",
    Code.TEXT_FITS_NO_PROFILE: "ingen faktureringsprofil passar {attribute:named}",
    Code.GIVES_OTHER_PROFILES: "ger {count} {count:annan profil|andra profiler}",
    Code.GIVES_NO_PROFILE: "ger ingen faktureringsprofil",
    Code.ASKS_FOR: "{attribute:named} bland ({texts:shown})",
    Code.ASKS_FOR_OTHER: "{attribute:named} inte bland ({texts:shown})",
    Code.ASKS_FOR_BEGINNING: "{attribute:named} som börjar med {text:shown}",
    Code.ASKS_FOR_OTHER_BEGINNING: "{attribute:named} som inte börjar med {text:shown}",
    # -- what a check finds and leaves alone
    Code.PROTECTED: "policyn skyddar personen: inget ges eller tas bort",
    Code.HOLDS_BEFORE_HIRE_DATE: "{because}, och det som gavs tidigare finns kvar: det är kvar till dess",
    Code.ATTRIBUTES_UNREADABLE: "det som katalogen har om personen kan inte läsas: {said}",
    Code.GIVEN_WHERE_NOT_ACTIVE: "given av {rules:regel|reglerna} {rules}, men profilen är " + _STATUS,
    Code.GIVEN_OUTSIDE_MANAGED_ACCOUNTS: "regel {rule} ger den, men faktureringskontot hanteras inte",
    Code.NOT_FOR_GUESTS: "regel {rule} gäller inte gäster",
    Code.TEMPLATE_BLANK: "regel {rule} behöver {attribute:named}, som är tomt",
    Code.TEMPLATE_FITS_NOTHING: (
        "regel {rule} ger inget: ingen faktureringsprofil passar {attribute:named} {value:shown}"
    ),
    Code.TEMPLATE_TEXT_FITS_NOTHING: "regel {rule} ger inget: ingen faktureringsprofil passar {attribute:named}",
    Code.STAYS_OUTSIDE_MANAGED_ACCOUNTS: "hanteras, men faktureringskontot hanteras inte: den är kvar",
    Code.STAYS_OUT_OF_SIGHT: (
        "hanteras enligt våra uppgifter, men faktureringskontot hanteras inte eller visas inte: den lästes inte, "
        "och är kvar"
    ),
    Code.STAYS_WHERE_NOT_LISTED: "hanteras, men vid den senaste läsningen fanns profilen inte med: den är kvar",
    Code.STAYS_AS_RULE_NOT_KNOWN: "det som regel {rule} gav är kvar: {because}",
    Code.LEAVER_HOLDS_UNMANAGED: (
        "någon som har slutat är Fakturahanterare genom en tilldelning som inte hanteras: {because}; {remedy}"
    ),
    Code.LEAVER_HOLDS_OTHER_ROLE: (
        "någon som har slutat har rollen " + _ROLE + ", som inte hanteras; ta bort den i portalen"
    ),
    Code.HOLDS_UNMANAGED: "Fakturahanterare genom en tilldelning som inte hanteras: {because}",
    Code.ALREADY_RECEIVES: "får redan fakturorna som " + _ROLE,
    Code.HAS_ROLE: _ROLE,
    Code.REMOVE_BY_HAND_AS_NOBODY_IS_KNOWN: (
        "katalogen känner ingen med detta id, så den kan inte tas över: ta bort den i portalen"
    ),
    Code.REMOVE_BY_HAND_AS_IT_HAS_NO_TIME: (
        "det sägs inte när den gavs, så den kan inte tas över: ta bort den i portalen"
    ),
    Code.ADOPT_TO_REMOVE: "för att få den borttagen: invoice-access adopt {profile:shell} {principal:shell}",
    Code.FEW_RECIPIENTS: "{reached} av de {asked} personer som policyn kräver får fakturorna",
    Code.FEW_CAN_READ: (
        "{reached} av de {asked} personer som policyn kräver får fakturorna; {missed} till har en roll där, och är "
        "inaktiverade, borttagna eller utan postlåda"
    ),
    Code.NOBODY_CAN_READ: (
        "ingen som får fakturorna kan läsa e-post: {missed} {missed:person|personer} har en roll där, och är "
        "{missed:inaktiverad, borttagen|inaktiverade, borttagna} eller utan postlåda"
    ),
    Code.MAILBOXES_NOT_KNOWN: (
        "{reached} av de {asked} personer som den måste nå har en känd postlåda; om {unsure} till säger katalogen inget"
    ),
    Code.ENOUGH_CAN_READ: "{reached} {reached:person|personer} kan läsa den, och {asked} måste",
    Code.READERS_NOT_READ: "vilka som får fakturorna kunde inte läsas: {said}",
    Code.RECIPIENTS_NOT_COUNTED: "mottagarna kunde inte räknas: {said}",
    Code.RECIPIENTS_NOT_COUNTED_IN_TIME: "mottagarna räknades inte: tiden för det var slut",
    # -- why a rule is not known, and what the policy names that does not exist
    Code.RULES_NOT_JUDGED: "ingen har kunnat bedöma policyns regler ännu",
    Code.RULE_NOT_SEEN: "ingen fullständig kontroll har kunnat bedöma regeln sedan den ändrades",
    Code.MATCHES_NOBODY: "regeln passar ingen",
    Code.NOBODY_HAS_ADDRESS: "ingen har adressen som anges",
    Code.SEVERAL_HAVE_ADDRESS: "{count} personer har adressen som anges: skriv objekt-id för den som menas",
    Code.NOBODY_SEEN_IS_MEANT: (
        "ingen av dem som den senaste fullständiga kontrollen såg menas; invoice-access plan --policy frågar katalogen"
    ),
    Code.MEANS_A_GUEST: "den som anges är en gäst, eller från en annan klientorganisation: det kräver guests: true",
    Code.NO_SUCH_GROUP: "gruppen {group} finns inte",
    Code.NO_SUCH_PERSON: "katalogen känner inte till personen {person}: ett skrivfel, eller någon som är borttagen",
    Code.NO_SUCH_PERSON_BUT: "katalogen känner inte till personen {person}, men däremot finns {near}",
    Code.NO_SUCH_ACCOUNT: "faktureringskontot {text} finns inte",
    Code.NO_ACCOUNT_OF_NAME: "inget faktureringskonto heter {text}",
    Code.NO_SUCH_PROFILE: "faktureringsprofilen {text} finns inte",
    Code.NO_PROFILE_OF_NAME: "ingen faktureringsprofil heter {text}",
    Code.NO_PROFILE_OF_TAG: "ingen faktureringsprofil har taggen {tag}: {text}",
    Code.NO_PROFILE_OF_ALL: "ingen faktureringsprofil uppfyller allt detta: {selector}",
    Code.NOBODY_HAS: "ingen har {attribute:named} {text}",
    Code.NOBODY_STARTS_WITH: "ingen har {attribute:named} som börjar med {text:shown}",
    Code.NOBODY_HAS_ONE_OF: "ingen har någon av texterna som {attribute:named} jämförs med",
    Code.ASKED_WIDER: "katalogen vägrade det som regeln frågar efter, så fler personer hämtades: {said}",
    # -- whose an assignment is, and who has it
    Code.ANOTHER_ROLE: "en annan roll än Fakturahanterare",
    Code.MADE_BY: "given av {maker}",
    Code.MADE_BY_US: "given av oss, som {maker}",
    Code.ADOPTED: "övertagen; given av {maker:?det sägs inte av vem}",
    Code.MAKER_UNSAID_BUT_INTENT: "det sägs inte av vem; en avsikt från oss förklarar det",
    Code.MAKER_UNSAID_NO_INTENT: "det sägs inte av vem, och ingen avsikt från oss förklarar det",
    Code.MAKER_UNSAID_BEFORE_INTENT: "det sägs inte av vem, och den fanns före vår avsikt",
    Code.MAKER_UNSAID_LONG_AFTER_INTENT: "det sägs inte av vem, och den kom långt efter vår avsikt",
    Code.BILLING_SAYS: "faktureringen säger {type}",
    Code.BILLING_DOES_NOT_SAY: "faktureringen säger inte vad det är",
    Code.NOBODY_HAS_THIS_ID: "{because}, och ingen person, grupp eller borttagen person har detta id",
    Code.DIRECTORY_NOT_ASKED: "katalogen tillfrågades inte",
    Code.DIRECTORY_NOT_READ: "katalogen kunde inte läsas: {said}",
    Code.DIRECTORY_KNOWS_A_GROUP: "katalogen känner till det som grupp",
    Code.DIRECTORY_KNOWS_THEM: "katalogen känner till personen",
    Code.DIRECTORY_KNOWS_THEM_UNREADABLE: "katalogen känner till personen, med uppgifter som inte kan läsas ({said})",
    Code.OF_ANOTHER_TENANT: "hör till en annan klientorganisation ({tenant}), vars katalog vi inte läser",
    # -- how a spell began, where the ledger has no intent of it
    Code.CHOSEN_TO_ADOPT: "{choice}",
    Code.ADOPTED_UNRECORDED: "den togs över; posten om det finns inte i registret",
    Code.PROVED_UNRECORDED: "den är bevisat hanterad ({proof}); hur den började finns inte i registret",
    # -- adoption: what would follow, and why not
    Code.STAYS_GIVEN_BY: (
        "är kvar: given av {rules:regel|reglerna} {rules}, och tas bort om personen byter arbete eller slutar"
    ),
    Code.STAYS_FOR_NOW: "är kvar tills vidare: {because}",
    Code.REVOKED_AT_ONCE: "skulle tas bort genast: {because}",
    Code.REVOKED_WHEN_SEEN_AGAIN: "skulle tas bort när en andra kontroll finner samma sak: {because}",
    Code.REVOKED_ONCE_RELEASED: "skulle tas bort så snart någon godkänner det: {because}",
    Code.LEAVER: "har slutat ({strength:strong=starka|weak=svaga} belägg): {because}",
    Code.YET_TO_BEGIN: "har inte börjat än: {because}",
    Code.ONLY_OBSERVED: "{because}; profilen observeras bara, så inget ändras förrän policyn verkställs där",
    Code.ADOPTS_NOTHING_PROTECTED: "policyn skyddar personen: vi tar aldrig bort något för den",
    Code.MANAGED_ALREADY: "den hanteras redan: {because}",
    Code.MANAGED_BY_NOW: "den hanteras redan",
    Code.HELD_BY_NO_PERSON: "{holder:group=en grupp|app=en app} har den, och vi ger och tar bara från personer",
    Code.HOLDER_NOT_KNOWN: "ingen kan säga vem som har den: {because}",
    Code.HAS_NO_TIME: "det sägs inte när den gavs, så inget skiljer den från en som gavs senare",
    Code.HOLDS_ANOTHER_ROLE: "personen har {roles} där, och bara Fakturahanterare kan hanteras",
    Code.NO_SUCH_ASSIGNMENT: "en sådan tilldelning finns inte",
    Code.NO_SUCH_MANAGED_PROFILE: "en sådan faktureringsprofil finns inte i de konton som policyn hanterar",
    Code.PROFILE_NOT_READ: "profilens tilldelningar kunde inte läsas",
    Code.NOT_READ_ANEW: "inte läst på nytt: {said}",
    Code.ASSIGNMENT_GONE: "en läsning av just den här tilldelningen hittar den inte (längre)",
    Code.NOT_THE_ONE_SHOWN: "det är inte den som visades: {differences}",
    Code.MAKER_DIFFERS: "av vem var {was:?inte angivet} och är {now:?inte angivet}",
    Code.TIME_DIFFERS: "när var {was:?inte angivet} och är {now:?inte angivet}",
    Code.NAME_DIFFERS: "namnet var {was} och är {now}",
    Code.EVIDENCE_NOT_RECORDED: "beläggen registrerades inte: {said}",
    Code.EVIDENCE_ALONE_RECORDED: "beläggen är registrerade, men inte det vi minns om personen: {said}",
    Code.CHECK_NOT_ASKED_FOR: (
        "kontrollen kunde inte begäras, och nästa fullständiga kontroll finner det som följer: {said}"
    ),
    # -- what stops an action: pauses, daily limits, holds
    Code.PAUSED: "ändringar är pausade (" + _PAUSEKIND + ", sedan {since:time}): {because}",
    Code.PAUSED_ON: "ändringar är pausade (" + _PAUSEKIND + " på {scope}, sedan {since:time}): {because}",
    Code.DAILY_LIMIT_USED_UP: "dagsgränsen för " + _HOLDKIND + " är nådd: på 24 timmar tillåts {most}",
    Code.DAILY_LIMIT_EXCEEDED: (
        "{because}; det som överstiger den väntar på beslut som {group}: docs/explanation/guards.md"
    ),
    Code.SWEEP_WANTS_TOO_MANY: (
        "en enda fullständig kontroll vill {wanted}; på 24 timmar tillåts {most}, och av dem återstår {left}"
    ),
    Code.GRANTS: "ge åtkomst {count} {count:gång|gånger}",
    Code.MOVER_REVOKES: "ta bort åtkomst {count} {count:gång|gånger} för dem som fortfarande arbetar här",
    Code.LEAVER_REVOKES: "ta bort åtkomst {count} {count:gång|gånger} för dem som har slutat",
    Code.PROFILE_UPDATES: "slå på e-postfaktura för {count} {count:profil|profiler}",
    Code.POLICY_TAKES_AWAY: (
        "{difference}; {count} {count:borttagning|borttagningar} för dem som fortfarande arbetar här väntar tills "
        "någon har sett det"
    ),
    Code.POLICY_UNKNOWN_BEFORE: (
        "ingen fullständig kontroll har läst allt tidigare (en ny installation, eller förlorade uppgifter), så "
        "ingen känner till den tidigare policyn"
    ),
    Code.POLICY_CHANGED: "policyn har ändrats: regler {changes}",
    Code.POLICY_CHANGED_BUT_NO_RULE: (
        "policyn har ändrats: inte reglerna, men konton, anställning eller skyddade personer"
    ),
    Code.RULES_ADDED: "tillagda {rules}",
    Code.RULES_REMOVED: "borttagna {rules}",
    Code.RULES_CHANGED: "ändrade {rules}",
    Code.DISMISSED: "{by} beslutade {decided:time} att inte göra detta",
    Code.RELEASE_LAPSED: "det godkändes {released:time}, och kunde inte göras inom {hours} timmar",
    Code.RELEASED_FOR_ANOTHER_REASON: "det godkändes på grund av ”{was}”, och nu är det ”{now}”",
    Code.RELEASED_WHERE_STOPPED_OTHERWISE: "det godkändes när {was} stoppade det, och nu är det {now}: {because}",
    Code.NOT_IN_THE_PLAN: "det finns inte i planen som genomfördes: lämnat till nästa kontroll",
    Code.NOT_ENFORCED_THERE: (
        "policyn verkställs inte där, eller så såg den senaste fullständiga kontrollen inte profilen"
    ),
    Code.HELD: _HOLDKIND + " på {profile}, {because}",
    Code.NO_SUCH_HOLD: "inget väntar under det namnet, eller inte längre",
    Code.OF_HOLD: "{name}: {because}",
    Code.HOLD_GONE: "den är borta: ingen vill ha ändringen längre",
    Code.HOLD_CAME_IN: "den tillkom {since:time}, efter att de andra visades: {held}",
    Code.HOLD_CAME_IN_OR_CHANGED: "den tillkom eller ändrades {since:time}, efter att den visades: {held}",
    Code.HOLD_CHANGED: "den ändrades {since:time}: {held}",
    Code.HOLD_DISMISSED: "{by} beslutade under tiden att inte göra den: {held}",
    Code.NOT_PROPOSED: "den tillkom {since:time}, och var inte föreslagen: {held}",
    Code.OWN_ACCESS: "det är din egen åtkomst, på {profile}: någon annan beslutar om den",
    Code.ONLY_FOR_OTHERS: "ingen beslutar om sin egen åtkomst",
    Code.PROPOSED_BY_ONESELF: (
        "du föreslog detta själv {at:time}; en andra operatör måste bekräfta det före {ends:time}"
    ),
    Code.PROPOSAL_MOVED: "det är inte det som {by} föreslog {at:time}, och det förslaget är borta",
    Code.ONE_PERSON_DECIDES: "enligt policyn får en enda person godkänna, avstå från och återuppta allt",
    # -- how a write ended
    Code.ON_ITS_WAY: "ändrat alldeles nyss och syns inte ännu",
    Code.TOO_LATE_TO_WRITE: "tiden var slut innan ändringen kunde börja",
    Code.THAT_NOT_KEPT: "{because}; att det inte skedde kunde inte sparas: {said}",
    Code.NOT_VISIBLE_YET: "mottaget, men syns inte ännu",
    Code.NEVER_VISIBLE: "en ändring togs emot och syntes aldrig",
    Code.NO_ANSWER_IN_TIME: "tjänsten svarade inte i tid",
    Code.READING_BACK_FAILED: "{doubt}; att läsa tillbaka misslyckades: {said}",
    Code.NOT_FOUND_READING_BACK: "profilen hittades inte när den lästes tillbaka",
    Code.SOMEBODY_WAS_QUICKER: "någon annan hann före: {maker:?det sägs inte vem}",
    Code.GIVEN_AGAIN: "{because}; någon annan har gett den igen sedan dess",
    # -- how a check ended
    Code.PERSON_HAS_TO_ACT: "någon måste göra något",
    Code.STOPPED: "stoppat: {said}",
    Code.PAUSE_NOT_SET: "{because}; att pausa misslyckades: {said}",
    Code.RETRIES_GIVEN_UP: "uppgivet efter {hours} timmars försök",
    Code.NOT_RECORDED: "inte registrerat: {said}",
    Code.NOT_RECORDED_AND_TAKEN_AGAIN: "inte registrerat, och borttaget igen: någon måste göra något",
    Code.FOUND_BY_NAME: "{directory} i katalogen, {remembered} bland dem som någon gång hade något",
    Code.NOBODY_OF_THIS_NAME_YET: "ingen heter så ännu",
    Code.NOBODY_OF_THIS_NAME: "ingen har någonsin hetat så, upp till {days} dagar efter startdatumet",
    Code.NOBODY_LOOKED_FOR: "ingen kunde sökas: {because}",
    # -- invoice mail of a profile
    Code.OUTSIDE_MANAGED_ACCOUNTS: "inte i ett faktureringskonto som policyn hanterar",
    Code.PROFILE_NOT_LISTED: "det fanns inte med vid den senaste läsningen",
    Code.PROFILE_GONE: "profilen finns inte",
    Code.PROFILE_STATUS: "profilen är " + _STATUS,
    Code.NOT_KEPT_OPTED_IN: "policyn håller inte e-postfaktura påslagen för profilen",
    Code.MAIL_NOT_SAID: "svaret säger inte om fakturor mejlas",
    Code.OPTED_IN: "anmäld",
    Code.OPTED_OUT: "avanmäld, fast policyn håller profilen anmäld",
    Code.UPDATED_MOMENTS_AGO: "uppdaterad alldeles nyss",
    Code.READ_ONCE: "läst en gång; vid en andra läsning måste varje fält vara lika",
    Code.SECOND_READ_TO_COME: "den andra läsningen kommer efter väntetiden",
    Code.FIGHTS_BACK: "anmäld {times} gånger på 24 timmar och avstängd igen varje gång; någon måste reda ut detta",
    Code.UPDATE_DID_HARM: "en uppdatering ändrade mer än anmälan: {fields}; inget mer uppdateras av sig självt",
    Code.UPDATE_MAY_HAVE_DONE_HARM: (
        "efter en uppdatering vars svar gick förlorat är mer än anmälan annorlunda: {fields}; har någon redigerat "
        "det?; inget mer uppdateras av sig självt"
    ),
    Code.UPDATE_UNJUDGED: (
        "uppdateringen {made:time} kunde inte bedömas i tid, och profilen skiljer sig i {fields}: någon måste "
        "jämföra den"
    ),
    Code.ON_PROFILE: "{profile}: {because}",
    Code.OPTED_IN_BUT_NOT_KEPT: "anmäld; att det sågs kunde inte sparas: {said}",
    Code.HOLD_NOT_STORED: "{because}; att det väntar kunde inte sparas: {said}",
    Code.NOT_KEPT_YET: "{because}; inte sparat ännu: {said}",
    # -- what a sweep could not read or keep
    Code.NO_ACCOUNT_LISTED: (
        "faktureringen visar inget konto alls: appens identitet har ingen faktureringsroll; ge den en "
        "(docs/explanation/security.md säger vilken)"
    ),
    Code.ACCOUNT_NOT_LISTED: (
        "faktureringskonto {account}: inget av det syns längre; vår roll där är borta, eller kontot självt"
    ),
    Code.ASSIGNMENTS_NOT_READ: "tilldelningar på {profile}: {said}",
    Code.MEMBERS_NOT_READ: "medlemmar i gruppen {group}: {said}",
    Code.PEOPLE_NOT_READ: "personer enligt regel {rules:+ och }: {said}",
    Code.TOO_MANY_UNREADABLE: (
        "{unreadable} av {listed} personer kan inte läsas, till exempel {person} ({said}); upp till {percent} % "
        "skulle tas för enstaka udda värden"
    ),
    Code.SWEEP_FAILED: "en fullständig kontroll misslyckades: {said}",
    Code.AND_MORE: "{first}; och {more} till",
    Code.POPULATION_SHRANK: (
        "{now} personer passar reglerna; vid den senaste goda fullständiga kontrollen, {at:time}, var de {before}"
    ),
    Code.NOT_REMEMBERED: "det som hanteras för {person}: {said}",
    Code.READERS_NOT_FOUND_OUT: "ta reda på vilka som kan läsa e-post: {said}",
    Code.UNMANAGED_NOT_NOTED: "notera det som inte hanteras: {said}",
    Code.PROTECTED_NOT_FOUND_OUT: "ta reda på vilka som är skyddade: {said}",
    Code.VIEW_NOT_KEPT: "spara översikten: {said}",
    Code.NAMES_NOT_KEPT: "fråga vad alla heter: {said}",
    Code.ROLES_NOT_NOTED: "notera vilka som har en annan roll: {said}",
    Code.LEAVERS_NOT_COUNTED: "räkna hur länge de som har slutat behöll sin åtkomst: {said}",
    Code.ACCOUNT_ROLES_NOT_READ: "roller på kontot {account}: {said}",
    # -- what a sweep finds and leaves alone
    Code.HAS_NO_INVOICE_MANAGERS: "{agreement}, " + _STATUS + ": bara aktiva MCA- och MPA-konton har Fakturahanterare",
    Code.NOT_NAMED: "policyn nämner det inte",
    Code.ACCOUNT_OUT_OF_SIGHT: (
        "{count} hanterade tilldelningar ska finnas där, och inget av det syns: de är kvar, även för dem som har "
        "slutat, tills vår roll där är tillbaka eller policyn inte längre nämner kontot"
    ),
    Code.ACCOUNT_NOT_ACTIVE: "statusen är " + _STATUS + ": inget ges eller tas bort där förrän den är aktiv",
    Code.ACCOUNT_WITHOUT_PROFILES: (
        "kontot syns men ingen av dess faktureringsprofiler: det har inga, eller så låter vår roll oss inte se några"
    ),
    Code.NO_ACCOUNT_MANAGED: "inget av de faktureringskonton som syns hanteras: se dem som lämnas i fred",
    Code.PROFILE_NOT_ACTIVE: (
        "statusen är " + _STATUS + ": ingen får åtkomst och e-postfaktura slås inte på förrän den är aktiv"
    ),
    Code.PROFILE_NOT_ACTIVE_BECAUSE: (
        "statusen är " + _STATUS + "({cause}): ingen får åtkomst och e-postfaktura slås inte på förrän den är aktiv"
    ),
    Code.ASSIGNMENT_NOT_READ: "inte medräknad, {said}: kontrollera den i portalen",
    Code.FEED_SILENT: (
        "{never} av {of} avvikelser för personer på ett dygn aviserades aldrig, och Microsoft Graph ska berätta om "
        "dem: se om dess meddelanden fortfarande når appen (docs/how-to/subscriptions.md). Ändringar i grupper "
        "inuti grupper meddelas aldrig"
    ),
    Code.GRANT_ENDS: "namngiven åtkomst {grant} upphör {until:day}: det som bara den ger tas då bort",
    Code.RULE_GAVE_NOTHING: "regeln passar {people} {people:person|personer} och ger inget: {because}",
    # -- what is told to people outside
    Code.NOTICE_DECISIONS: "{count} beslut väntar på någon",
    Code.DECISION_WAITS: (
        "{kind:grants=ge åtkomst|mover_revokes=ta bort åtkomst (arbetar kvar)|leaver_revokes=ta bort åtkomst (har "
        "slutat)}: {count} {count:person|personer} på {profiles} {profiles:profil|profiler}"
    ),
    Code.MAIL_DECISION_WAITS: "slå på e-postfaktura: {profiles} {profiles:profil|profiler}",
    Code.NOTICE_PAUSES: "ändringar är pausade",
    Code.PAUSE_STANDS: (
        "{kind:operator-stop=en operatör har pausat dem|population-shrank=betydligt färre personer passar "
        "reglerna|role-lost=appens faktureringsroll är borta|profile-harm=en uppdatering ändrade mer än anmälan}, "
        "{scope:?överallt}, sedan {since:time}"
    ),
    Code.NOTICE_CHECK_FAILED: "den fullständiga kontrollen misslyckades",
    Code.CHECK_INCOMPLETE: (
        "den har inte kunnat läsa allt sedan {since:time}; tills den kan det förlorar bara den som säkert har "
        "slutat sin åtkomst"
    ),
    Code.CHECK_OVERDUE: "den senaste började {last:time}, och ingen har avslutats sedan dess",
    Code.NOTICE_LEAVERS: "{count} {count:tilldelning|tilldelningar} för dem som har slutat hanteras inte",
    Code.LEFT_AND_HAS: "{profile:plain}: {people} {people:person|personer}",
    Code.NOTICE_MAIL: "{count} {count:faktura|fakturor} når kanske inte dem som behöver {count:den|dem}",
    Code.PROFILE_MAIL: "{profile:plain}, fakturadag {day:day?inte känd}: {because}",
    Code.NOT_CHECKED: "det kunde inte kontrolleras på flera timmar",
    Code.NOTICE_REJECTED: "händelser har avvisats",
    Code.REJECTED_WAIT: "{count} {more:more=eller fler |=}{count:väntar|väntar} på att avsändaren rättar dem",
    Code.NOTICE_DEAD_LETTERS: "det finns obeställbara meddelanden",
    Code.DEAD_LETTERS_WAIT: "{count} {more:more=eller fler |=}{count:väntar|väntar} på den som utvecklar appen",
    Code.NOTICE_FEED: "inga händelser kommer in längre",
    Code.MORE_LINES: "och {count} till",
    Code.NOTICE_ALL_WILL_MAIL: (
        "{count:den|alla} {count} {count:aktiva profilen|aktiva profiler} mejlar sin nästa faktura"
    ),
    Code.NOTICE_SOME_WILL_MAIL: "{count} av {of} aktiva profiler mejlar sin nästa faktura",
    Code.NOTICE_MAIL_NOT_KNOWN: (
        "ingen vet om nästa fakturor mejlas: den senaste fullständiga kontrollen är från {since:time}"
    ),
    Code.NOTICE_NO_CHECK_YET: "ingen vet om nästa fakturor mejlas: ingen fullständig kontroll har gjorts ännu",
    Code.NOTICE_NO_PROFILE: "ingen aktiv profil hanteras",
    Code.MAILS_ON: "{day:day}: {profiles} {profiles:profil|profiler}, {each} {each:person|personer} var",
    Code.MAILS_ON_TO_SOME: "{day:day}: {profiles} {profiles:profil|profiler}, {fewest} till {most} personer var",
    Code.MAILS_ON_NO_KNOWN_DAY: "en dag som inte är känd: {profiles} {profiles:profil|profiler}",
}
