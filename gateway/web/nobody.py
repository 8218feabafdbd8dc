"""Until people can sign in: nobody is signed in."""

from gateway.web.visitor import Visitor, Visitors


class Nobody(Visitors):
    """The site's pages that need no sign-in, and nothing else."""

    def current(self) -> Visitor | None:
        """Nobody."""
        return None

    def refused(self, visitor: Visitor, party: str, flow: str) -> None:
        """There is nobody to refuse."""
