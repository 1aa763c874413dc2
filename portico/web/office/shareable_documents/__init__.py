"""`Settings` > `Shareable documents`: the templates of consents, forms and files."""
