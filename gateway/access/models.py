"""People as Flask-Security wants them: the only ORM of the gateway, over tables of the store.

It is for signing in alone: what is done about people, `people` does, with its ledger entry.
"""

from typing import Any, ClassVar

from flask_security import UserMixin, WebAuthnMixin
from sqlalchemy.orm import DeclarativeBase, relationship, scoped_session, sessionmaker

from gateway.store.columns import metadata
from gateway.store.database import Database
from gateway.store.schema_people import people, webauthn_credentials


class Base(DeclarativeBase):
    """Maps onto the tables that the migrations make."""

    metadata = metadata


class Credential(Base, WebAuthnMixin):
    """A security key (or a passkey) of a person."""

    __table__ = webauthn_credentials

    def get_user_mapping(self) -> dict[str, Any]:
        """What finds its person."""
        return {"id": self.person_id}  # type: ignore[attr-defined]


class Person(Base, UserMixin):
    """Somebody who may sign in. Grants are no roles of Flask-Security's; nobody is telephoned."""

    __table__ = people
    webauthn = relationship(Credential, lazy="select", order_by=webauthn_credentials.c.id)
    roles: ClassVar[tuple[()]] = ()  # type: ignore[assignment, misc]
    tf_phone_number: ClassVar[None] = None  # type: ignore[misc]

    def calc_username(self) -> str:
        """What authenticator apps and browsers show."""
        return str(self.email)


class Rows:
    """The database as Flask-Security's datastore asks for it: an ORM session for each thread.

    Each statement is a transaction of its own, so that no page holds a lock while it is made; what
    must happen together, or once, our own acts do.
    """

    def __init__(self, database: Database) -> None:
        self._engine = database.statement_by_statement()
        self.session = scoped_session(sessionmaker(self._engine))

    def close(self) -> None:
        """What was read is read anew by the next page."""
        self.session.remove()
