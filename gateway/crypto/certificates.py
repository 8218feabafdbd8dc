"""Certificates of TLS: until when one is good."""

from datetime import datetime
from pathlib import Path

from cryptography import x509


def certificate_ends(path: Path) -> datetime:
    """When the first certificate of a PEM file ends. Raises ValueError or OSError."""
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
