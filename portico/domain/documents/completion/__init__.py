"""Completing documents in the portal: answers, files and signatures."""
