"""Tests of completing documents in the portal: answers, files and signatures."""
