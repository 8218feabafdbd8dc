"""A small agreement between two made-up bodies, served by the code that serves the memorandum."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.agreement.load import Agreed, AgreementFaults, load_agreement

SMALL = """
id = "attendance"
title = "Attendance returns"
version = "1"
lawful_basis = ["An Act"]

[parties.school]
name = "The school"
role = "Sends"

[parties.council]
name = "The council"
role = "Receives"

[[clauses]]
number = "1"
title = "Returns"
words = "The school sends returns."
control = "The returns flow."
enforced = "yes"

[[clauses]]
number = "2(a)"
title = "Talk"
words = "They talk."
control = "Talking."
enforced = "outside"

[calendar]
add = [{ date = 2030-01-02, name = "Closed" }]
remove = [{ date = 2030-05-06, name = "Open" }]

[retention]
hold = false
hold_reason = "None."
held_rows_days = 1
staged = "Until accepted."

[review]
months_after_signing = 1

[deadlines.collected]
words = "Collect"
working_hours = 1
clause = "1"

[screening]
patterns = ["phone"]
person_words = ["name"]
everyday_words = ["rose"]

[source_columns]
name = ["Pupil name", { heading = "Teacher", allowed_in = ["remark"] }]
no = ["House"]

[flows.returns]
title = "Weekly returns"
sender = "school"
recipients = [{ party = "council", protection = "excel-password" }]
window = { frequency = "weekly", weekday = "friday", at = "09:30" }

[[flows.returns.fields]]
id = "reference"
heading = "Reference"
kind = "reference"
required = true
pattern = '[A-Z][0-9]+'

[[flows.returns.fields]]
id = "area"
heading = "Area"
kind = "code"
list = "areas"
valid_on = ["day"]

[[flows.returns.fields]]
id = "day"
heading = "Day of absence"
kind = "date"
required = true
also = ["Absent on"]

[[flows.returns.fields]]
id = "born"
heading = "Born"
kind = "date"

[[flows.returns.fields]]
id = "age"
heading = "Age"
kind = "age"
minimum = 4
maximum = 19
derive = { kind = "age", born = "born", at = "day" }

[[flows.returns.fields]]
id = "initials"
heading = "Initials"
kind = "initials"
derive = { kind = "initials", headings = ["Pupil name"] }

[[flows.returns.fields]]
id = "excused"
heading = "Excused"
kind = "yes-no-unknown"

[[flows.returns.fields]]
id = "reason"
heading = "Reasons"
kind = "codes"
list = "reasons"
other = true
alone = ["None"]

[[flows.returns.fields]]
id = "remark"
heading = "Remark"
kind = "text"
allow_identifiers = ["phone"]

[flows.returns.rules.order]
kind = "in-order"
severity = "query"
fields = ["born", "day"]
words = "In order."

[flows.returns.rules.told]
kind = "only-when"
severity = "error"
field = "reason"
when = [{ field = "excused", values = ["Yes"] }]
values = ["Illness"]
words = "Only when excused."

[flows.returns.rules.either]
kind = "one-of"
severity = "error"
fields = ["born", "age"]
words = "One of them."

[flows.returns.rules.aged]
kind = "age-matches"
severity = "query"
age_field = "age"
field = "born"
other = "day"
words = "The age is right."
"""

AREAS = """code,label,synonyms,valid_from,valid_to
N1,Northshire,The North|N-1,,2019-03-31
N2,Northshire,,2019-04-01,
S1,Southshire,South,,
S2,South,,2020-01-01,2020-12-31
"""
REASONS = """code,label,synonyms,valid_from,valid_to
,None,,,
ILL,Illness,"Poorly, or ill",,
,Other,,,
"""


@pytest.fixture(scope="session")
def memorandum(checkout: Path) -> Agreed:
    """The agreement of this checkout between Ofsted and the DfE."""
    config = checkout / "config"
    return load_agreement(config / "agreements" / "ofsted-dfe.toml", config / "codes")


class SmallHome:
    """A config folder with the small agreement, which a test may edit."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.file = config / "agreements" / "attendance.toml"
        self.codes = config / "codes"
        self.file.parent.mkdir(parents=True)
        self.codes.mkdir()
        self.file.write_text(SMALL, encoding="utf-8")
        (self.codes / "areas.csv").write_text(AREAS, encoding="utf-8")
        (self.codes / "reasons.csv").write_text(REASONS, encoding="utf-8")

    def edit(self, old: str, new: str, name: str = "agreements/attendance.toml") -> None:
        """Replace the one place where ``old`` stands."""
        path = self.config / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def load(self) -> Agreed:
        """The agreement as it now stands."""
        return load_agreement(self.file, self.codes)

    def faults(self) -> dict[str, str]:
        """The faults of the agreement as it now stands, words by path."""
        with pytest.raises(AgreementFaults) as caught:
            self.load()
        return {fault.path: fault.message for fault in caught.value.faults}


@pytest.fixture
def small_home(tmp_path: Path) -> SmallHome:
    """A fresh config folder with the small agreement."""
    return SmallHome(tmp_path / "config")


@pytest.fixture
def edited(small_home: SmallHome) -> Callable[..., dict[str, str]]:
    """``edited(old, new)``: the faults of the small agreement with one place replaced."""

    def change(old: str, new: str, name: str = "agreements/attendance.toml") -> dict[str, str]:
        small_home.edit(old, new, name)
        return small_home.faults()

    return change
