"""`python -m sintalk.carriers.simulator`: the carrier on its own, set up by the environment."""

import logging
import sys

from sintalk.carriers.simulator.server import run
from sintalk.config import ConfigError, Settings

if __name__ == "__main__":
    try:
        settings = Settings.from_env()
        logging.basicConfig(
            level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
        )
        logging.getLogger("httpx").setLevel(logging.WARNING)
        run(settings)
    except ConfigError as error:
        sys.exit(str(error))
