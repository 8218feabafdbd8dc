"""The SFTP face: each party sees its own outbox and inboxes."""
