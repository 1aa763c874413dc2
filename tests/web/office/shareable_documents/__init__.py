"""Tests of `Settings` > `Shareable documents`."""
