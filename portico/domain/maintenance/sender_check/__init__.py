"""The sender check: whether the DNS of EMAIL_FROM's domain lets receiving servers trust our mail."""
