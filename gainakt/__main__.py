"""`python -m gainakt VERB`."""

from gainakt.cli import main

main()
