"""The audit log: recording entries, and sealing them against tampering."""
