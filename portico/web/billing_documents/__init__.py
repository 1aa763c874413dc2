"""Invoices, receipts and statements as data, which a page or a PDF renders."""
