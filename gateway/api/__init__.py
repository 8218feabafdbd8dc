"""The HTTP API: it calls what decides, and decides nothing."""
