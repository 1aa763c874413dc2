"""The gateways' promises."""
