"""Completed documents: those signed on paper, their content, PDF, review and verification."""
