"""The reference hotline system: what ``docs/hotline.openapi.yaml`` describes, in a process and database of its own."""
