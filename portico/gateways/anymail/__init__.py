"""Email providers that are called over HTTP, through django-anymail: sending, and the events of their webhooks.

django-anymail is imported only when a mail is sent or an event read: it takes as long to load as everything else.
"""
