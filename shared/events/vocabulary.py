"""The codes of the domain: the words that services, rules, schemas and events have in common.

Only codes stand here. What follows from them (a grade, a referral, a skill) is a rule, and rules are data beside the
service that owns them.
"""

from typing import Final

#: Digits of a district at each level: province, city, county, township, village, hamlet (GB/T 2260 and its extension).
DISTRICT_LEVELS: Final = (2, 4, 6, 9, 12, 14)
#: What a district looks like, as a regular expression without anchors.
DISTRICT_PATTERN: Final = "|".join(f"[0-9]{{{digits}}}" for digits in DISTRICT_LEVELS)
#: Digits of a county: the smallest district that travels in the clear.
COUNTY_DIGITS: Final = 6

#: How a report reaches the federation.
CHANNELS: Final = (
    "hotline_12338",
    "hotline_3861",
    "dv_complaint_centre",
    "visit",
    "letter",
    "web_mailbox",
    "wechat",
    "home_visit",
    "mandatory_report",
    "police_110",
    "court",
    "grid",
)
#: Channels on which nobody asks for the code word.
WRITTEN_CHANNELS: Final = frozenset({"web_mailbox", "wechat", "letter"})

#: Who reports.
ROLES: Final = (
    "self",
    "relative",
    "neighbour",
    "teacher",
    "doctor",
    "police",
    "court",
    "village_cadre",
    "volunteer",
    "anonymous",
)
PROFESSIONAL_ROLES: Final = frozenset({"teacher", "doctor", "police", "court", "village_cadre", "volunteer"})

CATEGORIES: Final = (
    "domestic_violence",
    "child_abuse",
    "child_sexual_abuse",
    "sexual_assault",
    "sexual_harassment",
    "marriage_dispute",
    "custody_and_support",
    "property_and_land",
    "labour_rights",
    "trafficking",
    "left_behind_child",
    "illness_relief",
    "poverty_relief",
    "psychological",
    "family_education",
    "employment",
    "other",
)
CHILD_CATEGORIES: Final = frozenset({"child_abuse", "child_sexual_abuse"})
VIOLENCE_CATEGORIES: Final = CHILD_CATEGORIES | {"domestic_violence", "sexual_assault", "trafficking"}
DANGER_CATEGORIES: Final = VIOLENCE_CATEGORIES | {
    "marriage_dispute",
    "custody_and_support",
    "sexual_harassment",
    "psychological",
}

#: Risk factors: the questions of the DASH checklist.
FACTORS: Final = (
    "injury",
    "very_frightened",
    "fears_further_harm",
    "isolated",
    "depressed_or_suicidal",
    "separated_or_trying",
    "child_contact_conflict",
    "stalking",
    "pregnant_or_new_baby",
    "abuse_more_often",
    "abuse_getting_worse",
    "controlling_or_jealous",
    "weapon_used",
    "threat_to_kill",
    "strangulation",
    "sexual_abuse",
    "threatened_by_others",
    "hurt_others",
    "hurt_animals",
    "money_dependence",
    "substance_or_mental_illness",
    "accused_suicide_threat",
    "breached_order",
    "criminal_record",
)

#: What the client asks for.
WISHES: Final = (
    "legal_advice",
    "legal_aid",
    "protection_order",
    "shelter",
    "injury_appraisal",
    "mediation",
    "counselling",
    "financial_aid",
    "family_education",
    "employment_help",
)

AGENCIES: Final = (
    "police",
    "court",
    "procuratorate",
    "justice",
    "civil_affairs",
    "health",
    "education",
    "human_resources",
    "agriculture",
    "grid",
)
#: Why an agency may be told: the law obliges, life is in danger, or the client agreed to this agency.
BASES: Final = ("duty", "life", "consent")
#: What may be told of the people in a case. Whoever reported is none of them: nobody is told who that was.
IDENTITY_FIELDS: Final = (
    "client.name",
    "client.sex",
    "client.birth_date",
    "client.phone",
    "client.id_number",
    "client.address",
    "accused.name",
    "accused.relation",
    "accused.phone",
    "accused.id_number",
    "children",
    "safe_contact",
    "narrative",
)
#: What happened, in the words of a report: leaves only where the law obliges or life is in danger.
NARRATIVE: Final = "narrative"
#: Why identity may leave without being asked for consent.
WITHOUT_CONSENT: Final = frozenset({"duty", "life"})
#: Why a case is erased.
ERASURE_REASONS: Final = ("requested_by_client", "retention_over")
#: Why a referral is cancelled.
CANCELLATIONS: Final = ("mediation_barred", "consent_withdrawn")
#: Steps by which an agency says how far it is with what it was told.
RECEIPTS: Final = ("received", "acted")
#: Who counts and learns nothing else; no agency that a case is referred to.
STATISTICS: Final = "statistics"
#: Purposes of the default referral rules.
PURPOSES: Final = (
    "mandatory_report",
    "file_and_supervise",
    "child_protection",
    "protect",
    "crisis_care",
    "warn_or_investigate",
    "protection_order",
    "legal_aid",
    "shelter",
    "injury_care",
    "mediation",
    "relief",
    "labour_rights",
    "land_rights",
    "school_care",
    "hazard_list",
)

#: Grades of risk, the lowest first.
GRADES: Final = ("blue", "yellow", "orange", "red")
#: Reasons of the default risk rules, in the order of their table.
REASONS: Final = (
    "immediate_danger",
    "strangulation",
    "breached_order",
    "threat_to_kill_and_weapon",
    "factors_14_or_more",
    "child_case",
    "factors_10_to_13",
    "threat_to_kill",
    "sexual_abuse",
    "sexual_assault_or_trafficking",
    "separation_control_injury",
    "third_violence_report_in_365_days",
    "second_violence_report_in_30_days",
    "factors_1_to_9",
    "violence_or_harassment",
)

#: Skills of volunteers; besides these there is `dialect:<name>` for each dialect.
SKILLS: Final = (
    "law",
    "psychology",
    "family_education",
    "mediation",
    "accompaniment",
    "patrol",
    "early_education",
    "medical",
)
DIALECT_PREFIX: Final = "dialect:"
#: Certificates by their official names: lawyer, counsellor, social worker, marriage and family counsellor.
CERTIFICATES: Final = ("律师", "心理咨询师", "社会工作师", "婚姻家庭咨询师")

#: Channels that a client can name as safe: a person calls, or a text.
SAFE_CHANNELS: Final = ("phone", "sms", "wechat", "email")
