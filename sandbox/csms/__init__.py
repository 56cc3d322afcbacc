"""A reference billing system (CSMS): implements docs/csms.openapi.yaml over HTTP, with its own process and database."""
