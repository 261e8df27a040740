"""`python -m gainakt VERB`."""

from gainakt.cli.main import main

main()
