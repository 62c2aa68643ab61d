"""`python -m sintalk`, the same as the `sintalk` command."""

from sintalk.cli import main

main(prog_name="sintalk")
