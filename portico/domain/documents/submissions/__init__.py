"""Completed documents: their content, PDF, review and verification."""
