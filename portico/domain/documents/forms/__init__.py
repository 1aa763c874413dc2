"""Forms as FHIR R4 Questionnaires, and their answers. Pure functions: no rows, no requests."""
