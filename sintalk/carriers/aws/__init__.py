"""AWS End User Messaging: what our RCS content is called there."""
