"""What comes back: collected, opened, accepted or queried, and what is still owed."""
