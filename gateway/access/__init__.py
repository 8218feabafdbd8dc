"""People: officers with roles and pinned keys, approvals by two, tokens, absences."""
