"""Every code that can be raised here is explained to the people who keep the keys."""

import re
from pathlib import Path

CODE = re.compile(r'"((?:gpg|home|home-key|key|message|password|pins|sealed|signature|zip|excel)'
                  r'\.[a-z-]+)"')  # fmt: skip


def test_docs_keys_explains_every_code(checkout: Path) -> None:
    sources = (checkout / "gateway" / "crypto").glob("*.py")
    raised = {code for path in sources for code in CODE.findall(path.read_text())} - {"home.key"}
    assert len(raised) > 30
    words = (checkout / "docs" / "keys.md").read_text()
    assert {code for code in raised if f"`{code}`" not in words} == set()
