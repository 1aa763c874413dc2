"""Invoices, receipts and statements as they are read: once as data, then as a page or a PDF."""
