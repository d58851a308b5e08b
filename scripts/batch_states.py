"""Draw the states of a batch into the page about them."""

import re
import sys
from pathlib import Path

from didier.domain.batch_states import diagram

if __name__ == "__main__":
    page = Path(sys.argv[1])
    drawn = f"```mermaid\n{diagram()}\n```"
    page.write_text(re.sub(r"```mermaid\n.*?```", drawn, page.read_text("utf-8"), flags=re.DOTALL), "utf-8")
