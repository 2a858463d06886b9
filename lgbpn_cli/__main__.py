"""`python -m lgbpn_cli` is the same as `lgbpn`."""

from lgbpn_cli.cli.main import main

if __name__ == "__main__":
    main()
