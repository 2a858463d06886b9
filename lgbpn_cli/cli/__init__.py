"""The command line: options become settings, settings go into one call of `lgbpn_cli.app`."""
