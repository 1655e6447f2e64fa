"""The case as others may see it: the snapshot that events carry of it, and a sample of one."""

from shared.events.fields import Code, Data, District, Flag, Id, ListOf, OpenCode, Part, Time, Token, codes
from shared.events.vocabulary import AGENCIES, CATEGORIES, CHANNELS, FACTORS, GRADES, REASONS, WISHES


class Person(Data):
    """A person by blind tokens: every name and telephone number that she is known by."""

    names = ListOf(Token())
    phones = ListOf(Token())


class Snapshot(Data):
    """The whole case after a report. Lists are sorted, but for `reasons` and `mediation_bars` (order of the rules)."""

    id = Id()
    district = District(about="Of the report that opened the case, cut to the county.")
    place = ListOf(
        Token(),
        about="A token for each level below the county (township, village, hamlet), so that nearness can be compared.",
    )
    opened_at = Time()
    categories = codes(CATEGORIES, about="The union over all reports of the case, as are factors, wishes and channels.")
    factors = codes(FACTORS)
    wishes = codes(WISHES)
    channels = codes(CHANNELS)
    violence_channels = codes(CHANNELS, about="Channels of the reports in a violence category.")
    consents = codes(AGENCIES, about="Agencies that the client agreed to.")
    grade = Code(GRADES)
    reasons = ListOf(OpenCode(REASONS), about="Every line of the risk rules that ever fired, in their order.")
    immediate_danger = Flag()
    child_case = Flag()
    danger_case = Flag()
    counter_report = Flag()
    mediation_barred = Flag()
    mediation_bars = ListOf(OpenCode(), about="Every line of the risk rules that bars mediation, in their order.")
    other_sides = ListOf(Id(), about="Cases whose client is the accused of this one, or the other way round.")
    shared_phones = ListOf(Token(), about="Phones given for both client and accused: they identify neither.")
    client = Part(Person)
    accused = Part(Person)


#: Ids and tokens are invented.
CASE_ID = "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e"
OTHER_CASE_ID = "019caa11-90c8-7d02-8f6b-3c9e1a7b5d24"
REPORT_ID = "019cabd8-3f40-7e13-b2a4-8d6c0f9e1b57"

SNAPSHOT = {
    "id": CASE_ID,
    "district": "330302",
    "place": ["kP3vXq9ZbL0mT7sYw2RdHA", "Zc81_nUeGf4oJx6iK5tBvQ"],
    "opened_at": "2026-03-02T01:14:00Z",
    "categories": ["domestic_violence"],
    "factors": ["controlling_or_jealous", "injury", "separated_or_trying"],
    "wishes": ["legal_aid", "protection_order"],
    "channels": ["hotline_12338"],
    "violence_channels": ["hotline_12338"],
    "consents": ["justice", "police"],
    "grade": "orange",
    "reasons": ["separation_control_injury", "factors_1_to_9", "violence_or_harassment"],
    "immediate_danger": False,
    "child_case": False,
    "danger_case": True,
    "counter_report": False,
    "mediation_barred": True,
    "mediation_bars": ["violence_category", "injury", "controlling_or_jealous"],
    "other_sides": [],
    "shared_phones": [],
    "client": {"names": ["3rT-yVh0Qe8WnLzKa5DpMg"], "phones": ["uB7fJ2cXs1GmOi9NxR4E6w"]},
    "accused": {"names": ["Hq5_8jYtPz2SdVb0FkLeCA"], "phones": []},
}
