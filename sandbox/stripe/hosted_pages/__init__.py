"""The pages that Stripe would show: Checkout, the bank and the dashboard."""
