"""Made-up people, places and words for the samples. No one here exists.

NHS numbers are of the 999 test range, postcodes of areas that were never assigned, telephone
numbers of the ranges kept for drama, and e-mail addresses of example.org.
"""

FIRST_NAMES = (
    "Tamsin", "Idris", "Oluchi", "Kasper", "Mirela", "Zainab", "Fergal", "Anwen", "Tobiasz",
    "Leocadia", "Bashir", "Siobhán", "Rhodri", "Imogen", "Kwabena", "Ludmila", "Hamza", "Perpetua",
    "Zoë", "Ishaan", "Morwenna", "Casimir", "Adaeze", "Torquil", "Nasrin", "Bertille",
)  # fmt: skip
LAST_NAMES = (
    "Threlfall", "Okonjo", "Pendarves", "Wrona", "Halloran", "Baptiste", "Kowalczuk", "Ravenscroft",
    "Achebe-Lyle", "Hathersage", "Mirza", "O'Driscoll", "Szymanek", "Trewhella", "Fothergill",
    "Adeyemi", "Lindqvist", "Chaudhry", "Penhaligon", "Oyelaran",
)  # fmt: skip
STREETS = ("Quillmakers Row", "Saltpan Terrace", "Fennel Street", "Old Ropewalk", "Beacon Rise")
TOWNS = ("Norbridge", "Ellerwick", "Stanmouth", "Kettlehulme", "Vexford", "Aldermoor")
POSTCODE_AREAS = ("EE", "GG", "TT", "YY")
POSTCODE_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"

AUTHORITIES = (
    "Camden", "London Borough of Hackney", "Leeds", "Cornwall", "380", "E08000003", "Kent",
    "Nottingham", "Royal Borough of Greenwich", "Essex", "Bristol, City of", "Wigan", "Devon",
    "Sunderland", "Westmorland and Furness", "West Northamptonshire",
)  # fmt: skip
CONTACTS = (
    "Duty team manager, 0161 496 0{:03d}", "Head of safeguarding", "Front door duty desk",
    "Out of hours duty desk, 020 7946 0{:03d}", "duty.desk{:03d}@example.org",
)  # fmt: skip
ETHNICITIES = (
    "White British", "WBRI", "a) WBRI", "White British", "Any other White background", "BAFR",
    "Pakistani", "Indian", "MWBC", "Information not yet obtained", "",
)  # fmt: skip
NATIONALITIES = ("British", "British", "British", "GB", "Polish", "Romanian", "Not known", "")
GENDERS = ("Male", "Female", "M", "F", "male", "FEMALE", "Unknown")
NATURE_HARM = "Child has been seriously harmed and abuse or neglect is known or suspected"
NATURE_DEATH = "Child has died and abuse or neglect is known or suspected"
NATURE_LOOKED_AFTER = "Looked after child has died"
CAUSES = (
    "Neglect", "Physical abuse", "Sexual abuse", "Emotional abuse", "Overdose", "Medical condition",
    "Road traffic collision", "Other: fall from a height",
)  # fmt: skip
PLANS = ("At time of incident", "Previously", "Both", "Never", "Never", "Not known")
DISABILITIES = (
    "None", "None", "none", "No disability", "LD", "Autism; Communication", "Not known", "MOB|HAND",
    "Yes (unspecified)",
)  # fmt: skip
AGENCIES = ("Police", "Health", "Education", "Children's social care", "Housing", "Probation")
SETTINGS = (
    "Little Otters day nursery", "Harbour youth club", "Larkspur playgroup", "Swimming lessons",
)  # fmt: skip
OPENINGS = (
    "A referral was received after concerns were raised by a relative",
    "A strategy discussion was held after injuries were noted at an appointment",
    "The child was found unwell at home and was taken to hospital",
    "Several visits had been missed before the incident",
    "The incident followed an argument between adults at the home",
    "A medical examination was arranged on the same day",
)
ENDINGS = (
    "The child was made safe and a plan was agreed.", "Enquiries continue.",
    "A rapid review has been requested.", "Support was offered and accepted.",
    "The outcome of the examination is awaited.", "Brothers and sisters are with relatives.",
)  # fmt: skip
NARRATIVES = (
    "{child} was seen at home by {worker}, who spoke to {mother}.",
    "{mother} told {worker} that {child} had been unwell since the weekend.",
    "{worker} photographed the injury with consent of {mother}.",
)
RELIGIONS = ("None", "Christian", "Muslim", "Hindu", "Not stated")
LANGUAGES = ("English", "English", "Polish", "Urdu", "Somali", "Romanian")
SCR_STATUSES = ("Not required", "Under consideration", "Commissioned", "Published", "Not published")
SCR_AUTHORS = ("Independent lead reviewer", "Partnership review team", "Independent chair")
