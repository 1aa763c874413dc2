"""Documents that clients fill in, read, sign and upload: templates, requests and submissions."""
