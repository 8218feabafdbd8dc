"""The columns of the bench's extracts: those that travel, and those that must not."""

AGREED = (
    "Reference number", "Local authority", "Child's initials", "Gender", "Ethnicity", "Nationality",
    "Date of birth", "Date of incident", "Age", "Date notification was received",
    "Local authority contact", "Nature of notification", "Death of child: yes or no",
    "Death: whether natural causes", "Main cause", "Legal status of child",
    "Whether child was subject to child protection plan at time of incident, or previously",
    "Any prior disability", "Where child was living", "Involvement of agencies",
    "Any other settings attended and their name", "Whether an incident occurred at other setting",
    "Unique reference numbers", "Case information", "Child protection database reference",
    "CIE date", "Serious case review (SCR) status", "Date of SCR panel", "SCR decision date",
    "SCR report received date", "Report author", "Date SCR to be published", "Linked cases",
)  # fmt: skip
DROPPED = (
    "Child's full name", "Child known as", "Address line 1", "Address line 2", "Town", "Postcode",
    "NHS number", "UPN", "Mother's name", "Mother's date of birth", "Father's name",
    "Father's date of birth", "Sibling names", "School name", "GP practice", "Social worker",
    "Social worker phone", "Social worker e-mail", "Police reference", "Hospital name", "Narrative",
    "Actions taken", "System id", "Notes", "Religion", "First language", "Created by",
    "Internal status",
)  # fmt: skip
NARROW = (
    "Reference number", "Local authority", "Child's initials", "Gender", "Date of birth",
    "Date of incident", "Age", "Date notification was received", "Nature of notification",
    "Death of child: yes or no", "Child's full name", "Postcode",
)  # fmt: skip
