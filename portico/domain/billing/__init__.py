"""What clients owe and what they paid: invoices, payments, what money was put against, credit, refunds."""
