"""Tests of completed documents: their content, PDF, review and verification."""
