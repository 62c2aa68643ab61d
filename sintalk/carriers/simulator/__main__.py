"""`python -m sintalk.carriers.simulator`: the carrier on its own, set up by the environment."""

from sintalk.carriers.simulator.server import run
from sintalk.config import Settings

run(Settings.from_env())
