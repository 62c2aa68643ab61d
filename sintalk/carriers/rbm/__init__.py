"""Google RCS for Business: what our RCS content is called there."""
