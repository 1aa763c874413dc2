"""The books: allocation of money to invoices, balances, statements and verification."""
