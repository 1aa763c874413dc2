"""Infrastructure independent of the domain: base models, audit log, mail, queue, rate limits, text."""
