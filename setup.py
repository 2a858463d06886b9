"""The packages of the wheel: every room of `lgbpn_cli`, and `weights/`, which travels inside it as a room of data."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["lgbpn_cli", "lgbpn_cli.*"]), "lgbpn_cli.weights"],
    package_dir={"lgbpn_cli.weights": "weights"},
)
