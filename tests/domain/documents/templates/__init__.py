"""Tests of templates of documents: editing, publishing, importing, and what their versions hold."""
