"""Onboarding clients to the portal: new clients, invitations, their texts and the guide."""
