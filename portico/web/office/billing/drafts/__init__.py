"""Creating and editing draft invoices, for one client or several."""
